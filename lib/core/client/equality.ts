import { parseNanoseconds } from "../duration.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import { isEmpty, isEmptyObject, sameJson } from "./client.ts";
import { FIELD_NAMES, FIELDS, type Field, SERVER_FIELDS } from "./fields.ts";

/**
 * The release lines whose clients have different fields, each named after its oldest member that was measured. A server
 * without any lifespan answers as 1.8; 26 stands for everything from 25 on.
 */
export type Tier = "1.8" | "1.11" | "2.1" | "2.3" | "26";

const TIERS: readonly Tier[] = ["1.8", "1.11", "2.1", "2.3", "26"];

const FIELD_BY_NAME: ReadonlyMap<string, Field> = new Map(FIELDS.map((field) => [field.name, field]));

/**
 * Reads the release line of a server from the keys of one of its clients: these keys are in every answer, even with a null.
 * Undefined where they contradict each other, as behind a proxy that strips nulls.
 */
export function tierOf(answer: JsonObject): Tier | undefined {
  const keys = Object.keys(answer);
  const has = (prefix: string): boolean => keys.some((key) => key.startsWith(prefix));
  const skipsConsent = Object.hasOwn(answer, "skip_consent");
  if (!keys.some((key) => key.endsWith("_lifespan"))) return skipsConsent ? undefined : "1.8";
  if (has("device_authorization_grant_")) return "26";
  if (has("password_grant_")) return "1.11";
  if (Object.hasOwn(answer, "skip_logout_consent")) return "2.3";
  return skipsConsent ? "2.1" : undefined;
}

/** The oldest and the newest release line that keeps a field; the others drop it without a word. */
function keptBy(field: string): readonly [oldest: Tier, newest: Tier] {
  if (field.startsWith("device_authorization_grant_")) return ["26", "26"];
  if (field.startsWith("password_grant_")) return ["1.11", "1.11"];
  if (field.endsWith("_lifespan")) return ["1.11", "26"];
  if (field === "skip_logout_consent") return ["2.3", "26"];
  if (field === "skip_consent" || field === "access_token_strategy") return ["2.1", "26"];
  return ["1.8", "26"];
}

/** Whether the server that answered with this client keeps a field. */
export function keeps(answer: JsonObject, field: string): boolean {
  if (Object.hasOwn(answer, field)) return true;
  if (!FIELD_NAMES.includes(field)) return false;
  const tier = tierOf(answer);
  if (tier === undefined) return true;
  const [oldest, newest] = keptBy(field);
  const at = TIERS.indexOf(tier);
  return TIERS.indexOf(oldest) <= at && at <= TIERS.indexOf(newest);
}

/** Whether a value sets nothing: absent, null, false, or an empty text, list or object. */
export function isNothing(value: unknown): boolean {
  return isEmpty(value) || value === false || isEmptyObject(value);
}

/** What the servers put in the place of nothing, or treat it as; the default of `scope` is configuration and unknown here. */
const FILLED: JsonObject = {
  grant_types: ["authorization_code"],
  response_types: ["code"],
  subject_type: "public",
  token_endpoint_auth_method: "client_secret_basic",
  userinfo_signed_response_alg: "none",
};

/** A list of texts as a sorted set: no server gives the order or a repetition any meaning. */
function setOf(items: readonly string[]): readonly string[] {
  return [...new Set(items)].sort();
}

function wordsOf(text: string): readonly string[] {
  return setOf(text.split(" ").filter((word) => word !== ""));
}

/** An origin as Hydra keeps it: its URL parser lower-cases the scheme, and its validator takes the slashes off the end. */
function originForm(origin: string): string {
  const colon = Math.max(origin.indexOf(":"), 0);
  let end = origin.length;
  while (origin[end - 1] === "/") end--;
  return origin.slice(0, colon).toLowerCase() + origin.slice(colon, end);
}

/** Fields whose items have a form of their own. */
const ITEM_FORMS: Readonly<Record<string, (item: string) => string>> = {
  allowed_cors_origins: originForm,
  response_types: (item) => wordsOf(item).join(" "),
};

function listForm(field: string, value: readonly unknown[], tier: Tier | undefined): unknown {
  // Go reads a null in a list of texts as an empty text, and half of a surrogate pair as U+FFFD.
  const read = value.map((item) => (item === null ? "" : item));
  const texts = read.filter((item) => typeof item === "string").map((item) => item.toWellFormed());
  if (texts.length < read.length) return value;
  const form = ITEM_FORMS[field];
  // Hydra 1.x joins a list with bars to store it, so that bars split an item and empty items are lost.
  const stored =
    tier === "1.8" || tier === "1.11" ? texts.flatMap((text) => text.split("|")).filter((text) => text !== "") : texts;
  return setOf(form === undefined ? stored : stored.map(form));
}

/** The members that make the thumbprint of a key (RFC 7638, section 3.2; RFC 8037, section 2). */
const THUMBPRINT: Readonly<Record<string, readonly string[]>> = {
  EC: ["crv", "kty", "x", "y"],
  OKP: ["crv", "kty", "x"],
  RSA: ["e", "kty", "n"],
  oct: ["k", "kty"],
};

/** A key without what the servers drop; `d` stays, so that a private key is never taken for its public half. */
function keyForm(key: unknown): unknown {
  if (!isJsonObject(key)) return key;
  const { kty } = key;
  const own = typeof kty === "string" && Object.hasOwn(THUMBPRINT, kty) ? THUMBPRINT[kty] : undefined;
  if (own === undefined) return key;
  const kept = [...own, "kid", "use", "alg", "x5c", "d"].filter((name) => !isNothing(key[name]));
  return Object.fromEntries(kept.sort().map((name) => [name, key[name]]));
}

function keySetForm(value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  const { keys } = value;
  if (isEmpty(keys)) return undefined;
  if (!Array.isArray(keys)) return value;
  return { keys: setOf(keys.map((key: unknown) => JSON.stringify(keyForm(key)))) };
}

function textForm(field: string, text: string): string {
  // encoding/json of Go puts U+FFFD in the place of half a surrogate pair.
  const read = text.toWellFormed();
  return field === "access_token_strategy" ? read.toLowerCase() : read;
}

/**
 * The one form that all spellings of a field's value have in common, by what five servers were seen to make of each value;
 * undefined for nothing. Two clients are equal where these are.
 *
 * @param tier the release line of the server that keeps the client, where that makes a difference.
 */
export function canonical(field: string, value: unknown, tier?: Tier): unknown {
  if (isNothing(value)) return Object.hasOwn(FILLED, field) ? FILLED[field] : undefined;
  switch (FIELD_BY_NAME.get(field)?.shape) {
    case "list": {
      const list = Array.isArray(value) ? listForm(field, value, tier) : value;
      return isNothing(list) ? canonical(field, undefined, tier) : list;
    }
    case "space-separated":
      return typeof value === "string" ? wordsOf(value.toWellFormed()) : value;
    case "duration":
      return typeof value === "string" ? String(parseNanoseconds(value) ?? value) : value;
    case "json-or-file":
      return keySetForm(value);
    case "json":
    case undefined:
      return value;
    default:
      return typeof value === "string" ? textForm(field, value) : value;
  }
}

/** Whether two values of a field mean the same to a server. */
export function sameValue(field: string, a: unknown, b: unknown, tier?: Tier): boolean {
  return sameJson(canonical(field, a, tier), canonical(field, b, tier));
}

/** The value that a field has when nothing is set, by which a server knows that it is meant to be emptied. */
export function emptyOf(field: Field): unknown {
  switch (field.shape) {
    case "list":
      return [];
    case "boolean":
      return false;
    case "json":
      return {};
    // An empty key set counts as one beside an address of keys on all servers before 25.
    case "json-or-file":
    case "duration":
      return null;
    default:
      return "";
  }
}

/** One field that differs. */
export interface Change {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

function changeOf(current: JsonObject, [field, value]: readonly [string, unknown]): Change {
  const known = FIELD_BY_NAME.get(field);
  // Go leaves a text or a switch as it was where it reads null, so nothing is sent in the spelling that empties the field.
  const emptied = known !== undefined && (isNothing(value) || canonical(field, value) === undefined);
  return { field, before: current[field], after: emptied ? emptyOf(known) : value };
}

/** Whether an answer cannot tell if a value was taken over. */
function isSilentOn(current: JsonObject, field: string, value: unknown): boolean {
  return field === "scope" ? isNothing(value) : !FIELD_NAMES.includes(field) && !Object.hasOwn(current, field);
}

/**
 * The fields of `wanted` that `current`, as a server answered it, has otherwise: what a write would change. After that
 * write there are none, so that whoever writes only changes converges. Never among them: what the server sets by itself or
 * does not keep, the credentials, and what {@link incomparable} gives.
 */
export function changes(current: JsonObject, wanted: JsonObject): readonly Change[] {
  const tier = tierOf(current);
  return Object.entries(wanted)
    .filter(
      ([field, value]) =>
        !SERVER_FIELDS.includes(field) &&
        !isSilentOn(current, field, value) &&
        keeps(current, field) &&
        !sameValue(field, current[field], value, tier),
    )
    .map((entry) => changeOf(current, entry));
}

/**
 * The fields of `wanted` that cannot be compared, which only someone who asks for just them sends: an emptied scope
 * becomes the default that the server is configured with, and a field that is unknown here may be one that a newer server
 * leaves out of its answers while it is empty.
 */
export function incomparable(current: JsonObject, wanted: JsonObject): readonly Change[] {
  return Object.entries(wanted)
    .filter(([field, value]) => isSilentOn(current, field, value) && !sameValue(field, current[field], value))
    .map((entry) => changeOf(current, entry));
}
