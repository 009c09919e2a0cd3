import * as v from "valibot";
import { isJsonObject, type JsonObject } from "../json.ts";

/** The member of a client's metadata that says which stack manages the client. */
export const MARK_MEMBER = "hydra.apply";

/** What `hydra apply` stores in the metadata of each client that it manages. */
export interface Mark {
  /** The named group of clients that are kept together. */
  readonly stack: string;
  /** The name of the client inside the stack. */
  readonly key: string;
  /** The version of the secret that was set last (`x-hydra.secret.version`). */
  readonly secret?: number;
  /** Whether `--prune` never deletes the client. */
  readonly protect?: true;
}

const NAME = v.pipe(v.string(), v.nonEmpty());

const MARK = v.object({
  stack: NAME,
  key: NAME,
  secret: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  protect: v.optional(v.literal(true)),
});

/** The mark of a client; undefined if it has none, or one that `hydra apply` never writes. */
export function readMark(client: JsonObject): Mark | undefined {
  const { metadata } = client;
  const read = v.safeParse(MARK, isJsonObject(metadata) ? metadata[MARK_MEMBER] : undefined);
  if (!read.success) return undefined;
  const { stack, key, secret, protect } = read.output;
  return { stack, key, ...(secret === undefined ? {} : { secret }), ...(protect === undefined ? {} : { protect }) };
}

/** A client whose metadata has this mark, in addition to its other members. */
export function withMark(client: JsonObject, mark: Mark): JsonObject {
  const { metadata } = client;
  return { ...client, metadata: { ...(isJsonObject(metadata) ? metadata : {}), [MARK_MEMBER]: mark } };
}
