import { parseMilliseconds } from "../duration.ts";
import { isJsonObject, isStringList, type JsonObject } from "../json/json.ts";
import { ASSERTION_ALGORITHMS } from "../jwk/assertion-algorithms.ts";
import { isJwk, PRIVATE_JWK_MEMBERS } from "../jwk/jwk-members.ts";
import { capitalize, Problem } from "../problem.ts";
import { MAX_BCRYPT_BYTES, MIN_SECRET_LENGTH, SECRET_ALPHABET } from "../secret.ts";
import { quote } from "../text.ts";
import { isLoopbackHost } from "../url-checks.ts";
import { type FieldLabeler, getListField, getTextField, isAbsentOrEmpty, isEmptyObject, isPublic } from "./client.ts";
import { CLIENT_FIELDS, type ClientField } from "./fields.ts";
import { createLintFinding, flagOrFieldName } from "./finding-text.ts";
import { urlsOf } from "./mistyped-url-rules.ts";
import type { ClientRule, LintFinding, RuleFinding, RuleRow } from "./rule-types.ts";
import { USABILITY_RULES } from "./usability-rules.ts";

/** Finds what is wrong with a client; nothing when all is well. */
type RuleCheck = ClientRule["find"];

/** Whether one value of a field breaks a rule. */
type IsWrong = (value: string, client: JsonObject) => boolean;

/** Creates a check of each item of a list field. */
function createListItemCheck(field: string, isWrong: IsWrong, problem: string): RuleCheck {
  return (client) =>
    getListField(client, field)
      .filter((item) => isWrong(item, client))
      .map((item) => ({ field, text: `${quote(item)} ${problem}` }));
}

/** Creates a check of a text field that is set. */
function createTextFieldCheck(field: string, isWrong: IsWrong, problem: string): RuleCheck {
  return (client) => {
    const value = getTextField(client, field) ?? "";
    return value !== "" && isWrong(value, client) ? [{ field, text: `${quote(value)} ${problem}` }] : [];
  };
}

/** Creates a check of the secret, which no message may show. */
function createClientSecretCheck(isWrong: (secret: string) => boolean, problem: string): RuleCheck {
  return (client) => {
    const secret = getTextField(client, "client_secret") ?? "";
    return secret !== "" && isWrong(secret) ? [{ field: "client_secret", text: problem }] : [];
  };
}

/** Creates a check of how the fields of a client fit together. */
function createFieldCombinationCheck(
  isWrong: (client: JsonObject) => boolean,
  found: (label: FieldLabeler) => RuleFinding,
): RuleCheck {
  return (client, label) => (isWrong(client) ? [found(label)] : []);
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** Scheme, host and port as written: the servers compare the texts, so an explicit `:443` after https makes a difference. */
function originAsWritten(url: string): string | undefined {
  const [whole, scheme = "", host = ""] = /^([a-z][a-z\d+.-]*):(?:\/\/(?:[^/?#@]*@)?([^/?#]*))?/i.exec(url) ?? [];
  return whole === undefined ? undefined : `${scheme.toLowerCase()}://${host}`;
}

/** A CORS origin, which may have a `*` in its host. */
function isOrigin(text: string): boolean {
  const url = parseUrl(text.replaceAll("*", "x"));
  if (url === undefined || !/^https?:$/.test(url.protocol)) return false;
  return url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
}

function isRemoteHttp(uri: string): boolean {
  const url = parseUrl(uri);
  return url?.protocol === "http:" && !isLoopbackHost(url.hostname);
}

function isRelativeOrInvalidUri(uri: string): boolean {
  return uri.startsWith("/") || (/^[a-z][a-z\d+.-]*:\S*$/i.test(uri) && parseUrl(uri) === undefined);
}

function usesGrant(client: JsonObject, grant: string): boolean {
  return getListField(client, "grant_types").includes(grant);
}

function usesPrivateKeyJwt(client: JsonObject): boolean {
  return client["token_endpoint_auth_method"] === "private_key_jwt";
}

/** Whether a client has a key set; the servers write an absent one as `{}`. */
function hasKeySet({ jwks }: JsonObject): boolean {
  return !isAbsentOrEmpty(jwks) && !isEmptyObject(jwks);
}

/** Flags whose choices are the only values that the servers accept. */
const ENUM_FLAGS: ReadonlySet<string> = new Set(["subject-type", "access-token-strategy"]);

const KEY_SET = 'a set of public keys, {"keys": [KEY]}, not a single key';

const KEY_SET_HINT = `put the key into a set, without its private members (${PRIVATE_JWK_MEMBERS.join(", ")})`;

function unmetTypeText(field: ClientField, value: unknown): string | undefined {
  switch (field.shape) {
    case "list":
      return isStringList(value) ? undefined : "a list of strings";
    case "boolean":
      return typeof value === "boolean" ? undefined : "true or false";
    case "json":
      return undefined;
    case "json-or-file":
      if (!isJsonObject(value)) return "an object";
      // Servers ignore a key outside a set without an error; some files of a single key are private.
      return field.name === "jwks" && isJwk(value) ? KEY_SET : undefined;
    case "duration":
      return typeof value === "string" && parseMilliseconds(value) !== undefined
        ? undefined
        : "a duration such as 1h30m";
    default:
      return typeof value === "string" ? unmetChoiceText(field, value) : "a string";
  }
}

function unmetChoiceText({ flag }: ClientField, value: string): string | undefined {
  if (value === "" || !ENUM_FLAGS.has(flag.name) || flag.kind !== "text") return undefined;
  // Hydra compares this field without regard to case, and stores it in lower case.
  const compared = flag.name === "access-token-strategy" ? value.toLowerCase() : value;
  if (flag.choices === undefined || flag.choices.includes(compared)) return undefined;
  return `one of ${flag.choices.filter((choice) => choice !== "").join(", ")}`;
}

/** Checks that each field has a value of its type. */
const checkFieldTypes: RuleCheck = (client) => [
  ...["client_id", "client_secret"]
    .filter((field) => !isAbsentOrEmpty(client[field]) && typeof client[field] !== "string")
    .map((field) => ({ field, text: "must be a string" })),
  ...CLIENT_FIELDS.flatMap((field) => {
    const value = client[field.name];
    const required = value === undefined || value === null ? undefined : unmetTypeText(field, value);
    if (required === undefined) return [];
    return { field: field.name, text: `must be ${required}`, ...(required === KEY_SET ? { hint: KEY_SET_HINT } : {}) };
  }),
];

/** Checks the keys of a JSON Web Key Set (RFC 7517, section 5). */
const checkForPrivateKeys: RuleCheck = ({ jwks }) => {
  const keys: readonly unknown[] = isJsonObject(jwks) && Array.isArray(jwks["keys"]) ? jwks["keys"] : [];
  return keys.filter(isJsonObject).flatMap((key, at) => {
    const members = PRIVATE_JWK_MEMBERS.filter((member) => Object.hasOwn(key, member));
    return members.length === 0
      ? []
      : [{ field: "jwks", text: `contains the private part of key ${at + 1} (${members.join(", ")})` }];
  });
};

const utf8 = new TextEncoder();

/** What the servers reject (`client/validator.go` of Hydra), found here before anything is sent. */
const ERRORS: readonly RuleRow[] = [
  {
    name: "field-type",
    hint: "fix the value: strings need double quotes in JSON, lists need brackets",
    find: checkFieldTypes,
  },
  {
    name: "client-id-dots",
    hint: 'choose another ID: "." and ".." are path segments, so the client could never be addressed',
    servers: "accepted by every server, which never finds the client again",
    find: createTextFieldCheck("client_id", (id) => id === "." || id === "..", "is not a valid client ID"),
  },
  {
    name: "secret-too-short",
    hint: `use at least ${MIN_SECRET_LENGTH} characters, or omit the secret to generate a strong one`,
    find: createClientSecretCheck(
      (secret) => [...secret].length < MIN_SECRET_LENGTH,
      `is shorter than ${MIN_SECRET_LENGTH} characters`,
    ),
  },
  {
    name: "jwks-and-jwks-uri",
    hint: "set the keys or their URL, not both",
    find: createFieldCombinationCheck(
      (client) => hasKeySet(client) && !isAbsentOrEmpty(client["jwks_uri"]),
      (label) => ({ field: "jwks", text: `and ${label("jwks_uri")} are mutually exclusive` }),
    ),
  },
  {
    name: "jwks-private-key",
    hint: `register only the public key: remove ${PRIVATE_JWK_MEMBERS.join(", ")}`,
    servers: "accepted by every server, which then publishes the private key with the client",
    find: checkForPrivateKeys,
  },
  {
    name: "private-key-jwt-without-keys",
    hint: "set the client's public keys: jwks or jwks_uri",
    find: createFieldCombinationCheck(
      (client) => usesPrivateKeyJwt(client) && isAbsentOrEmpty(client["jwks_uri"]) && !hasKeySet(client),
      (label) => {
        const field = "token_endpoint_auth_method";
        const [keys, uri] = ["jwks", "jwks_uri"].map((name) => flagOrFieldName(name, label, field));
        const hint = `set the client's public keys with ${keys} or ${uri}`;
        return { field, text: '"private_key_jwt" requires public keys', hint };
      },
    ),
  },
  {
    name: "assertion-algorithm",
    hint: `use one of ${ASSERTION_ALGORITHMS.join(", ")}`,
    find: createTextFieldCheck(
      "token_endpoint_auth_signing_alg",
      (algorithm, client) => usesPrivateKeyJwt(client) && !ASSERTION_ALGORITHMS.includes(algorithm),
      "is not supported by Hydra for client assertions",
    ),
  },
  {
    name: "userinfo-algorithm",
    hint: "use RS256, or none for unsigned responses",
    find: createTextFieldCheck(
      "userinfo_signed_response_alg",
      (algorithm) => algorithm !== "none" && algorithm !== "RS256",
      "is not supported by Hydra for userinfo responses",
    ),
  },
  {
    name: "redirect-uri-fragment",
    hint: "remove the # and everything after it (RFC 6749, 3.1.2)",
    find: createListItemCheck("redirect_uris", (uri) => uri.includes("#"), "has a fragment"),
  },
  {
    name: "post-logout-uri-mismatch",
    hint: "use the scheme, host and port of one of the redirect URIs, exactly as written there",
    find: createListItemCheck(
      "post_logout_redirect_uris",
      (uri, client) =>
        !getListField(client, "redirect_uris").some((redirect) => originAsWritten(redirect) === originAsWritten(uri)),
      "does not share its origin with any redirect URI",
    ),
  },
  {
    name: "cors-origin",
    hint: "use only scheme, host and port, such as https://app.example.com",
    find: createListItemCheck("allowed_cors_origins", (origin) => !isOrigin(origin), "is not an origin"),
  },
  {
    name: "sector-identifier-uri-https",
    hint: "use an https URL (OpenID Connect Registration, section 5)",
    find: createTextFieldCheck(
      "sector_identifier_uri",
      (uri) => parseUrl(uri)?.protocol !== "https:",
      "is not an https URL",
    ),
  },
  {
    name: "redirect-uri-not-an-address",
    hint: "use a full URL with its scheme, such as https://app.example.com/cb",
    find: createListItemCheck(
      "redirect_uris",
      (uri) => !uri.startsWith("/") && !/^[a-z][a-z\d+.-]*:(?!\/\/[^/?#]*\s)/i.test(uri),
      "is not a URL",
    ),
  },
];

/** Settings that are legal but often regretted. */
const WARNINGS: readonly RuleRow[] = [
  {
    name: "no-callback",
    hint: "add redirect_uris, or nobody can log in with this client",
    find: createFieldCombinationCheck(
      (client) =>
        (usesGrant(client, "authorization_code") || usesGrant(client, "implicit")) &&
        getListField(client, "redirect_uris").length === 0,
      (label) => ({
        text: "the client uses a browser grant but has no redirect URI",
        hint: `add ${flagOrFieldName("redirect_uris", label, "grant_types")}, or nobody can log in with this client`,
      }),
    ),
  },
  {
    name: "redirect-uri-relative",
    hint: "use a full URL with a scheme, a host and a valid port",
    find: createListItemCheck(
      "redirect_uris",
      isRelativeOrInvalidUri,
      "is not an absolute URL, so no login can match it",
    ),
  },
  {
    name: "redirect-uri-plain-http",
    hint: "use https: the authorization code is sent to this URL",
    find: createListItemCheck("redirect_uris", isRemoteHttp, "uses http to a remote host"),
  },
  {
    name: "redirect-uri-script",
    hint: "use https, or a scheme of the app's own",
    find: createListItemCheck(
      "redirect_uris",
      (uri) => /^(?:javascript|data|vbscript):/i.test(uri),
      "runs as code in a browser",
    ),
  },
  {
    name: "redirect-uri-wildcard",
    hint: "list each URL: redirect URIs are compared exactly (RFC 9700, 2.1)",
    find: createListItemCheck(
      "redirect_uris",
      (uri) => uri.includes("*"),
      'contains "*", but wildcards are not supported',
    ),
  },
  {
    name: "implicit-grant",
    hint: "use authorization_code with PKCE (RFC 9700, 2.1.2)",
    find: createFieldCombinationCheck(
      (client) => usesGrant(client, "implicit"),
      () => ({ field: "grant_types", text: '"implicit" exposes tokens in the browser\'s URL' }),
    ),
  },
  {
    name: "public-client-credentials",
    hint: "use another token_endpoint_auth_method for client_credentials",
    find: createFieldCombinationCheck(
      (client) => isPublic(client) && usesGrant(client, "client_credentials"),
      (label) => ({
        text: "a client without a secret cannot use the client_credentials grant",
        hint: `use another ${flagOrFieldName("token_endpoint_auth_method", label, "token_endpoint_auth_method")} for client_credentials`,
      }),
    ),
  },
  {
    name: "cors-origin-wildcard",
    hint: "list only the origins that need access",
    find: createListItemCheck(
      "allowed_cors_origins",
      (origin) => origin.includes("*"),
      "lets any matching website call the token endpoint",
    ),
  },
  {
    name: "not-an-address",
    hint: "use a full URL, such as https://app.example.com/logo.png",
    servers: "rejected by 26 for client_uri, logo_uri, policy_uri and tos_uri",
    find: (client, label, urls) =>
      CLIENT_FIELDS.map(({ name }) => name)
        .filter((name) => name.endsWith("_uri") && name !== "sector_identifier_uri")
        .flatMap((field) =>
          createTextFieldCheck(field, (text) => parseUrl(text) === undefined, "is not a URL")(client, label, urls),
        ),
  },
  {
    name: "secret-too-long",
    hint: `use a shorter one: the server compares only the first ${MAX_BCRYPT_BYTES} bytes, or rejects it`,
    find: createClientSecretCheck(
      (secret) => utf8.encode(secret).length > MAX_BCRYPT_BYTES,
      `is longer than ${MAX_BCRYPT_BYTES} bytes`,
    ),
  },
  {
    name: "secret-characters",
    hint: "use only letters, digits and - . _ ~: many libraries send other characters wrongly in Basic credentials",
    find: createClientSecretCheck(
      (secret) => [...secret].some((character) => !SECRET_ALPHABET.includes(character)),
      "contains characters that need encoding",
    ),
  },
];

/** What servers do about an error or a warning of a rule that doesn't say more. */
export const SERVER_REACTION_BY_SEVERITY: Readonly<Record<ClientRule["severity"], string>> = {
  error: "rejected by every server",
  warning: "accepted by every server",
};

function withDefaultSeverity(severity: ClientRule["severity"], rows: readonly RuleRow[]): readonly ClientRule[] {
  return rows.map((row) => ({ severity, servers: SERVER_REACTION_BY_SEVERITY[row.severity ?? severity], ...row }));
}

/** All rules, with what the manual says of them. */
export const CLIENT_RULES: readonly ClientRule[] = [
  ...withDefaultSeverity("error", ERRORS),
  ...withDefaultSeverity("warning", WARNINGS),
  ...withDefaultSeverity("warning", USABILITY_RULES),
];

/** Everything that the rules find in a client, errors first. */
export function lintClient(client: JsonObject, label: FieldLabeler): readonly LintFinding[] {
  const urls = urlsOf(client);
  const found = CLIENT_RULES.flatMap((rule) =>
    [rule.find(client, label, urls)].flat().map((finding) => createLintFinding(rule, finding, label)),
  );
  return [
    ...found.filter(({ severity }) => severity === "error"),
    ...found.filter(({ severity }) => severity === "warning"),
  ];
}

/** A finding as a usage error; warnings become one with `--strict`. */
export function lintFindingProblem(finding: LintFinding): Problem {
  return new Problem(capitalize(finding.message), { code: finding.rule, exit: "usage", hint: finding.hint });
}
