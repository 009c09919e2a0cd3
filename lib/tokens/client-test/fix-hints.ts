import { getListField } from "../../core/client/client.ts";
import { DEVICE_GRANT } from "../../core/client/fields.ts";
import type { ProblemCode } from "../../core/problem.ts";
import { clientUpdateCommandLine, listFieldAdditionCommandLine } from "../client-update-command-line.ts";
import type { TestStepName } from "./step-result.ts";
import { implicitResponseType, type TestedClient } from "./tested-client.ts";

/** The grant type that each step uses. */
const GRANT_TYPES: Readonly<Partial<Record<TestStepName, string>>> = {
  "client-credentials": "client_credentials",
  authorization: "authorization_code",
  tokens: "authorization_code",
  device: DEVICE_GRANT,
  implicit: "implicit",
  refresh: "refresh_token",
};

function findMissingRedirectUriCommandLine(client: TestedClient): string | undefined {
  const { redirectUri = "https://app.example.com/callback", registered } = client;
  const isRegistered = getListField(registered, "redirect_uris").includes(redirectUri);
  return isRegistered ? undefined : listFieldAdditionCommandLine(client, "redirect_uris", redirectUri);
}

/**
 * The command line that changes the setting which made a step fail; undefined if no setting of the client is known to
 * help. Rejected credentials have none: the server doesn't say what is wrong with them.
 */
export function findFixCommandLine(step: TestStepName, code: ProblemCode, client: TestedClient): string | undefined {
  const grantType = GRANT_TYPES[step];
  switch (code) {
    case "invalid-scope": {
      const missing = client.scopes.filter((scope) => !client.registeredScopes.includes(scope));
      return missing.length === 0 ? undefined : listFieldAdditionCommandLine(client, "scope", ...missing);
    }
    case "unauthorized-client":
      return grantType === undefined ? undefined : listFieldAdditionCommandLine(client, "grant_types", grantType);
    case "unsupported-response-type": {
      const type = step === "implicit" ? (implicitResponseType(client) ?? "token") : "code";
      return listFieldAdditionCommandLine(client, "response_types", type);
    }
    case "invalid-request":
    case "no-callback":
      return step === "authorization" || step === "implicit" ? findMissingRedirectUriCommandLine(client) : undefined;
    case "invalid-grant":
      if (step !== "client-credentials" || !client.isPublic) return undefined;
      return clientUpdateCommandLine(client, "--token-endpoint-auth-method", "client_secret_basic");
    default:
      return undefined;
  }
}
