import {
  type ClientAuthentication,
  createAdminTokenEndpoints,
  createOAuthClient,
  createRetryingHttp,
  createSecretRecorder,
  discoverServer,
  type OAuthClient,
  overrideEndpoints,
  type RequestTimeLimits,
  retryWithExpectedAuthMethod,
} from "../adapters/oauth/index.ts";
import { createLateSignal } from "../clients/admin-deadlines.ts";
import type { Context, OAuthAccess } from "../command.ts";
import type { Connection } from "../core/flags/connection.ts";
import { createCleanupTimeLeft, NetworkFailure, type SendHttp } from "../core/network.ts";
import { Problem, safeErrorReason, withMessage } from "../core/problem.ts";
import type { FamilyDetection } from "../servers/index.ts";
import type { RunState } from "./run-state.ts";

/** What creating the access to a server's OAuth 2.0 endpoints needs. */
export interface OAuthAccessOptions {
  readonly run: Pick<RunState, "host" | "ending">;
  readonly warn: Context["warn"];
  readonly uninterruptible: Context["uninterruptible"];
  /** The connection of the command. */
  readonly connection: Connection;
  readonly http: SendHttp;
  /** Shared with the admin API of the command. */
  readonly detected: FamilyDetection;
  /** Milliseconds that are left for the command. */
  readonly remaining: () => number;
}

/** Does something. If it fails, the tokens that the server has issued meanwhile are revoked: nobody has them. */
async function workOrRevokeTokens<T>(
  work: () => Promise<T>,
  issued: ReadonlySet<string>,
  revoke: (token: string) => Promise<void>,
): Promise<T> {
  const before = issued.size;
  try {
    return await work();
  } catch (error) {
    const tokens = [...issued].slice(before);
    if (!(error instanceof Problem) || tokens.length === 0) throw error;
    throw withMessage(error, `${error.message}; ${await revokeAndDescribeOutcome(tokens, revoke)}`);
  }
}

/** Revokes tokens, and says what became of them. */
async function revokeAndDescribeOutcome(
  tokens: readonly string[],
  revoke: (token: string) => Promise<void>,
): Promise<string> {
  try {
    for (const token of tokens) await revoke(token);
    return "the tokens were revoked";
  } catch (error) {
    return `the tokens stay valid until they expire, because they can't be revoked: ${safeErrorReason(error)}`;
  }
}

/** Sends requests through a unix socket, and names it if one fails: their URLs, with localhost, don't say where it is. */
function nameSocketInFailures(http: SendHttp, { socket, shown }: Connection): SendHttp {
  if (socket === undefined) return http;
  return async (request) => {
    try {
      return await http(request);
    } catch (error) {
      if (!(error instanceof NetworkFailure)) throw error;
      throw new NetworkFailure(error.kind, `${error.message} (through ${shown})`, error.cause);
    }
  };
}

/** Creates the access to the OAuth 2.0 endpoints of the server of a connection. Nothing is sent yet. */
export function createOAuthAccess({
  run,
  warn,
  uninterruptible,
  connection,
  http,
  detected,
  remaining,
}: OAuthAccessOptions): Pick<OAuthAccess, "openSession" | "admin"> {
  const { monotonic, now, sleep, random } = run.host;
  const { base, endpointOrigin, failAfter, headers } = connection;
  const ordinary = { timeLeft: remaining, signal: run.ending.signal };
  const cleanup = {
    timeLeft: createCleanupTimeLeft(monotonic, remaining),
    signal: createLateSignal(run.ending.signal),
  };
  const named = nameSocketInFailures(http, connection);
  const retrying = ({ timeLeft, signal }: RequestTimeLimits): SendHttp =>
    createRetryingHttp(named, { failAfter, remaining: timeLeft, now, sleep, random, warn, signal });
  return {
    async openSession({ clientId, authentication, followsServer }, chosen = {}) {
      const { http: recorded, tokens } = createSecretRecorder(retrying(ordinary));
      const publicSide = { publicUrl: base, publicUrlOrigin: endpointOrigin };
      const found = await discoverServer({ ...ordinary, http: recorded, ...publicSide, timeout: remaining(), now });
      const server = overrideEndpoints(found, chosen);
      const connect = (method: ClientAuthentication, limits: RequestTimeLimits, sender: SendHttp): OAuthClient =>
        createOAuthClient({ ...limits, http: sender, server, clientId, authentication: method, now });
      const revokeAs = (method: ClientAuthentication, token: string): Promise<void> =>
        connect(method, cleanup, retrying(cleanup)).revoke(token);
      const canRevoke = server.endpoints.revocation_endpoint !== undefined;
      const attemptAs = <T>(method: ClientAuthentication, work: (client: OAuthClient) => Promise<T>): Promise<T> => {
        const attempt = (): Promise<T> => work(connect(method, ordinary, recorded));
        return canRevoke ? workOrRevokeTokens(attempt, tokens, (token) => revokeAs(method, token)) : attempt();
      };
      const follow = <T>(attempt: (method: ClientAuthentication) => Promise<T>): Promise<T> =>
        uninterruptible(() =>
          followsServer ? retryWithExpectedAuthMethod(authentication, attempt) : attempt(authentication),
        );
      return {
        server,
        attempt: (work) => follow((method) => attemptAs(method, work)),
        takeBack: (token) => follow((method) => revokeAs(method, token)),
      };
    },
    admin: async (timeLeft = remaining) => {
      const limits = { ...ordinary, timeLeft };
      return createAdminTokenEndpoints({ ...limits, http: retrying(limits), adminUrl: base, headers, detected });
    },
  };
}
