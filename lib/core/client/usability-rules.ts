import type { JsonObject } from "../json/json.ts";
import { quote, suggestWord } from "../text.ts";
import { type FieldLabeler, getListField, getTextField, isPublic } from "./client.ts";
import { AUTH_METHODS } from "./fields.ts";
import { createLintFinding, flagOrFieldName } from "./finding-text.ts";
import {
  findMissingResponseTypes,
  findMisspelledScopes,
  findOfflineWithoutRefreshGrant,
  findRefreshWithoutOfflineScope,
  findScopesWithCommas,
  findUnknownGrantTypes,
  findUnknownResponseTypes,
  findUnusedResponseTypes,
} from "./grant-rules.ts";
import {
  findLocalhostWithoutPortOfPublicClient,
  findPlaceholdersInUrls,
  findRedirectUrisInOneValue,
  findUrlsWithoutScheme,
} from "./mistyped-url-rules.ts";
import type { ClientRule, LintFinding, RuleFinding, RuleFindingOrList, RuleRow } from "./rule-types.ts";
import { isUnreplacedPlaceholder } from "./unreplaced-placeholders.ts";

const ALL_ACCEPT = "accepted by every server";

function hostOf(uri: string): string | undefined {
  return URL.canParse(uri) ? new URL(uri).host : undefined;
}

function findPairwiseWithoutSector(client: JsonObject, label: FieldLabeler): RuleFindingOrList {
  if (client["subject_type"] !== "pairwise" || (getTextField(client, "sector_identifier_uri") ?? "") !== "") return [];
  const hosts = new Set(getListField(client, "redirect_uris").map(hostOf));
  if (hosts.size < 2) return [];
  return {
    field: "subject_type",
    text: `"pairwise" needs a sector identifier: the redirect URIs have ${hosts.size} hosts`,
    hint: `add ${flagOrFieldName("sector_identifier_uri", label, "subject_type")}, the https URL of a JSON list of these redirect URIs (OpenID Connect Core, section 8.1)`,
  };
}

function findPairwiseWithJwt(client: JsonObject, label: FieldLabeler): RuleFindingOrList {
  const strategy = getTextField(client, "access_token_strategy")?.toLowerCase();
  if (client["subject_type"] !== "pairwise" || strategy !== "jwt") return [];
  return {
    field: "subject_type",
    text: '"pairwise" can\'t be combined with JWT access tokens',
    hint: `set ${flagOrFieldName("access_token_strategy", label, "subject_type")} to opaque, or ${flagOrFieldName("subject_type", label, "subject_type")} to public`,
  };
}

function findUnknownAuthMethod(client: JsonObject): RuleFindingOrList {
  const field = "token_endpoint_auth_method";
  const method = getTextField(client, field) ?? "";
  if (method === "" || AUTH_METHODS.includes(method)) return [];
  const meant = suggestWord(method, AUTH_METHODS);
  return {
    field,
    text: `${quote(method)} isn't supported by Hydra, so the client cannot authenticate`,
    ...(meant === undefined ? {} : { hint: `did you mean ${meant}?` }),
  };
}

/** A warning: whether the server finds such a client is only known once it was asked. */
function findSlashInClientId(client: JsonObject): RuleFindingOrList {
  const id = getTextField(client, "client_id") ?? "";
  if (!id.includes("/")) return [];
  return {
    field: "client_id",
    text: `${quote(id)} contains a slash`,
    hint: `choose an ID without a slash${id.length > 120 ? "" : `, such as ${quote(id.replace(/^[a-z]+:\/\//i, "").replaceAll("/", "-"))}`}: Hydra up to 2.3 creates such a client and never finds it again`,
    severity: "warning",
  };
}

function findNonUnicodeClientId(client: JsonObject): RuleFindingOrList {
  const id = getTextField(client, "client_id") ?? "";
  return id.isWellFormed() ? [] : { field: "client_id", text: "isn't valid Unicode text" };
}

const CONTROL_CHARACTER_PATTERN = /[\u0000-\u001f\u007f-\u009f]/;

/** The fields that accept any text, in which no other rule reports a control character. */
const FREE_TEXT_FIELDS = ["client_name", "owner", "scope", "audience", "contacts"];

function findControlCharacters(client: JsonObject): RuleFindingOrList {
  return FREE_TEXT_FIELDS.flatMap((field) => {
    const values = [getTextField(client, field) ?? "", ...getListField(client, field)];
    const value = values.find((each) => CONTROL_CHARACTER_PATTERN.test(each));
    return value === undefined
      ? []
      : { field, text: `${quote(value)} contains a line break or another control character` };
  });
}

function findCredentialsWithOuterSpace(client: JsonObject): RuleFindingOrList {
  return ["client_id", "client_secret"].flatMap((field) => {
    const value = getTextField(client, field) ?? "";
    // Never the secret itself.
    const shown = field === "client_id" ? `${quote(value)} ` : "";
    if (value !== value.trim()) return { field, text: `${shown}begins or ends with a space or a line break` };
    const hasControl = field === "client_id" && CONTROL_CHARACTER_PATTERN.test(value);
    return hasControl ? { field, text: `${shown}contains a control character`, hint: "remove it" } : [];
  });
}

function findPlaceholderCredentials(client: JsonObject): RuleFindingOrList {
  return ["client_id", "client_secret"].flatMap((field) => {
    const value = getTextField(client, field) ?? "";
    if (!isUnreplacedPlaceholder(value)) return [];
    // Never the secret itself, which may only look like one.
    const shown = field === "client_id" ? `${quote(value)} ` : "";
    return { field, text: `${shown}is a placeholder that nothing replaced` };
  });
}

const IS_EMPTY_SECRET: RuleFinding = { field: "client_secret", text: "is empty, so it's ignored" };

const SECRET_EMPTY: ClientRule = {
  name: "secret-empty",
  severity: "warning",
  hint: "check that the variable is set, or leave it out to generate a secret",
  servers: ALL_ACCEPT,
  find: (client) => (client["client_secret"] === "" && !isPublic(client) ? [IS_EMPTY_SECRET] : []),
};

/** What is reported for an empty secret, which is often a variable that isn't set; `name` is the flag or the field. */
export function createEmptySecretFinding(name: string): LintFinding {
  return createLintFinding(SECRET_EMPTY, IS_EMPTY_SECRET, () => name);
}

/** Rules about values that servers accept and that make a client nobody can use. */
export const USABILITY_RULES: readonly RuleRow[] = [
  {
    name: "grant-type-unknown",
    hint: "use authorization_code, refresh_token, client_credentials, implicit, or the URN of the device or JWT grant",
    servers: `${ALL_ACCEPT}; the device grant needs 25.4 or later`,
    find: findUnknownGrantTypes,
  },
  {
    name: "auth-method-unknown",
    hint: "use client_secret_basic, client_secret_post, private_key_jwt or none",
    find: findUnknownAuthMethod,
  },
  {
    name: "response-type-unknown",
    hint: "use code, token, id_token, or a combination such as code id_token",
    find: findUnknownResponseTypes,
  },
  {
    name: "response-type-unused",
    hint: "remove the response type, or add the grant that it needs",
    find: findUnusedResponseTypes,
  },
  {
    name: "response-type-missing",
    hint: "add code for authorization_code, token or id_token for implicit",
    find: findMissingResponseTypes,
  },
  {
    name: "offline-without-refresh-token",
    hint: "add the refresh_token grant, or remove the scope",
    find: findOfflineWithoutRefreshGrant,
  },
  {
    name: "refresh-token-without-offline",
    hint: "add the scope offline_access, or remove the grant",
    find: findRefreshWithoutOfflineScope,
  },
  {
    name: "scope-misspelt",
    hint: "use the names of OpenID Connect Core: openid, offline_access, profile, email, address, phone",
    find: findMisspelledScopes,
  },
  {
    name: "scope-commas",
    hint: "separate scopes with spaces (RFC 6749, section 3.3)",
    find: findScopesWithCommas,
  },
  {
    name: "uri-without-scheme",
    hint: "give the whole URL, such as http://localhost:3000/cb",
    find: (_client, _label, urls) => findUrlsWithoutScheme(urls),
  },
  {
    name: "redirect-uri-several",
    hint: "give each redirect URI as a value of its own",
    find: findRedirectUrisInOneValue,
  },
  {
    name: "redirect-uri-localhost",
    hint: "use 127.0.0.1, which allows any port (RFC 8252, section 7.3), or give the port",
    find: findLocalhostWithoutPortOfPublicClient,
  },
  {
    name: "pairwise-without-sector",
    hint: "add a sector_identifier_uri (OpenID Connect Core, section 8.1)",
    servers: "accepted by every server; login fails",
    find: findPairwiseWithoutSector,
  },
  {
    name: "pairwise-with-jwt",
    severity: "error",
    hint: "use opaque access tokens, or public subjects",
    servers: "rejected by 2.1 and later; 1.x has no JWT access tokens per client",
    find: findPairwiseWithJwt,
  },
  {
    name: "client-id-slash",
    severity: "error",
    hint: "choose an ID without a slash: Hydra up to 2.3 creates such a client and never finds it again",
    servers: "an error on Hydra up to 2.3; fine on 25 and later, where nothing is reported",
    find: findSlashInClientId,
  },
  {
    name: "client-id-not-unicode",
    severity: "error",
    hint: "choose an ID of letters, digits and dashes",
    servers: ALL_ACCEPT,
    find: findNonUnicodeClientId,
  },
  {
    name: "credential-outer-space",
    hint: "remove it; for a Kubernetes Secret, use printf instead of echo before base64",
    find: findCredentialsWithOuterSpace,
  },
  {
    name: "control-character",
    hint: "remove it; scripts with CRLF line ends add a carriage return to the last argument of a line",
    find: findControlCharacters,
  },
  {
    name: "placeholder",
    severity: "error",
    hint: "set the variable, or run the file through the program that replaces it",
    servers: ALL_ACCEPT,
    find: findPlaceholderCredentials,
  },
  {
    name: "placeholder-in-uri",
    hint: "replace the placeholder with its value before the client is sent",
    find: (_client, _label, urls) => findPlaceholdersInUrls(urls),
  },
  SECRET_EMPTY,
];
