import * as v from "valibot";
import { isJsonObject, type JsonObject, parseJsonOrUndefined } from "../json/json.ts";
import { withoutPrivateMembers } from "./jwk-members.ts";

/** A JSON Web Key (RFC 7517, 4). Other members stay as they are. */
export type JsonWebKey = JsonObject & {
  readonly kty: string;
  readonly kid?: string | undefined;
  readonly use?: string | undefined;
  readonly alg?: string | undefined;
  readonly crv?: string | undefined;
};

const TEXT_MEMBERS = ["use", "alg", "crv", "n", "e", "x", "y", "d", "p", "q", "dp", "dq", "qi", "k"] as const;

/** Text, or nothing: some servers send null for a member without a value. */
const OptionalText = v.nullish(v.string());

const KeyWithKnownMembers = v.looseObject({
  kty: v.pipe(v.string(), v.nonEmpty()),
  kid: OptionalText,
  ...v.entriesFromList(TEXT_MEMBERS, OptionalText),
});

/** The key in a JSON value, without members that are null; undefined if it is something else. */
export function asJsonWebKey(value: unknown): JsonWebKey | undefined {
  const read = v.safeParse(KeyWithKnownMembers, value);
  if (!read.success) return undefined;
  const { kty } = read.output;
  return { ...Object.fromEntries(Object.entries(read.output).filter(([, member]) => member !== null)), kty };
}

const KeySetWithKnownMembers = v.looseObject({ keys: v.array(v.unknown()) });

/** A key set (RFC 7517, 5) whose keys may be of any kind; undefined if a text is something else. */
export function parseKeySet(text: string): JsonObject | undefined {
  const value = parseJsonOrUndefined(text)?.value;
  return v.is(KeySetWithKnownMembers, value) ? value : undefined;
}

/** The keys of a set, of any kind; empty for anything else. */
export function keysOfSet(value: unknown): readonly unknown[] {
  return v.is(KeySetWithKnownMembers, value) ? value.keys : [];
}

/**
 * The keys in a JSON value: one key, a set, a set in the wrapper that Hydra's CLI 1.8 prints, or a list of any of these;
 * undefined if it is something else.
 */
export function jsonWebKeysIn(value: unknown): readonly JsonWebKey[] | undefined {
  if (Array.isArray(value)) return parseAllOrUndefined(value, jsonWebKeysIn);
  if (!isJsonObject(value)) return undefined;
  if (isJsonObject(value["Payload"])) return jsonWebKeysIn(value["Payload"]);
  if (Array.isArray(value["keys"]))
    return parseAllOrUndefined(value["keys"], (key) => asSingleKeyList(asJsonWebKey(key)));
  return asSingleKeyList(asJsonWebKey(value));
}

function asSingleKeyList(key: JsonWebKey | undefined): readonly JsonWebKey[] | undefined {
  return key === undefined ? undefined : [key];
}

function parseAllOrUndefined(
  values: readonly unknown[],
  parse: (value: unknown) => readonly JsonWebKey[] | undefined,
): readonly JsonWebKey[] | undefined {
  const found = values.map((value) => parse(value));
  return found.includes(undefined) ? undefined : found.flatMap((keys) => keys ?? []);
}

/** Whether a key is a shared secret, which has no public part. */
export function isSymmetric({ kty }: Pick<JsonWebKey, "kty">): boolean {
  return kty === "oct";
}

/** A key without its private members. */
export function publicPart(key: JsonWebKey): JsonWebKey {
  return { ...withoutPrivateMembers(key), kty: key.kty };
}

/** Whether two keys, or the halves of them, have the same contents: the same public part or shared secret. */
export function isSameKeyIgnoringKid(a: JsonWebKey, b: JsonWebKey): boolean {
  return ["kty", "crv", "n", "e", "x", "y", "k"].every((name) => a[name] === b[name]);
}
