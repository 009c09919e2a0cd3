import { type JsonObject, toJson } from "../json.ts";
import { isPlaceholder, placeholderInUrl } from "../placeholders.ts";
import type { ProblemCode } from "../problem.ts";
import { escapeControls, quote } from "../text.ts";
import { isLoopback } from "../url-checks.ts";
import { type FieldLabel, getListField, getTextField, isPublic } from "./client.ts";
import { GRANT_TYPES } from "./fields.ts";
import type { LintFinding } from "./lint-finding.ts";
import {
  isOneEdit,
  isResponseType,
  nearestGrantType,
  nearestResponseType,
  nearestScope,
  OFFLINE_SCOPES,
} from "./protocol-names.ts";

/** One thing that a rule found. The hint has the corrected value where there is one. */
interface Finding {
  readonly message: string;
  readonly hint: string;
  /** Where it differs from that of the rule, because it depends on the server. */
  readonly severity?: LintFinding["severity"];
}

/** A rule about values that servers accept and that make a client nobody can use. */
interface ValueRule {
  readonly name: ProblemCode;
  readonly severity: LintFinding["severity"];
  /** The general advice, for the manual. */
  readonly hint: string;
  /** Which servers reject what the rule finds, for the manual. */
  readonly servers: string;
  readonly find: (client: JsonObject, label: FieldLabel, urls: readonly ClientUrl[]) => readonly Finding[];
}

/** A URL of a client, and the field that it is in. */
interface ClientUrl {
  readonly field: string;
  readonly url: string;
}

const ALL_ACCEPT = "accepted by every server";

/** The longest corrected value that a hint shows. */
const LONGEST_SHOWN = 500;

/** The flag that a field's value came from, given or as its default; undefined for one in a file. */
function flagOf(field: string, label: FieldLabel): string | undefined {
  return /^(?:the default of )?(--?[a-z]\S*)$/.exec(label(field))?.[1];
}

/** The advice to write a value, as it would be typed where the old one came from: after a flag, or in a file. */
function writeInstead(
  field: string,
  label: FieldLabel,
  values: readonly string[],
  form: "list" | "words" = "list",
): string {
  const flag = flagOf(field, label);
  const distinct = [...new Set(values)];
  const value = form === "list" ? `[${distinct.map((text) => toJson(text)).join(", ")}]` : toJson(distinct.join(" "));
  const text = flag === undefined ? `"${field}": ${value}` : `${flag} ${escapeControls(distinct.join(","))}`;
  return text.length > LONGEST_SHOWN ? `correct ${label(field)}` : `write ${text}`;
}

/** The grant types of a client; none listed means this one to every server. */
function grantsOf(client: JsonObject): readonly string[] {
  const grants = getListField(client, "grant_types");
  return grants.length === 0 ? ["authorization_code"] : grants;
}

function scopesOf(client: JsonObject): readonly string[] {
  return (getTextField(client, "scope") ?? "").split(/\s+/).filter((word) => word !== "");
}

/** The values in one that should have been several, at spaces, commas and the like. */
function severalIn(value: string): readonly string[] {
  return value.split(/[\s,;]+/).filter((part) => part !== "");
}

const SUPPORTED_GRANTS = `Hydra supports ${GRANT_TYPES.join(", ")}`;

function unknownGrants(client: JsonObject, label: FieldLabel): readonly Finding[] {
  const grants = getListField(client, "grant_types");
  if (grants.every((grant) => GRANT_TYPES.includes(grant))) return [];
  const corrected = grants.flatMap((grant) =>
    GRANT_TYPES.includes(grant) ? [grant] : severalIn(grant).map((part) => nearestGrantType(part) ?? part),
  );
  const shown = corrected.every((grant) => GRANT_TYPES.includes(grant))
    ? writeInstead("grant_types", label, corrected)
    : SUPPORTED_GRANTS;
  return grants
    .filter((grant) => !GRANT_TYPES.includes(grant))
    .map((grant): Finding => {
      const where = `${label("grant_types")} ${quote(grant)}`;
      if (grant === "password") {
        return {
          message: `${where} isn't supported by Hydra`,
          hint: "use authorization_code, or client_credentials for a service",
        };
      }
      return {
        message: severalIn(grant).length > 1 ? `${where} is one value, not several` : `${where} isn't a grant type`,
        hint: shown,
      };
    });
}

function unknownResponses(client: JsonObject, label: FieldLabel): readonly Finding[] {
  const types = getListField(client, "response_types");
  if (types.every(isResponseType)) return [];
  const corrected = types.map((type) => (isResponseType(type) ? type : (nearestResponseType(type) ?? type)));
  const shown = corrected.every(isResponseType)
    ? writeInstead("response_types", label, corrected)
    : "Hydra supports code, token, id_token, and combinations such as code id_token";
  return types
    .filter((type) => !isResponseType(type))
    .map((type) => ({ message: `${label("response_types")} ${quote(type)} isn't a response type`, hint: shown }));
}

/** The grants that a response type needs: the code, the implicit one, or for a hybrid type with a token both. */
function grantsNeededBy(type: string): readonly string[] {
  const words = type.split(" ");
  if (words.includes("none")) return [];
  if (!words.includes("code")) return ["implicit"];
  return words.includes("token") ? ["authorization_code", "implicit"] : ["authorization_code"];
}

function unusedResponses(client: JsonObject, label: FieldLabel): readonly Finding[] {
  const grants = grantsOf(client);
  const types = getListField(client, "response_types");
  const usesBrowser = grants.includes("authorization_code") || grants.includes("implicit");
  // The default of every command line and server, which says nothing about what was meant.
  if (!usesBrowser && types.length === 1 && types[0] === "code") return [];
  return [...new Set(types)].filter(isResponseType).flatMap((type): readonly Finding[] => {
    const missing = grantsNeededBy(type).filter((grant) => !grants.includes(grant));
    if (missing.length === 0) return [];
    return [
      {
        message: `${label("response_types")} ${quote(type)} needs the ${missing.join(" and ")} grant`,
        hint: usesBrowser
          ? `remove ${quote(type)}, or ${writeInstead("grant_types", label, [...grants, ...missing])}`
          : `remove ${quote(type)}: the grants of this client use no response type`,
      },
    ];
  });
}

function missingResponses(client: JsonObject, label: FieldLabel): readonly Finding[] {
  const types = getListField(client, "response_types");
  if (types.length === 0 || !types.every(isResponseType)) return [];
  const grants = grantsOf(client);
  const needs = (grant: string, words: readonly string[], add: string): readonly Finding[] =>
    !grants.includes(grant) || types.some((type) => type.split(" ").some((word) => words.includes(word)))
      ? []
      : [
          {
            message: `${label("response_types")} has no response type for the ${grant} grant`,
            hint: `${writeInstead("response_types", label, [...types, add])}, or remove the grant`,
          },
        ];
  return [...needs("authorization_code", ["code"], "code"), ...needs("implicit", ["token", "id_token"], "token")];
}

function offlineWithoutRefresh(client: JsonObject, label: FieldLabel): readonly Finding[] {
  const grants = grantsOf(client);
  const [offline] = scopesOf(client).filter((word) => OFFLINE_SCOPES.includes(word));
  if (offline === undefined || grants.includes("refresh_token")) return [];
  return [
    {
      message: `${label("scope")} ${quote(offline)} has no effect without the refresh_token grant`,
      hint: `${writeInstead("grant_types", label, [...grants, "refresh_token"])}, or remove ${quote(offline)}`,
    },
  ];
}

function refreshWithoutOffline(client: JsonObject, label: FieldLabel): readonly Finding[] {
  const scopes = scopesOf(client);
  // Without a scope the server's own default counts; a wildcard may cover the offline scopes.
  const covered = scopes.length === 0 || scopes.some((word) => OFFLINE_SCOPES.includes(word) || word.includes("*"));
  if (covered || !getListField(client, "grant_types").includes("refresh_token")) return [];
  return [
    {
      message: `${label("grant_types")} "refresh_token" has no effect without the scope offline or offline_access`,
      hint: `${writeInstead("scope", label, [...scopes, "offline_access"], "words")}, or remove the grant`,
    },
  ];
}

function misspeltScopes(client: JsonObject, label: FieldLabel): readonly Finding[] {
  return scopesOf(client).flatMap((word): readonly Finding[] => {
    const meant = nearestScope(word);
    return meant === undefined
      ? []
      : [
          {
            message: `${label("scope")} ${quote(word)} isn't the standard scope ${meant}`,
            hint: `did you mean ${meant}?`,
          },
        ];
  });
}

function scopesWithCommas(client: JsonObject, label: FieldLabel): readonly Finding[] {
  const words = scopesOf(client);
  if (!words.some((word) => word.includes(","))) return [];
  return [
    {
      message: `${label("scope")} separates scopes with commas`,
      hint: writeInstead("scope", label, words.flatMap(severalIn), "words"),
    },
  ];
}

/** Every field that holds one URL or several. */
const URL_FIELDS: readonly string[] = [
  "redirect_uris",
  "post_logout_redirect_uris",
  "request_uris",
  "allowed_cors_origins",
  "sector_identifier_uri",
  "jwks_uri",
  "client_uri",
  "logo_uri",
  "policy_uri",
  "tos_uri",
  "frontchannel_logout_uri",
  "backchannel_logout_uri",
];

function urlsOf(client: JsonObject): readonly ClientUrl[] {
  return URL_FIELDS.flatMap((field) =>
    [getTextField(client, field) ?? "", ...getListField(client, field)]
      .filter((url) => url !== "")
      .map((url) => ({ field, url })),
  );
}

/** The URL that one without a scheme means. */
function withScheme(url: string): string {
  const host = /^\[[^\]]*\]|^[^:/?#]*/.exec(url)?.[0] ?? "";
  return `${isLoopback(host) ? "http" : "https"}://${url}`;
}

/** What a URL that begins with its host, with a misspelt scheme, or without the slashes after it, should be. */
function correctedScheme(url: string): string | undefined {
  if (/^[a-z\d.-]+:\d{1,5}(?:[/?]|$)/i.test(url)) return withScheme(url);
  const [begin = "", scheme = "", slashes = ""] = /^([a-z][a-z\d+.-]{0,40}):(\/{0,2})/i.exec(url) ?? [];
  const rest = url.slice(begin.length);
  const meant = ["https", "http"].find((known) => known === scheme.toLowerCase()) ?? nearScheme(scheme, slashes);
  const isRight = slashes === "//" && meant === scheme.toLowerCase();
  return meant === undefined || isRight || rest === "" ? undefined : `${meant}://${rest}`;
}

/** The scheme of the web that a misspelt one means; only in front of a host, where no app has a scheme of its own so near. */
function nearScheme(scheme: string, slashes: string): string | undefined {
  if (slashes !== "//") return undefined;
  return ["https", "http"].find((known) => isOneEdit(scheme.toLowerCase(), known));
}

function urlsWithoutScheme(_: JsonObject, label: FieldLabel, urls: readonly ClientUrl[]): readonly Finding[] {
  return urls.flatMap(({ field, url }): readonly Finding[] => {
    const corrected = correctedScheme(url);
    return corrected === undefined || field === "allowed_cors_origins"
      ? []
      : [
          {
            message: `${label(field)} ${quote(url)} doesn't begin with http:// or https://`,
            hint: `write ${quote(corrected)}`,
          },
        ];
  });
}

function severalRedirects(client: JsonObject, label: FieldLabel): readonly Finding[] {
  return getListField(client, "redirect_uris").flatMap((uri): readonly Finding[] => {
    if (!/\s|[,;][a-z][a-z\d+.-]{0,30}:/i.test(uri)) return [];
    const parts = uri.split(/\s+|[,;](?=[a-z][a-z\d+.-]{0,30}:)/i).filter((part) => part !== "");
    const several = parts.length > 1 && parts.every((part) => /^[a-z][a-z\d+.-]*:/i.test(part));
    return [
      {
        message: `${label("redirect_uris")} ${quote(uri)} ${several ? "is one value, not several" : "contains a space"}`,
        hint: several ? writeInstead("redirect_uris", label, parts) : "write %20 for a space, or remove it",
      },
    ];
  });
}

function localhostRedirects(client: JsonObject, label: FieldLabel): readonly Finding[] {
  if (!isPublic(client)) return [];
  return getListField(client, "redirect_uris").flatMap((uri): readonly Finding[] => {
    const host = /^http:\/\/localhost(?=[/?#]|$)/i.exec(uri)?.[0];
    if (host === undefined) return [];
    return [
      {
        message: `${label("redirect_uris")} ${quote(uri)} allows only port 80`,
        hint: `write ${quote(`http://127.0.0.1${uri.slice(host.length)}`)}, which allows any port (RFC 8252, section 7.3), or add the port`,
      },
    ];
  });
}

function hostOf(uri: string): string | undefined {
  return URL.canParse(uri) ? new URL(uri).host : undefined;
}

function pairwiseHosts(client: JsonObject, label: FieldLabel): readonly Finding[] {
  if (client["subject_type"] !== "pairwise" || (getTextField(client, "sector_identifier_uri") ?? "") !== "") return [];
  const hosts = new Set(getListField(client, "redirect_uris").map(hostOf));
  if (hosts.size < 2) return [];
  return [
    {
      message: `${label("subject_type")} "pairwise" needs a sector identifier: the redirect URIs have ${hosts.size} hosts`,
      hint: "add --sector-identifier-uri, the https URL of a JSON list of these redirect URIs (OpenID Connect Core, section 8.1)",
    },
  ];
}

function pairwiseJwt(client: JsonObject, label: FieldLabel): readonly Finding[] {
  const strategy = getTextField(client, "access_token_strategy")?.toLowerCase();
  if (client["subject_type"] !== "pairwise" || strategy !== "jwt") return [];
  return [
    {
      message: `${label("subject_type")} "pairwise" can't be combined with JWT access tokens`,
      hint: `set ${label("access_token_strategy")} to opaque, or ${label("subject_type")} to public`,
    },
  ];
}

/** A warning: whether the server finds such a client is only known once it was asked. */
function slashId(client: JsonObject, label: FieldLabel): readonly Finding[] {
  const id = getTextField(client, "client_id") ?? "";
  if (!id.includes("/")) return [];
  return [
    {
      message: `${label("client_id")} ${quote(id)} contains a slash`,
      hint: `choose an ID without a slash${id.length > 120 ? "" : `, such as ${quote(id.replace(/^[a-z]+:\/\//i, "").replaceAll("/", "-"))}`}: Hydra up to 2.3 creates such a client and never finds it again`,
      severity: "warning",
    },
  ];
}

function unpairedId(client: JsonObject, label: FieldLabel): readonly Finding[] {
  const id = getTextField(client, "client_id") ?? "";
  return id.isWellFormed()
    ? []
    : [
        {
          message: `${label("client_id")} isn't valid Unicode text`,
          hint: "choose an ID of letters, digits and dashes",
        },
      ];
}

function placeholders(client: JsonObject, label: FieldLabel): readonly Finding[] {
  const hint = "set the variable, or run the file through the program that replaces it";
  return ["client_id", "client_secret"].flatMap((field): readonly Finding[] => {
    const value = getTextField(client, field) ?? "";
    if (!isPlaceholder(value)) return [];
    // Never the secret itself, which may only look like one.
    const shown = field === "client_id" ? ` ${quote(value)}` : "";
    return [{ message: `${label(field)}${shown} is a placeholder that nothing replaced`, hint }];
  });
}

function placeholdersInUrls(_: JsonObject, label: FieldLabel, urls: readonly ClientUrl[]): readonly Finding[] {
  return urls.flatMap(({ field, url }): readonly Finding[] => {
    const found = placeholderInUrl(url);
    if (found === undefined) return [];
    return [
      {
        message: `${label(field)} ${quote(url)} contains the placeholder ${quote(found)}`,
        hint: `replace ${quote(found)} with its value before the client is sent`,
      },
    ];
  });
}

/** What is reported for an empty secret, which is often a variable that isn't set; `name` is the flag or the field. */
export function emptySecretFinding(name: string): LintFinding {
  return {
    rule: "secret-empty",
    severity: "warning",
    message: `${name} is empty, so it's ignored`,
    hint: "check that the variable is set, or leave it out to generate a secret",
  };
}

const VALUE_RULES: readonly ValueRule[] = [
  {
    name: "grant-type-unknown",
    severity: "warning",
    hint: "use authorization_code, refresh_token, client_credentials, implicit, or the URN of the device or JWT grant",
    servers: `${ALL_ACCEPT}; the device grant needs 25 or later`,
    find: unknownGrants,
  },
  {
    name: "response-type-unknown",
    severity: "warning",
    hint: "use code, token, id_token, or a combination such as code id_token",
    servers: ALL_ACCEPT,
    find: unknownResponses,
  },
  {
    name: "response-type-unused",
    severity: "warning",
    hint: "remove the response type, or add the grant that it needs",
    servers: ALL_ACCEPT,
    find: unusedResponses,
  },
  {
    name: "response-type-missing",
    severity: "warning",
    hint: "add code for authorization_code, token or id_token for implicit",
    servers: ALL_ACCEPT,
    find: missingResponses,
  },
  {
    name: "offline-without-refresh-token",
    severity: "warning",
    hint: "add the refresh_token grant, or remove the scope",
    servers: ALL_ACCEPT,
    find: offlineWithoutRefresh,
  },
  {
    name: "refresh-token-without-offline",
    severity: "warning",
    hint: "add the scope offline_access, or remove the grant",
    servers: ALL_ACCEPT,
    find: refreshWithoutOffline,
  },
  {
    name: "scope-misspelt",
    severity: "warning",
    hint: "use the names of OpenID Connect Core: openid, offline_access, profile, email, address, phone",
    servers: ALL_ACCEPT,
    find: misspeltScopes,
  },
  {
    name: "scope-commas",
    severity: "warning",
    hint: "separate scopes with spaces (RFC 6749, section 3.3)",
    servers: ALL_ACCEPT,
    find: scopesWithCommas,
  },
  {
    name: "uri-without-scheme",
    severity: "warning",
    hint: "give the whole URL, such as http://localhost:3000/cb",
    servers: ALL_ACCEPT,
    find: urlsWithoutScheme,
  },
  {
    name: "redirect-uri-several",
    severity: "warning",
    hint: "give each redirect URI as a value of its own",
    servers: ALL_ACCEPT,
    find: severalRedirects,
  },
  {
    name: "redirect-uri-localhost",
    severity: "warning",
    hint: "use 127.0.0.1, which allows any port (RFC 8252, section 7.3), or give the port",
    servers: ALL_ACCEPT,
    find: localhostRedirects,
  },
  {
    name: "pairwise-without-sector",
    severity: "warning",
    hint: "add --sector-identifier-uri (OpenID Connect Core, section 8.1)",
    servers: "accepted by every server; signing in fails",
    find: pairwiseHosts,
  },
  {
    name: "pairwise-with-jwt",
    severity: "error",
    hint: "use opaque access tokens, or public subjects",
    servers: "rejected by 2.1 and later; 1.x has no JWT access tokens per client",
    find: pairwiseJwt,
  },
  {
    name: "client-id-slash",
    severity: "error",
    hint: "choose an ID without a slash: Hydra up to 2.3 creates such a client and never finds it again",
    servers: "an error on Hydra up to 2.3; fine on 25 and later, where nothing is reported",
    find: slashId,
  },
  {
    name: "client-id-not-unicode",
    severity: "error",
    hint: "choose an ID of letters, digits and dashes",
    servers: ALL_ACCEPT,
    find: unpairedId,
  },
  {
    name: "placeholder",
    severity: "error",
    hint: "set the variable, or run the file through the program that replaces it",
    servers: ALL_ACCEPT,
    find: placeholders,
  },
  {
    name: "placeholder-in-uri",
    severity: "warning",
    hint: "replace the placeholder with its value before the client is sent",
    servers: ALL_ACCEPT,
    find: placeholdersInUrls,
  },
  {
    name: "secret-empty",
    severity: "warning",
    hint: emptySecretFinding("").hint,
    servers: ALL_ACCEPT,
    find: (client, label) =>
      client["client_secret"] === "" && !isPublic(client) ? [emptySecretFinding(label("client_secret"))] : [],
  },
];

/** The rules with what the manual says of them. */
export const VALUE_RULE_INFOS: readonly Omit<ValueRule, "find">[] = VALUE_RULES.map(
  ({ name, severity, hint, servers }) => ({ name, severity, hint, servers }),
);

/** What these rules find in a client, each hint with the corrected value. */
export function lintValues(client: JsonObject, label: FieldLabel): readonly LintFinding[] {
  const urls = urlsOf(client);
  return VALUE_RULES.flatMap(({ name, severity, find }) =>
    find(client, label, urls).map((found) => ({
      rule: name,
      severity: found.severity ?? severity,
      message: found.message,
      hint: found.hint,
    })),
  );
}
