import { parseNanoseconds } from "../duration.ts";
import { isJsonObject, isSameJson, isStringList, type JsonObject } from "../json/json.ts";
import { isAbsentOrEmpty, isEmptyObject } from "./client.ts";
import { type ClientField, CREDENTIAL_AND_SERVER_FIELDS, FIELD_BY_NAME, FIELD_NAMES } from "./fields.ts";

/**
 * The release lines whose clients have different fields, named after their oldest measured release. A server without
 * lifespans counts as 1.8; 26 includes everything from 25 on.
 */
export type ReleaseLine = "1.8" | "1.11" | "2.1" | "2.3" | "26";

const TIERS: readonly ReleaseLine[] = ["1.8", "1.11", "2.1", "2.3", "26"];

/** How the servers of a release line behave. */
interface ReleaseTraits {
  /** Whether it chooses the IDs of new clients, and rejects a chosen one. */
  readonly choosesIds: boolean;
  /** Whether a client deleted between two pages of a list hides another one: its pages begin after a number of clients. */
  readonly mayMissClientsBetweenPages: boolean;
  /** Whether it stores a list joined with bars, so that a bar splits an item and empty items are lost. */
  readonly joinsListsWithBars: boolean;
}

const UNKNOWN_RELEASE: ReleaseTraits = {
  choosesIds: false,
  mayMissClientsBetweenPages: true,
  joinsListsWithBars: false,
};

const RELEASES: Readonly<Record<ReleaseLine, ReleaseTraits>> = {
  "1.8": { ...UNKNOWN_RELEASE, joinsListsWithBars: true },
  "1.11": { ...UNKNOWN_RELEASE, joinsListsWithBars: true },
  "2.1": { ...UNKNOWN_RELEASE, choosesIds: true },
  "2.3": UNKNOWN_RELEASE,
  "26": { ...UNKNOWN_RELEASE, mayMissClientsBetweenPages: false },
};

/** What a server of a release line does; with an unknown one, what is safe to expect. */
export function releaseTraits(release: ReleaseLine | undefined): ReleaseTraits {
  return release === undefined ? UNKNOWN_RELEASE : RELEASES[release];
}

/**
 * Detects the release line of a server by the keys of a client: these keys are in every response, if only with a null.
 * Undefined if they contradict each other, for example after a proxy that strips nulls.
 */
export function detectReleaseByFields(answer: JsonObject): ReleaseLine | undefined {
  const keys = Object.keys(answer);
  const has = (prefix: string): boolean => keys.some((key) => key.startsWith(prefix));
  const skipsConsent = Object.hasOwn(answer, "skip_consent");
  if (!keys.some((key) => key.endsWith("_lifespan"))) return skipsConsent ? undefined : "1.8";
  if (has("device_authorization_grant_")) return "26";
  if (has("password_grant_")) return "1.11";
  if (Object.hasOwn(answer, "skip_logout_consent")) return "2.3";
  return skipsConsent ? "2.1" : undefined;
}

/** The oldest and newest release line that stores a field; others silently drop it. */
function releaseRangeStoringField(field: string): readonly [oldest: ReleaseLine, newest: ReleaseLine] {
  if (field.startsWith("device_authorization_grant_")) return ["26", "26"];
  if (field.startsWith("password_grant_")) return ["1.11", "1.11"];
  if (field.endsWith("_lifespan")) return ["1.11", "26"];
  if (field === "skip_logout_consent") return ["2.3", "26"];
  if (field === "skip_consent" || field === "access_token_strategy") return ["2.1", "26"];
  return ["1.8", "26"];
}

/** Whether the server that returned a client stores a field. */
export function serverStoresField(answer: JsonObject, field: string): boolean {
  if (Object.hasOwn(answer, field)) return true;
  if (!FIELD_NAMES.includes(field)) return false;
  const tier = detectReleaseByFields(answer);
  if (tier === undefined) return true;
  const [oldest, newest] = releaseRangeStoringField(field);
  const at = TIERS.indexOf(tier);
  return TIERS.indexOf(oldest) <= at && at <= TIERS.indexOf(newest);
}

/** Whether a value means unset: absent, null, false, or an empty string, list or object. */
export function isEmptyOrFalse(value: unknown): boolean {
  return isAbsentOrEmpty(value) || value === false || isEmptyObject(value);
}

/** The servers' defaults for unset fields; that of `scope` depends on their configuration. */
const SERVER_FIELD_DEFAULTS: JsonObject = {
  grant_types: ["authorization_code"],
  response_types: ["code"],
  subject_type: "public",
  token_endpoint_auth_method: "client_secret_basic",
  userinfo_signed_response_alg: "none",
};

/** The list that an empty one means to every server: an absent grant type is authorization_code (RFC 7591, 2). */
export function defaultListOfField(field: string): readonly string[] {
  const implied = Object.hasOwn(SERVER_FIELD_DEFAULTS, field) ? SERVER_FIELD_DEFAULTS[field] : undefined;
  return isStringList(implied) ? implied : [];
}

/** The items of a list sorted and without doubles: order and repetition have no meaning on any server. */
function sortedUniqueItems(items: readonly string[]): readonly string[] {
  return [...new Set(items)].sort();
}

function sortedUniqueWords(text: string): readonly string[] {
  return sortedUniqueItems(text.split(" ").filter((word) => word !== ""));
}

/** The canonical form of an origin, as Hydra stores it: with the scheme in lower case and without trailing slashes. */
function canonicalOrigin(origin: string): string {
  const colon = Math.max(origin.indexOf(":"), 0);
  let end = origin.length;
  while (origin[end - 1] === "/") end--;
  return origin.slice(0, colon).toLowerCase() + origin.slice(colon, end);
}

/** How the items of some list fields are normalized. */
const ITEM_FORMS: Readonly<Record<string, (item: string) => string>> = {
  allowed_cors_origins: canonicalOrigin,
  response_types: (item) => sortedUniqueWords(item).join(" "),
};

function canonicalList(field: string, value: readonly unknown[], tier: ReleaseLine | undefined): unknown {
  // Go decodes a null in a list of strings as an empty string, and a lone surrogate as U+FFFD.
  const read = value.map((item) => (item === null ? "" : item));
  const texts = read.filter((item) => typeof item === "string").map((item) => item.toWellFormed());
  if (texts.length < read.length) return value;
  const form = ITEM_FORMS[field];
  const stored = releaseTraits(tier).joinsListsWithBars
    ? texts.flatMap((text) => text.split("|")).filter((text) => text !== "")
    : texts;
  return sortedUniqueItems(form === undefined ? stored : stored.map(form));
}

/** The members that make the thumbprint of a key (RFC 7638, section 3.2; RFC 8037, section 2). */
const THUMBPRINT: Readonly<Record<string, readonly string[]>> = {
  EC: ["crv", "kty", "x", "y"],
  OKP: ["crv", "kty", "x"],
  RSA: ["e", "kty", "n"],
  oct: ["k", "kty"],
};

/**
 * The canonical form of a key, without the members that servers drop; `d` is kept, so that a private key never equals
 * its public part.
 */
function canonicalJwk(key: unknown): unknown {
  if (!isJsonObject(key)) return key;
  const { kty } = key;
  const own = typeof kty === "string" && Object.hasOwn(THUMBPRINT, kty) ? THUMBPRINT[kty] : undefined;
  if (own === undefined) return key;
  const kept = [...own, "kid", "use", "alg", "x5c", "d"].filter((name) => !isEmptyOrFalse(key[name]));
  return Object.fromEntries(kept.sort().map((name) => [name, key[name]]));
}

function canonicalKeySet(value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  const { keys } = value;
  if (isAbsentOrEmpty(keys)) return undefined;
  if (!Array.isArray(keys)) return value;
  return { keys: sortedUniqueItems(keys.map((key: unknown) => JSON.stringify(canonicalJwk(key)))) };
}

function canonicalText(field: string, text: string): string {
  // Go's encoding/json replaces a lone surrogate with U+FFFD.
  const read = text.toWellFormed();
  return field === "access_token_strategy" ? read.toLowerCase() : read;
}

/**
 * The canonical form of a field's value, derived from how five servers store each value; undefined means unset. Two clients
 * are equal if the canonical forms of all fields are.
 *
 * @param tier the release line of the server, which makes a difference for lists.
 */
export function canonicalValue(field: string, value: unknown, tier?: ReleaseLine): unknown {
  if (isEmptyOrFalse(value))
    return Object.hasOwn(SERVER_FIELD_DEFAULTS, field) ? SERVER_FIELD_DEFAULTS[field] : undefined;
  switch (FIELD_BY_NAME.get(field)?.shape) {
    case "list": {
      const list = Array.isArray(value) ? canonicalList(field, value, tier) : value;
      return isEmptyOrFalse(list) ? canonicalValue(field, undefined, tier) : list;
    }
    case "space-separated":
      return typeof value === "string" ? sortedUniqueWords(value.toWellFormed()) : value;
    case "duration":
      return typeof value === "string" ? String(parseNanoseconds(value) ?? value) : value;
    case "json-or-file":
      return canonicalKeySet(value);
    case "json":
    case undefined:
      return value;
    default:
      return typeof value === "string" ? canonicalText(field, value) : value;
  }
}

/** Whether two values of a field mean the same to a server. */
export function isSameValue(field: string, a: unknown, b: unknown, tier?: ReleaseLine): boolean {
  // Most values come back as they were sent, which needs no canonical form.
  return isSameJson(a, b) || isSameJson(canonicalValue(field, a, tier), canonicalValue(field, b, tier));
}

/** The value that clears a field. */
export function clearingValue(field: ClientField): unknown {
  switch (field.shape) {
    case "list":
      return [];
    case "boolean":
      return false;
    case "json":
      return {};
    // Not {}: servers before 25 reject an empty key set together with a jwks_uri.
    case "json-or-file":
    case "duration":
      return null;
    default:
      return "";
  }
}

/** One field that differs, with its values. */
export interface FieldChange {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

function toFieldChange(current: JsonObject, [field, value]: readonly [string, unknown]): FieldChange {
  const known = FIELD_BY_NAME.get(field);
  // Go ignores null for strings and booleans, so an unset value is sent as the one that clears the field.
  const emptied = known !== undefined && (isEmptyOrFalse(value) || canonicalValue(field, value) === undefined);
  return { field, before: current[field], after: emptied ? clearingValue(known) : value };
}

/** Whether a response doesn't show if a value was stored. */
function isIncomparableField(current: JsonObject, field: string, value: unknown): boolean {
  return field === "scope" ? isEmptyOrFalse(value) : !FIELD_NAMES.includes(field) && !Object.hasOwn(current, field);
}

/**
 * The fields of `wanted` that differ in `current`, a client of a server. After writing them there are none, so that repeated
 * updates converge. Excludes what the server sets itself or doesn't store, credentials, and the fields that
 * {@link findIncomparableChanges} returns.
 */
export function findChanges(current: JsonObject, wanted: JsonObject): readonly FieldChange[] {
  const tier = detectReleaseByFields(current);
  return Object.entries(wanted)
    .filter(
      ([field, value]) =>
        !CREDENTIAL_AND_SERVER_FIELDS.includes(field) &&
        !isIncomparableField(current, field, value) &&
        serverStoresField(current, field) &&
        !isSameValue(field, current[field], value, tier),
    )
    .map((entry) => toFieldChange(current, entry));
}

/**
 * The fields of `wanted` that cannot be compared and are only sent on explicit request: a cleared scope becomes the server's
 * configured default, and an unknown field may be one that a newer server omits while it is empty.
 */
export function findIncomparableChanges(current: JsonObject, wanted: JsonObject): readonly FieldChange[] {
  return Object.entries(wanted)
    .filter(
      ([field, value]) => isIncomparableField(current, field, value) && !isSameValue(field, current[field], value),
    )
    .map((entry) => toFieldChange(current, entry));
}
