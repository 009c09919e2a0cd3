import { isWithinOneEdit, suggestWord } from "../text.ts";
import { DEVICE_GRANT, GRANT_TYPES } from "./fields.ts";

/** Response types (OAuth 2.0 Multiple Response Type Encoding Practices, section 5). */
export const RESPONSE_TYPES: readonly string[] = [
  "code",
  "token",
  "id_token",
  "code id_token",
  "code token",
  "id_token token",
  "code id_token token",
];

/** The parts of a response type. */
const RESPONSE_TYPE_PARTS: readonly string[] = ["code", "token", "id_token", "none"];

/** The scopes of OpenID Connect Core, sections 5.4 and 11, and Hydra's own name for offline access. */
export const STANDARD_SCOPES = ["openid", "offline_access", "offline", "profile", "email", "address", "phone"];
/** The two scopes that a refresh token needs, of which Hydra accepts either. */
export const OFFLINE_SCOPES: readonly string[] = ["offline", "offline_access"];

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** What people write for a grant type, in the form of {@link normalizeProtocolName}. */
const GRANT_ALIASES: Readonly<Record<string, readonly string[]>> = {
  authorization_code: ["authcode", "authorization", "authorizationflow", "authorize", "authorizecode", "code", "pkce"],
  client_credentials: ["clientcredential", "credentials", "m2m", "machine", "machinetomachine", "serviceaccount"],
  refresh_token: ["refresh", "offline", "offlineaccess"],
  implicit: ["implicitflow", "token"],
  [DEVICE_GRANT]: ["device", "deviceauthorization", "devicecode", "deviceflow"],
  [JWT_BEARER]: ["jwt", "jwtbearer", "jwtbearerassertion"],
};

/** What people write for a part of a response type, in the form of {@link normalizeProtocolName}. */
const RESPONSE_ALIASES: Readonly<Record<string, readonly string[]>> = {
  code: ["authcode", "authorizationcode", "authorizecode", "codes"],
  token: ["accesstoken", "bearer", "implicit", "tokens"],
  id_token: ["idtoken", "openid", "openidtoken"],
};

/** A name without its case, its separators, the prefix of the registered URNs, and `grant` at its end. */
function normalizeProtocolName(name: string): string {
  return name
    .toLowerCase()
    .replace(/^urn:ietf:params:oauth:grant-type:/, "")
    .replace(/[-_.:\s]/g, "")
    .replace(/granttype$|grant$/, "");
}

/** Finds known names by their aliases. The index is built at the first use: most clients have no wrong name. */
function createAliasLookup(
  known: readonly string[],
  aliases: Readonly<Record<string, readonly string[]>>,
): (name: string) => string | undefined {
  let index: ReadonlyMap<string, string> | undefined;
  return (name) => {
    index ??= new Map([
      ...Object.entries(aliases).flatMap(([meant, others]) => others.map((other) => [other, meant] as const)),
      ...known.map((each) => [normalizeProtocolName(each), each] as const),
    ]);
    return index.get(normalizeProtocolName(name));
  };
}

const grantByAlias = createAliasLookup(GRANT_TYPES, GRANT_ALIASES);

const responseByAlias = createAliasLookup(RESPONSE_TYPE_PARTS, RESPONSE_ALIASES);

/** The longest name that is compared: no name of the protocol comes near it. */
const LONGEST = 200;

/** The grant type that a wrong one means, or undefined. */
export function nearestGrantType(name: string): string | undefined {
  if (name.length > LONGEST) return undefined;
  return grantByAlias(name) ?? suggestWord(name, GRANT_TYPES);
}

/** The response type that a wrong one means, each of its words corrected, or undefined. */
export function nearestResponseType(name: string): string | undefined {
  if (name.length > LONGEST) return undefined;
  const words = name.split(/[\s,+]+/).filter((word) => word !== "");
  const meant = words.map((word) => responseByAlias(word));
  return words.length === 0 || meant.includes(undefined) ? undefined : meant.join(" ");
}

/** Whether a response type is one that servers know, its words in any order and each once. */
export function isResponseType(name: string): boolean {
  if (name.length > LONGEST) return false;
  const words = name.split(" ");
  return new Set(words).size === words.length && words.every((word) => RESPONSE_TYPE_PARTS.includes(word));
}

/** Words near a standard scope that are likely scopes of their own. */
const OWN_SCOPES: ReadonlySet<string> = new Set(["mail", "emails", "phones", "profiles"]);

/** The standard scope that a near miss means, such as `open_id` or `ofline`; undefined for every other word. */
export function nearestScope(word: string): string | undefined {
  if (word.length > LONGEST || STANDARD_SCOPES.includes(word) || OWN_SCOPES.has(word)) return undefined;
  const small = word.toLowerCase();
  const same = STANDARD_SCOPES.find((scope) => normalizeProtocolName(scope) === normalizeProtocolName(small));
  if (same !== undefined) return same;
  return STANDARD_SCOPES.find((scope) => {
    const parts = scope.split("_");
    const words = small.split("_");
    return words.length === parts.length && words.every((part, i) => isWithinOneEdit(part, parts[i] ?? ""));
  });
}
