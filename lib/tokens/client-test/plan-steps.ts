import { getListField } from "../../core/client/client.ts";
import { DEVICE_GRANT } from "../../core/client/fields.ts";
import { listFieldAdditionCommandLine } from "../client-update-command-line.ts";
import { type StepOutcome, skippedOutcome, type TestStepName } from "./step-result.ts";
import {
  hasHybridResponseType,
  hasOfflineScope,
  implicitResponseType,
  isHybridOnly,
  type TestedClient,
} from "./tested-client.ts";

/** What of a server and of the command line decides which steps there are. */
export interface ServerAndCredentialFacts {
  readonly hasDeviceFlow: boolean;
  readonly hasLogout: boolean;
  /** Whether the client can authenticate: with the credentials of the command line, or because it has none. */
  readonly canAuthenticate: boolean;
}

/** A step to do, or why it isn't done. */
interface PlannedStep {
  readonly name: TestStepName;
  readonly instead?: StepOutcome;
}

const CREDENTIALS_HINT = "add --credentials FILE, --client-secret-file FILE or --client-key FILE";

type Decision = StepOutcome | "run" | "leave-out";

function credentialsDecision({ isPublic }: TestedClient, { canAuthenticate }: ServerAndCredentialFacts): Decision {
  if (isPublic) return skippedOutcome("the client is public and has none");
  return canAuthenticate ? "run" : skippedOutcome("none were given", CREDENTIALS_HINT);
}

/** A step that the client has to authenticate for. */
function authenticatedStepDecision({ canAuthenticate }: ServerAndCredentialFacts): Decision {
  return canAuthenticate ? "run" : skippedOutcome("needs the client's credentials", CREDENTIALS_HINT);
}

/** A client with redirect URIs is meant for logins, even if its grant types don't say so: the server decides. */
function usesCode({ grantTypes, registered }: TestedClient): boolean {
  if (grantTypes.includes("authorization_code")) return true;
  return getListField(registered, "redirect_uris").length > 0 && !grantTypes.includes("implicit");
}

function usesDevice({ grantTypes }: TestedClient): boolean {
  return grantTypes.includes(DEVICE_GRANT);
}

function authorizationDecision(client: TestedClient): Decision {
  if (!usesCode(client)) return "leave-out";
  if (!isHybridOnly(client)) return "run";
  return skippedOutcome("the client only has hybrid response types, which this test doesn't use");
}

function tokensDecision(client: TestedClient, facts: ServerAndCredentialFacts): Decision {
  const code = authorizationDecision(client);
  return code === "run"
    ? authenticatedStepDecision(facts)
    : code === "leave-out"
      ? code
      : skippedOutcome("there is no code to exchange");
}

function deviceDecision(client: TestedClient, facts: ServerAndCredentialFacts): Decision {
  if (!usesDevice(client)) return "leave-out";
  if (!facts.hasDeviceFlow)
    return skippedOutcome("this server does not support the device flow, which requires Hydra 25.4 or later");
  return authenticatedStepDecision(facts);
}

function implicitDecision(client: TestedClient, { canAuthenticate }: ServerAndCredentialFacts): Decision {
  if (!client.grantTypes.includes("implicit")) return "leave-out";
  const type = implicitResponseType(client);
  if (type === undefined && hasHybridResponseType(client))
    return skippedOutcome("the client only has hybrid response types for it, which this test doesn't use");
  if (type === undefined || type === "id_token" || canAuthenticate) return "run";
  return skippedOutcome("the token could not be revoked without the client's credentials", CREDENTIALS_HINT);
}

function refreshDecision(client: TestedClient, facts: ServerAndCredentialFacts): Decision {
  const hasUser = usesCode(client) || (usesDevice(client) && facts.hasDeviceFlow);
  const hasGrant = client.grantTypes.includes("refresh_token");
  const isOffline = hasOfflineScope(client);
  if (!hasUser) return hasGrant ? skippedOutcome("no login of this client gives a refresh token") : "leave-out";
  if (hasGrant && isOffline) return authenticatedStepDecision(facts);
  if (!hasGrant && !isOffline) return skippedOutcome("the client has no refresh_token grant");
  if (hasOfflineScope({ scopes: client.registeredScopes }) && !isOffline)
    return skippedOutcome("the requested scope has no offline, so there is no refresh token");
  const [reason, fix] = hasGrant
    ? [
        "the scope has no offline, so there is no refresh token",
        listFieldAdditionCommandLine(client, "scope", "offline"),
      ]
    : ["the client has no refresh_token grant", listFieldAdditionCommandLine(client, "grant_types", "refresh_token")];
  return skippedOutcome(reason, `to get refresh tokens: ${fix}`);
}

function logoutDecision({ registered, scopes }: TestedClient, { hasLogout }: ServerAndCredentialFacts): Decision {
  if (getListField(registered, "post_logout_redirect_uris").length === 0) {
    return skippedOutcome("no post_logout_redirect_uris registered");
  }
  if (!hasLogout) return skippedOutcome("the server has no end_session_endpoint");
  return scopes.includes("openid") ? "run" : skippedOutcome("needs an ID token, and the scope has no openid");
}

function hasLogin(client: TestedClient, { hasDeviceFlow }: ServerAndCredentialFacts): boolean {
  return usesCode(client) || client.grantTypes.includes("implicit") || (usesDevice(client) && hasDeviceFlow);
}

/** Decides which steps there are for a client. Steps of grant types that the client doesn't have are left out. */
export function planSteps(client: TestedClient, facts: ServerAndCredentialFacts): readonly PlannedStep[] {
  const hasClientToken = client.grantTypes.includes("client_credentials");
  const ofTokens =
    hasClientToken || hasLogin(client, facts)
      ? "run"
      : skippedOutcome("none of the client's grant types can be tested");
  const ofLogin = (decision: Decision): Decision => (hasLogin(client, facts) ? decision : "leave-out");
  const decisions: readonly (readonly [TestStepName, Decision])[] = [
    ["credentials", credentialsDecision(client, facts)],
    ["client-credentials", hasClientToken ? authenticatedStepDecision(facts) : "leave-out"],
    ["authorization", authorizationDecision(client)],
    ["tokens", tokensDecision(client, facts)],
    ["device", deviceDecision(client, facts)],
    ["implicit", implicitDecision(client, facts)],
    ["refresh", refreshDecision(client, facts)],
    ["introspection", ofTokens],
    ["revocation", ofTokens],
    ["logout", ofLogin(logoutDecision(client, facts))],
    ["login-page", ofLogin("run")],
  ];
  return decisions.flatMap(([name, decision]): readonly PlannedStep[] => {
    if (decision === "leave-out") return [];
    return [decision === "run" ? { name } : { name, instead: decision }];
  });
}
