import type { JsonObject } from "../json/json.ts";
import { quote } from "../text.ts";
import { type FieldLabeler, getListField, getTextField } from "./client.ts";
import { GRANT_TYPES } from "./fields.ts";
import { replacementHint } from "./finding-text.ts";
import {
  isResponseType,
  nearestGrantType,
  nearestResponseType,
  nearestScope,
  OFFLINE_SCOPES,
} from "./protocol-names.ts";
import type { RuleFindingOrList } from "./rule-types.ts";

/** The grant types of a client; none listed means this one to every server. */
function grantsOf(client: JsonObject): readonly string[] {
  const grants = getListField(client, "grant_types");
  return grants.length === 0 ? ["authorization_code"] : grants;
}

function scopesOf(client: JsonObject): readonly string[] {
  return (getTextField(client, "scope") ?? "").split(/\s+/).filter((word) => word !== "");
}

/** Splits one value that should have been several at spaces, commas and the like. */
function splitJoinedValues(value: string): readonly string[] {
  return value.split(/[\s,;]+/).filter((part) => part !== "");
}

const SUPPORTED_GRANTS = `Hydra supports ${GRANT_TYPES.join(", ")}`;

export function findUnknownGrantTypes(client: JsonObject, label: FieldLabeler): RuleFindingOrList {
  const grants = getListField(client, "grant_types");
  if (grants.every((grant) => GRANT_TYPES.includes(grant))) return [];
  const corrected = grants.flatMap((grant) =>
    GRANT_TYPES.includes(grant) ? [grant] : splitJoinedValues(grant).map((part) => nearestGrantType(part) ?? part),
  );
  const shown = corrected.every((grant) => GRANT_TYPES.includes(grant))
    ? replacementHint("grant_types", label, corrected)
    : SUPPORTED_GRANTS;
  return grants
    .filter((grant) => !GRANT_TYPES.includes(grant))
    .map((grant) => {
      if (grant === "password") {
        return {
          field: "grant_types",
          text: `${quote(grant)} isn't supported by Hydra`,
          hint: "use authorization_code, or client_credentials for a service",
        };
      }
      const problem = splitJoinedValues(grant).length > 1 ? "is one value, not several" : "isn't a grant type";
      return { field: "grant_types", text: `${quote(grant)} ${problem}`, hint: shown };
    });
}

export function findUnknownResponseTypes(client: JsonObject, label: FieldLabeler): RuleFindingOrList {
  const types = getListField(client, "response_types");
  if (types.every(isResponseType)) return [];
  const corrected = types.map((type) => (isResponseType(type) ? type : (nearestResponseType(type) ?? type)));
  const shown = corrected.every(isResponseType)
    ? replacementHint("response_types", label, corrected)
    : "Hydra supports code, token, id_token, and combinations such as code id_token";
  return types
    .filter((type) => !isResponseType(type))
    .map((type) => ({ field: "response_types", text: `${quote(type)} isn't a response type`, hint: shown }));
}

/** The grant types that a response type needs: the code, the implicit one, or for a hybrid type with a token both. */
function grantTypesForResponseType(type: string): readonly string[] {
  const words = type.split(" ");
  if (words.includes("none")) return [];
  if (!words.includes("code")) return ["implicit"];
  return words.includes("token") ? ["authorization_code", "implicit"] : ["authorization_code"];
}

export function findUnusedResponseTypes(client: JsonObject, label: FieldLabeler): RuleFindingOrList {
  const grants = grantsOf(client);
  const types = getListField(client, "response_types");
  const usesBrowser = grants.includes("authorization_code") || grants.includes("implicit");
  // The default of every command line and server, which says nothing about what was meant.
  if (!usesBrowser && types.length === 1 && types[0] === "code") return [];
  return [...new Set(types)].filter(isResponseType).flatMap((type) => {
    const missing = grantTypesForResponseType(type).filter((grant) => !grants.includes(grant));
    if (missing.length === 0) return [];
    return {
      field: "response_types",
      text: `${quote(type)} needs the ${missing.join(" and ")} grant`,
      hint: usesBrowser
        ? `remove ${quote(type)}, or ${replacementHint("grant_types", label, [...grants, ...missing])}`
        : `remove ${quote(type)}: the grants of this client use no response type`,
    };
  });
}

export function findMissingResponseTypes(client: JsonObject, label: FieldLabeler): RuleFindingOrList {
  const types = getListField(client, "response_types");
  if (types.length === 0 || !types.every(isResponseType)) return [];
  const grants = grantsOf(client);
  const needs = (grant: string, words: readonly string[], add: string): RuleFindingOrList =>
    !grants.includes(grant) || types.some((type) => type.split(" ").some((word) => words.includes(word)))
      ? []
      : {
          field: "response_types",
          text: `has no response type for the ${grant} grant`,
          hint: `${replacementHint("response_types", label, [...types, add])}, or remove the grant`,
        };
  return [needs("authorization_code", ["code"], "code"), needs("implicit", ["token", "id_token"], "token")].flat();
}

export function findOfflineWithoutRefreshGrant(client: JsonObject, label: FieldLabeler): RuleFindingOrList {
  const grants = grantsOf(client);
  const [offline] = scopesOf(client).filter((word) => OFFLINE_SCOPES.includes(word));
  if (offline === undefined || grants.includes("refresh_token")) return [];
  return {
    field: "scope",
    text: `${quote(offline)} has no effect without the refresh_token grant`,
    hint: `${replacementHint("grant_types", label, [...grants, "refresh_token"])}, or remove ${quote(offline)}`,
  };
}

export function findRefreshWithoutOfflineScope(client: JsonObject, label: FieldLabeler): RuleFindingOrList {
  const scopes = scopesOf(client);
  // Without a scope the server's own default counts; a wildcard may cover the offline scopes.
  const covered = scopes.length === 0 || scopes.some((word) => OFFLINE_SCOPES.includes(word) || word.includes("*"));
  if (covered || !getListField(client, "grant_types").includes("refresh_token")) return [];
  return {
    field: "grant_types",
    text: '"refresh_token" has no effect without the scope offline or offline_access',
    hint: `${replacementHint("scope", label, [...scopes, "offline_access"], "words")}, or remove the grant`,
  };
}

export function findMisspelledScopes(client: JsonObject): RuleFindingOrList {
  return scopesOf(client).flatMap((word) => {
    const meant = nearestScope(word);
    return meant === undefined
      ? []
      : {
          field: "scope",
          text: `${quote(word)} isn't the standard scope ${meant}`,
          hint: `did you mean ${meant}?`,
        };
  });
}

export function findScopesWithCommas(client: JsonObject, label: FieldLabeler): RuleFindingOrList {
  const words = scopesOf(client);
  if (!words.some((word) => word.includes(","))) return [];
  return {
    field: "scope",
    text: "separates scopes with commas",
    hint: replacementHint("scope", label, words.flatMap(splitJoinedValues), "words"),
  };
}
