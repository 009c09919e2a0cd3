import type {
  AuthorizationServer,
  ClientAuthentication,
  FlowDriver,
  OAuthClient,
  PendingAuthorization,
  RequestTimeLimits,
  TokenSet,
} from "../../adapters/oauth/index.ts";
import type { Context } from "../../command.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { CLEANUP_AFTER_DEADLINE_MS, createCleanupTimeLeft } from "../../core/network.ts";
import type { TestedClient } from "./tested-client.ts";

/** How requests are limited, by what an interruption means for them. */
interface TestLimits {
  /** Canceled by the first signal. */
  readonly ordinary: RequestTimeLimits;
  /** Requests that get tokens go on for a moment: a token in an answer that nobody reads could not be revoked. */
  readonly patient: RequestTimeLimits;
  /** For what must be done also after a signal and after the time of the command. */
  readonly cleanup: RequestTimeLimits;
}

/** A test under way: what its steps share. */
export interface TestSession {
  readonly client: TestedClient;
  readonly subject: string;
  readonly flow: FlowDriver;
  readonly limits: TestLimits;
  /** Undefined without credentials. */
  readonly authentication: ClientAuthentication | undefined;
  readonly host: Pick<Context["host"], "now" | "sleep" | "uuid">;
  readonly isSignedBy: (token: string, keySet: JsonObject) => Promise<boolean>;
  server?: AuthorizationServer;
  /** A login that reached the client's redirect URI. */
  reached?: { readonly pending: PendingAuthorization; readonly redirected: string };
  loginPage?: string | undefined;
  /** The newest tokens with a refresh token, and whose they are. */
  refreshable?: TokenSet | undefined;
  idToken?: string | undefined;
  /** The access tokens that must be active now, and what introspection must say about them. */
  readonly obtained: { readonly value: string; readonly subject: string }[];
  /** Tokens that are revoked already. */
  readonly revoked: Set<string>;
}

/** The server, once the first step has found it. */
export function requireServer({ server }: Pick<TestSession, "server">): AuthorizationServer {
  if (server === undefined) throw new TypeError("a step without a server");
  return server;
}

/** The client, for requests that it authenticates. */
export function connectClient(session: TestSession, limits = session.limits.patient): OAuthClient {
  const { flow, client, authentication } = session;
  if (authentication === undefined) throw new TypeError("a step without credentials");
  return flow.connect(requireServer(session), limits, client.id, authentication);
}

/** The limits of a test. */
export function createTestLimits(
  { sleep, monotonic }: Pick<Context["host"], "sleep" | "monotonic">,
  signal: AbortSignal,
  remaining: () => number,
): TestLimits {
  const patience = new AbortController();
  const endPatience = (): void => {
    sleep(CLEANUP_AFTER_DEADLINE_MS).then(
      () => patience.abort(signal.reason),
      () => {},
    );
  };
  if (signal.aborted) endPatience();
  else signal.addEventListener("abort", endPatience, { once: true });
  return {
    ordinary: { timeLeft: remaining, signal },
    patient: { timeLeft: remaining, signal: patience.signal },
    cleanup: {
      timeLeft: createCleanupTimeLeft(monotonic, remaining),
      signal: new AbortController().signal,
    },
  };
}
