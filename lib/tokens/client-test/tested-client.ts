import { getListField, getTextField, isPublic } from "../../core/client/client.ts";
import type { SyntaxVersion } from "../../core/flags/flag.ts";
import type { JsonObject } from "../../core/json/json.ts";

/** The scopes that ask for a refresh token (OpenID Connect Core, 11; Hydra's own is the shorter one). */
const OFFLINE_SCOPES = ["offline", "offline_access"];

/** A registered client as a test sees it, and what to ask for in its name. */
export interface TestedClient {
  readonly id: string;
  readonly syntax: SyntaxVersion;
  readonly registered: JsonObject;
  readonly grantTypes: readonly string[];
  /** The method that the client is registered with. */
  readonly authMethod: string;
  readonly isPublic: boolean;
  /** Undefined if the client has no redirect URI and none was given. */
  readonly redirectUri: string | undefined;
  readonly scopes: readonly string[];
  readonly registeredScopes: readonly string[];
}

/** The client with what the command line asks for. */
export function toTestedClient(
  id: string,
  syntax: SyntaxVersion,
  registered: JsonObject,
  wanted: Pick<TestedClient, "redirectUri" | "scopes">,
): TestedClient {
  const scope = getTextField(registered, "scope") ?? "";
  const registeredScopes = scope.split(" ").filter((word) => word !== "");
  return {
    id,
    syntax,
    registered,
    grantTypes: getListField(registered, "grant_types"),
    authMethod: getTextField(registered, "token_endpoint_auth_method") || "client_secret_basic",
    isPublic: isPublic(registered),
    redirectUri: wanted.redirectUri ?? getListField(registered, "redirect_uris")[0],
    scopes: wanted.scopes.length > 0 ? wanted.scopes : registeredScopes,
    registeredScopes,
  };
}

/** Whether the scopes of a test ask for a refresh token. */
export function hasOfflineScope({ scopes }: Pick<TestedClient, "scopes">): boolean {
  return scopes.some((scope) => OFFLINE_SCOPES.includes(scope));
}

/** The response type of the implicit flow that the client may use and that gives the most tokens; undefined if it has none. */
export function implicitResponseType({ registered }: Pick<TestedClient, "registered">): string | undefined {
  const types = getListField(registered, "response_types").map((type) => type.split(" ").toSorted().join(" "));
  return ["id_token token", "token", "id_token"].find((type) => types.includes(type));
}

/** Whether the client may get a code together with tokens, for which it has the grant type of the implicit flow too. */
export function hasHybridResponseType({ registered }: Pick<TestedClient, "registered">): boolean {
  return getListField(registered, "response_types").some((type) => type !== "code" && type.split(" ").includes("code"));
}

/** Whether the client may use a response type with a code only together with tokens. */
export function isHybridOnly(client: Pick<TestedClient, "registered">): boolean {
  return !getListField(client.registered, "response_types").includes("code") && hasHybridResponseType(client);
}
