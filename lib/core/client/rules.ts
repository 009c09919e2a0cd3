import { parseDuration } from "../duration.ts";
import { isJsonObject, isStringList, type JsonObject } from "../json/json.ts";
import { ASSERTION_ALGORITHMS } from "../jwk/assertion-algorithms.ts";
import { PRIVATE_JWK_MEMBERS } from "../jwk/jwk-members.ts";
import { capitalize, Problem, type ProblemCode } from "../problem.ts";
import { MAX_BCRYPT_BYTES, MIN_SECRET_LENGTH, SECRET_ALPHABET } from "../secret.ts";
import { quote } from "../text.ts";
import { isLoopbackHost } from "../url-checks.ts";
import { type FieldLabeler, getListField, getTextField, isAbsentOrEmpty, isEmptyObject, isPublic } from "./client.ts";
import { CLIENT_FIELDS, type Field } from "./fields.ts";
import type { LintFinding } from "./lint-finding.ts";
import { lintUsability, USABILITY_RULE_INFOS } from "./usability-rules.ts";
import { flagOrFieldName } from "./value-finding.ts";

/** The messages for what is wrong with a client, none when all is well. */
type Check = (client: JsonObject, label: FieldLabeler) => readonly string[];

interface Rule {
  readonly name: ProblemCode;
  readonly severity: LintFinding["severity"];
  /** The general advice, for the manual. */
  readonly hint: string;
  /** The advice for a client, where it names a field or its flag. */
  readonly advice?: (label: FieldLabeler) => string;
  /** Which servers reject what the rule finds, where it isn't all of them for an error and none for a warning. */
  readonly servers?: string;
  readonly check: Check;
}

/** Whether one value of a field breaks a rule. */
type IsWrong = (value: string, client: JsonObject) => boolean;

/** Checks each item of a list field. */
function eachItem(field: string, isWrong: IsWrong, problem: string): Check {
  return (client, label) =>
    getListField(client, field)
      .filter((item) => isWrong(item, client))
      .map((item) => `${label(field)} ${quote(item)} ${problem}`);
}

/** Checks a text field that is set. */
function textValue(field: string, isWrong: IsWrong, problem: string): Check {
  return (client, label) => {
    const value = getTextField(client, field) ?? "";
    return value !== "" && isWrong(value, client) ? [`${label(field)} ${quote(value)} ${problem}`] : [];
  };
}

/** Checks the secret, which no message may show. */
function secretValue(isWrong: (secret: string) => boolean, problem: string): Check {
  return (client, label) => {
    const secret = getTextField(client, "client_secret") ?? "";
    return secret !== "" && isWrong(secret) ? [`${label("client_secret")} ${problem}`] : [];
  };
}

/** Checks how the fields of a client fit together. */
function combination(isWrong: (client: JsonObject) => boolean, message: (label: FieldLabeler) => string): Check {
  return (client, label) => (isWrong(client) ? [message(label)] : []);
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** Scheme, host and port as written: the servers compare the texts, so an explicit `:443` after https makes a difference. */
function originOf(url: string): string | undefined {
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

function isRelative(uri: string): boolean {
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

function requiredType(field: Field, value: unknown): string | undefined {
  switch (field.shape) {
    case "list":
      return isStringList(value) ? undefined : "a list of strings";
    case "boolean":
      return typeof value === "boolean" ? undefined : "true or false";
    case "json":
      return undefined;
    case "json-or-file":
      return isJsonObject(value) ? undefined : "an object";
    case "duration":
      return typeof value === "string" && parseDuration(value) !== undefined ? undefined : "a duration such as 1h30m";
    default:
      return typeof value === "string" ? requiredChoice(field, value) : "a string";
  }
}

function requiredChoice({ flag }: Field, value: string): string | undefined {
  if (value === "" || !ENUM_FLAGS.has(flag.name) || flag.kind !== "text") return undefined;
  // Hydra compares this field without regard to case, and stores it in lower case.
  const compared = flag.name === "access-token-strategy" ? value.toLowerCase() : value;
  if (flag.choices === undefined || flag.choices.includes(compared)) return undefined;
  return `one of ${flag.choices.filter((choice) => choice !== "").join(", ")}`;
}

/** Checks that each field has a value of its type. */
const fieldTypes: Check = (client, label) => [
  ...["client_id", "client_secret"]
    .filter((field) => !isAbsentOrEmpty(client[field]) && typeof client[field] !== "string")
    .map((field) => `${label(field)} must be a string`),
  ...CLIENT_FIELDS.flatMap((field) => {
    const value = client[field.name];
    const required = value === undefined || value === null ? undefined : requiredType(field, value);
    return required === undefined ? [] : [`${label(field.name)} must be ${required}`];
  }),
];

/** Checks the keys of a JSON Web Key Set (RFC 7517, section 5). */
const privateKeys: Check = ({ jwks }, label) => {
  const keys: readonly unknown[] = isJsonObject(jwks) && Array.isArray(jwks["keys"]) ? jwks["keys"] : [];
  return keys.filter(isJsonObject).flatMap((key, at) => {
    const members = PRIVATE_JWK_MEMBERS.filter((member) => Object.hasOwn(key, member));
    return members.length === 0
      ? []
      : [`${label("jwks")} contains the private part of key ${at + 1} (${members.join(", ")})`];
  });
};

const utf8 = new TextEncoder();

/** What the servers reject (`client/validator.go` of Hydra), found here before anything is sent. */
const ERRORS: readonly Omit<Rule, "severity">[] = [
  {
    name: "field-type",
    hint: "fix the value: strings need double quotes in JSON, lists need brackets",
    check: fieldTypes,
  },
  {
    name: "client-id-dots",
    hint: 'choose another ID: "." and ".." are path segments, so the client could never be addressed',
    servers: "accepted by every server, which never finds the client again",
    check: textValue("client_id", (id) => id === "." || id === "..", "is not a valid client ID"),
  },
  {
    name: "secret-too-short",
    hint: `use at least ${MIN_SECRET_LENGTH} characters, or omit the secret to generate a strong one`,
    check: secretValue(
      (secret) => [...secret].length < MIN_SECRET_LENGTH,
      `is shorter than ${MIN_SECRET_LENGTH} characters`,
    ),
  },
  {
    name: "jwks-and-jwks-uri",
    hint: "set the keys or their URL, not both",
    check: combination(
      (client) => hasKeySet(client) && !isAbsentOrEmpty(client["jwks_uri"]),
      (label) => `${label("jwks")} and ${label("jwks_uri")} are mutually exclusive`,
    ),
  },
  {
    name: "jwks-private-key",
    hint: `register only the public key: remove ${PRIVATE_JWK_MEMBERS.join(", ")}`,
    servers: "accepted by every server, which then publishes the private key with the client",
    check: privateKeys,
  },
  {
    name: "private-key-jwt-without-keys",
    hint: "set the client's public keys: jwks or jwks_uri",
    advice: (label) => {
      const [keys, uri] = ["jwks", "jwks_uri"].map((name) =>
        flagOrFieldName(name, label, "token_endpoint_auth_method"),
      );
      return `set the client's public keys with ${keys} or ${uri}`;
    },
    check: combination(
      (client) => usesPrivateKeyJwt(client) && isAbsentOrEmpty(client["jwks_uri"]) && !hasKeySet(client),
      (label) => `${label("token_endpoint_auth_method")} "private_key_jwt" requires public keys`,
    ),
  },
  {
    name: "assertion-algorithm",
    hint: `use one of ${ASSERTION_ALGORITHMS.join(", ")}`,
    check: textValue(
      "token_endpoint_auth_signing_alg",
      (algorithm, client) => usesPrivateKeyJwt(client) && !ASSERTION_ALGORITHMS.includes(algorithm),
      "is not supported by Hydra for client assertions",
    ),
  },
  {
    name: "userinfo-algorithm",
    hint: "use RS256, or none for unsigned responses",
    check: textValue(
      "userinfo_signed_response_alg",
      (algorithm) => algorithm !== "none" && algorithm !== "RS256",
      "is not supported by Hydra for userinfo responses",
    ),
  },
  {
    name: "redirect-uri-fragment",
    hint: "remove the # and everything after it (RFC 6749, 3.1.2)",
    check: eachItem("redirect_uris", (uri) => uri.includes("#"), "has a fragment"),
  },
  {
    name: "post-logout-uri-mismatch",
    hint: "use the scheme, host and port of one of the redirect URIs, exactly as written there",
    check: eachItem(
      "post_logout_redirect_uris",
      (uri, client) => !getListField(client, "redirect_uris").some((redirect) => originOf(redirect) === originOf(uri)),
      "does not share its origin with any redirect URI",
    ),
  },
  {
    name: "cors-origin",
    hint: "use only scheme, host and port, such as https://app.example.com",
    check: eachItem("allowed_cors_origins", (origin) => !isOrigin(origin), "is not an origin"),
  },
  {
    name: "sector-identifier-uri-https",
    hint: "use an https URL (OpenID Connect Registration, section 5)",
    check: textValue("sector_identifier_uri", (uri) => parseUrl(uri)?.protocol !== "https:", "is not an https URL"),
  },
  {
    name: "redirect-uri-not-an-address",
    hint: "use a full URL with its scheme, such as https://app.example.com/cb",
    check: eachItem(
      "redirect_uris",
      (uri) => !uri.startsWith("/") && !/^[a-z][a-z\d+.-]*:(?!\/\/[^/?#]*\s)/i.test(uri),
      "is not a URL",
    ),
  },
];

/** Settings that are legal but often regretted. */
const WARNINGS: readonly Omit<Rule, "severity">[] = [
  {
    name: "no-callback",
    hint: "add redirect_uris, or nobody can log in with this client",
    advice: (label) =>
      `add ${flagOrFieldName("redirect_uris", label, "grant_types")}, or nobody can log in with this client`,
    check: combination(
      (client) =>
        (usesGrant(client, "authorization_code") || usesGrant(client, "implicit")) &&
        getListField(client, "redirect_uris").length === 0,
      () => "the client uses a browser grant but has no redirect URI",
    ),
  },
  {
    name: "redirect-uri-relative",
    hint: "use a full URL with a scheme, a host and a valid port",
    check: eachItem("redirect_uris", isRelative, "is not an absolute URL, so no login can match it"),
  },
  {
    name: "redirect-uri-plain-http",
    hint: "use https: the authorization code is sent to this URL",
    check: eachItem("redirect_uris", isRemoteHttp, "uses http to a remote host"),
  },
  {
    name: "redirect-uri-script",
    hint: "use https, or a scheme of the app's own",
    check: eachItem("redirect_uris", (uri) => /^(?:javascript|data|vbscript):/i.test(uri), "runs as code in a browser"),
  },
  {
    name: "redirect-uri-wildcard",
    hint: "list each URL: redirect URIs are compared exactly (RFC 9700, 2.1)",
    check: eachItem("redirect_uris", (uri) => uri.includes("*"), 'contains "*", but wildcards are not supported'),
  },
  {
    name: "implicit-grant",
    hint: "use authorization_code with PKCE (RFC 9700, 2.1.2)",
    check: combination(
      (client) => usesGrant(client, "implicit"),
      (label) => `${label("grant_types")} "implicit" exposes tokens in the browser's URL`,
    ),
  },
  {
    name: "public-client-credentials",
    hint: "use another token_endpoint_auth_method for client_credentials",
    advice: (label) =>
      `use another ${flagOrFieldName("token_endpoint_auth_method", label, "token_endpoint_auth_method")} for client_credentials`,
    check: combination(
      (client) => isPublic(client) && usesGrant(client, "client_credentials"),
      () => "a client without a secret cannot use the client_credentials grant",
    ),
  },
  {
    name: "cors-origin-wildcard",
    hint: "list only the origins that need access",
    check: eachItem(
      "allowed_cors_origins",
      (origin) => origin.includes("*"),
      "lets any matching website call the token endpoint",
    ),
  },
  {
    name: "not-an-address",
    hint: "use a full URL, such as https://app.example.com/logo.png",
    servers: "rejected by 26 for client_uri, logo_uri, policy_uri and tos_uri",
    check: (client, label) =>
      [
        "client_uri",
        "logo_uri",
        "policy_uri",
        "tos_uri",
        "jwks_uri",
        "frontchannel_logout_uri",
        "backchannel_logout_uri",
      ].flatMap((field) => textValue(field, (text) => parseUrl(text) === undefined, "is not a URL")(client, label)),
  },
  {
    name: "secret-too-long",
    hint: `use a shorter one: the server compares only the first ${MAX_BCRYPT_BYTES} bytes, or rejects it`,
    check: secretValue(
      (secret) => utf8.encode(secret).length > MAX_BCRYPT_BYTES,
      `is longer than ${MAX_BCRYPT_BYTES} bytes`,
    ),
  },
  {
    name: "secret-characters",
    hint: "use only letters, digits and - . _ ~: many libraries send other characters wrongly in Basic credentials",
    check: secretValue(
      (secret) => [...secret].some((character) => !SECRET_ALPHABET.includes(character)),
      "contains characters that need encoding",
    ),
  },
];

const RULES: readonly Rule[] = [
  ...ERRORS.map((rule): Rule => ({ ...rule, severity: "error" })),
  ...WARNINGS.map((rule): Rule => ({ ...rule, severity: "warning" })),
];

/** What servers do about an error or a warning of a rule that doesn't say more. */
export const SERVER_REACTION_BY_SEVERITY: Readonly<Record<LintFinding["severity"], string>> = {
  error: "rejected by every server",
  warning: "accepted by every server",
};

/** All rules, as the manual explains them. */
export const RULE_INFOS: readonly Required<Pick<Rule, "name" | "severity" | "hint" | "servers">>[] = [
  ...RULES.map(({ name, severity, hint, servers = SERVER_REACTION_BY_SEVERITY[severity] }) => ({
    name,
    severity,
    hint,
    servers,
  })),
  ...USABILITY_RULE_INFOS,
];

/** Everything that the rules find in a client, errors first. */
export function lintClient(client: JsonObject, label: FieldLabeler): readonly LintFinding[] {
  const found = [
    ...RULES.flatMap(({ name, severity, hint, advice, check }) =>
      check(client, label).map((message) => ({ rule: name, severity, message, hint: advice?.(label) ?? hint })),
    ),
    ...lintUsability(client, label),
  ];
  return [
    ...found.filter(({ severity }) => severity === "error"),
    ...found.filter(({ severity }) => severity === "warning"),
  ];
}

/** A finding as a usage error; warnings become one with `--strict`. */
export function findingProblem(finding: LintFinding): Problem {
  return new Problem(capitalize(finding.message), { code: finding.rule, exit: "usage", hint: finding.hint });
}
