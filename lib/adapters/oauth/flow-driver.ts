import type { HttpAnswer, SendHttp } from "../../core/network.ts";
import type { FamilyDetection } from "../../servers/index.ts";
import { type AdminTokenEndpoints, createAdminTokenEndpoints } from "./admin-token-endpoints.ts";
import type { ClientAuthentication } from "./authentication.ts";
import { type AuthorizationServer, discoverServer } from "./discovery.ts";
import { type DrivenLogin, driveLogin, type LoginToDrive } from "./drive-login.ts";
import { beginImplicitFlow, readUnverifiedImplicitAnswer } from "./implicit-flow.ts";
import { createOAuthClient, type OAuthClient } from "./oauth-client.ts";
import type { OAuthErrorContext } from "./oauth-problems.ts";
import { createSecretRecorder } from "./secret-recorder.ts";
import { sendWithoutLibrary } from "./send-oauth-requests.ts";

/** How both sides of a server are reached. */
interface FlowOptions {
  /** For the public side. */
  readonly http: SendHttp;
  readonly adminHttp: SendHttp;
  readonly publicUrl: string;
  readonly publicUrlOrigin: string;
  readonly adminUrl: string;
  readonly adminHeaders: Readonly<Record<string, string>>;
  readonly detected: FamilyDetection;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** How long requests may take, and what cancels them. */
export interface RequestTimeLimits {
  readonly timeLeft: () => number;
  readonly signal: AbortSignal;
}

/** Both sides of a server, for going through the flows of a client without a browser. */
export type FlowDriver = ReturnType<typeof createFlowDriver>;

/** Creates a {@link FlowDriver}; nothing is sent yet. */
export function createFlowDriver(options: FlowOptions) {
  const { http, adminHttp, publicUrl, publicUrlOrigin, adminUrl, adminHeaders, detected, now } = options;
  const recorder = createSecretRecorder(http);
  const adminRecorder = createSecretRecorder(adminHttp);
  const admin = { http: adminRecorder.http, adminUrl, headers: adminHeaders, detected };
  const { origin } = new URL(publicUrl);
  const secrets = (): readonly string[] => [...recorder.secrets, ...adminRecorder.secrets];
  /** An error context whose messages show nothing of what was received until then. */
  const stepOf = (action: string): OAuthErrorContext => ({
    action,
    get hidden() {
      return secrets();
    },
  });
  return {
    discover: ({ timeLeft, signal }: RequestTimeLimits): Promise<AuthorizationServer> =>
      discoverServer({ http: recorder.http, publicUrl, publicUrlOrigin, timeout: timeLeft(), signal, now }),
    connect: (
      server: AuthorizationServer,
      limits: RequestTimeLimits,
      clientId: string,
      authentication: ClientAuthentication,
    ): OAuthClient =>
      createOAuthClient({ http: recorder.http, server, clientId, authentication, now, received: secrets, ...limits }),
    login: (limits: RequestTimeLimits, login: LoginToDrive): Promise<DrivenLogin> =>
      driveLogin(
        { browser: { http: recorder.http, origin, now, ...limits }, admin: { ...admin, ...limits } },
        stepOf("Login failed"),
        login,
      ),
    beginImplicit: beginImplicitFlow,
    readImplicit: readUnverifiedImplicitAnswer,
    adminTokens: (limits: RequestTimeLimits): AdminTokenEndpoints => createAdminTokenEndpoints({ ...admin, ...limits }),
    /** Opens a page of the server or of an application, without cookies or credentials; `action` is for messages. */
    openPage: (
      { timeLeft, signal }: RequestTimeLimits,
      action: string,
      url: string,
      form?: Readonly<Record<string, string>>,
    ): Promise<HttpAnswer> => {
      const what = form === undefined ? { method: "GET" as const } : { method: "POST" as const, form };
      return sendWithoutLibrary(recorder.http, stepOf(action), { ...what, url, timeout: timeLeft(), signal });
    },
    /** The access and refresh tokens that were issued so far. */
    issuedTokens: (): readonly string[] => [...recorder.tokens],
    /** Everything that was received so far and must not be shown. */
    secrets,
  };
}
