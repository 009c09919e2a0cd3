import * as v from "valibot";
import { isJsonObject, type JsonObject, objectOrEmpty } from "../json/json.ts";

/** The member of a client's metadata that holds its mark. */
export const STACK_MARK_MEMBER = "hydra.apply";

/** What `hydra apply` writes into the clients that it keeps: the stack they belong to and their name in it. */
export interface StackMark {
  readonly stack: string;
  readonly key: string;
  /** The version of the secret that was set last. */
  readonly secret?: number;
  /** Whether `--prune` never deletes the client. */
  readonly protect?: true;
}

const NonEmptyText = v.pipe(v.string(), v.nonEmpty());

const MarkInMetadata = v.object({
  stack: NonEmptyText,
  key: NonEmptyText,
  secret: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  protect: v.exactOptional(v.literal(true)),
});

/** The mark of a client; undefined if it has none, or one that is malformed. */
export function readStackMark({ metadata }: JsonObject): StackMark | undefined {
  const read = v.safeParse(MarkInMetadata, isJsonObject(metadata) ? metadata[STACK_MARK_MEMBER] : undefined);
  return read.success ? read.output : undefined;
}

/**
 * The settings of a file that say what a mark does. The version of a secret belongs to where it is from, which only the
 * file knows.
 */
export function xHydraSettingsOfMark(mark: StackMark | undefined): JsonObject {
  if (mark === undefined) return {};
  return { key: mark.key, ...(mark.protect === undefined ? {} : { protect: mark.protect }) };
}

/** The client with a mark, in addition to the rest of its metadata. */
export function withStackMark(client: JsonObject, mark: StackMark): JsonObject {
  return { ...client, metadata: { ...objectOrEmpty(client["metadata"]), [STACK_MARK_MEMBER]: mark } };
}

/** A client whose metadata doesn't have the mark. */
export function withoutStackMark(client: JsonObject): JsonObject {
  const { metadata } = client;
  if (!isJsonObject(metadata) || !Object.hasOwn(metadata, STACK_MARK_MEMBER)) return client;
  return { ...client, metadata: metadataWithoutStackMark(metadata) };
}

/** The members of the metadata without the mark; undefined if it is not an object. */
export function metadataWithoutStackMark(metadata: unknown): JsonObject | undefined {
  if (metadata === undefined || metadata === null) return {};
  if (!isJsonObject(metadata)) return undefined;
  const { [STACK_MARK_MEMBER]: _, ...own } = metadata;
  return own;
}
