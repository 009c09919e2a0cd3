import * as v from "valibot";
import { isJsonObject, type JsonObject, objectOrEmpty } from "../json/json.ts";

/** The member of a client's metadata that holds its mark. */
export const MARK_MEMBER = "hydra.apply";

/** What `hydra apply` writes into the clients that it keeps: the stack they belong to and their name in it. */
export interface StackMark {
  readonly stack: string;
  readonly key: string;
  /** The version of the secret that was set last. */
  readonly secret?: number;
  /** Whether `--prune` never deletes the client. */
  readonly protect?: true;
}

const NAME = v.pipe(v.string(), v.nonEmpty());

const MARK = v.object({
  stack: NAME,
  key: NAME,
  secret: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  protect: v.exactOptional(v.literal(true)),
});

/** The mark of a client; undefined if it has none, or one that is malformed. */
export function readMark({ metadata }: JsonObject): StackMark | undefined {
  const read = v.safeParse(MARK, isJsonObject(metadata) ? metadata[MARK_MEMBER] : undefined);
  return read.success ? read.output : undefined;
}

/** The mark as the settings of a file. The version of a secret belongs to where it is from, which only the file knows. */
export function extensionOfMark(mark: StackMark | undefined): JsonObject {
  if (mark === undefined) return {};
  return { key: mark.key, ...(mark.protect === undefined ? {} : { protect: mark.protect }) };
}

/** The client with a mark, in addition to the rest of its metadata. */
export function withMark(client: JsonObject, mark: StackMark): JsonObject {
  return { ...client, metadata: { ...objectOrEmpty(client["metadata"]), [MARK_MEMBER]: mark } };
}

/** A client whose metadata doesn't have the mark. */
export function withoutMark(client: JsonObject): JsonObject {
  const { metadata } = client;
  if (!isJsonObject(metadata) || !Object.hasOwn(metadata, MARK_MEMBER)) return client;
  return { ...client, metadata: metadataWithoutMark(metadata) };
}

/** The members of the metadata without the mark; undefined where it is not an object. */
export function metadataWithoutMark(metadata: unknown): JsonObject | undefined {
  if (metadata === undefined || metadata === null) return {};
  if (!isJsonObject(metadata)) return undefined;
  const { [MARK_MEMBER]: _, ...own } = metadata;
  return own;
}
