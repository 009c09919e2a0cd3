import {
  type ClientAuthentication,
  createAdminTokenEndpoints,
  createOAuthClient,
  createRetryingHttp,
  createSecretRecorder,
  discoverServer,
  type OAuthClient,
  overrideEndpoints,
  retryWithExpectedAuthMethod,
} from "../adapters/oauth/index.ts";
import type { Context, OAuthAccess } from "../command.ts";
import type { Connection } from "../core/flags/connection.ts";
import { NetworkFailure, type SendHttp } from "../core/network.ts";
import { Problem, safeErrorReason, withMessage } from "../core/problem.ts";
import type { FamilyDetection } from "../servers/index.ts";
import type { RunState } from "./run-state.ts";

/** What creating the access to a server's OAuth 2.0 endpoints needs. */
export interface OAuthAccessOptions {
  readonly run: Pick<RunState, "host" | "ending">;
  readonly warn: Context["warn"];
  /** The connection of the command. */
  readonly connection: Connection;
  readonly http: SendHttp;
  /** Shared with the admin API of the command. */
  readonly detected: FamilyDetection;
  /** Milliseconds that are left for the command. */
  readonly remaining: () => number;
}

/** Does something as a client. If it fails, the tokens that the server has issued to it meanwhile are revoked: nobody has them. */
async function workOrRevokeTokens<T>(
  client: OAuthClient,
  issued: ReadonlySet<string>,
  work: (client: OAuthClient) => Promise<T>,
): Promise<T> {
  const before = issued.size;
  try {
    return await work(client);
  } catch (error) {
    const tokens = [...issued].slice(before);
    if (!(error instanceof Problem) || tokens.length === 0) throw error;
    throw withMessage(error, `${error.message}; ${await revokeAndDescribeOutcome(client, tokens)}`);
  }
}

/** Revokes tokens, and says what became of them. */
async function revokeAndDescribeOutcome(client: OAuthClient, tokens: readonly string[]): Promise<string> {
  try {
    for (const token of tokens) await client.revoke(token);
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
  connection,
  http,
  detected,
  remaining,
}: OAuthAccessOptions): Pick<OAuthAccess, "openSession" | "admin"> {
  const { now, sleep, random } = run.host;
  const { signal } = run.ending;
  const shared = { timeLeft: remaining, signal };
  const { base, endpointOrigin, failAfter, headers } = connection;
  const named = nameSocketInFailures(http, connection);
  const retrying = (timeLeft = remaining) =>
    createRetryingHttp(named, { failAfter, remaining: timeLeft, now, sleep, random, warn, signal });
  return {
    async openSession({ clientId, authentication, followsServer }, chosen = {}) {
      const { http: recorded, tokens } = createSecretRecorder(retrying());
      const access = { ...shared, http: recorded };
      const publicSide = { publicUrl: base, publicUrlOrigin: endpointOrigin };
      const found = await discoverServer({ ...access, ...publicSide, timeout: remaining(), now });
      const server = overrideEndpoints(found, chosen);
      const client = (method: ClientAuthentication): OAuthClient =>
        createOAuthClient({ ...access, server, clientId, authentication: method, now });
      const canRevoke = server.endpoints.revocation_endpoint !== undefined;
      const attemptAs = <T>(method: ClientAuthentication, work: (client: OAuthClient) => Promise<T>): Promise<T> =>
        canRevoke ? workOrRevokeTokens(client(method), tokens, work) : work(client(method));
      return {
        server,
        attempt: (work) =>
          followsServer
            ? retryWithExpectedAuthMethod(authentication, (method) => attemptAs(method, work))
            : attemptAs(authentication, work),
      };
    },
    admin: async (timeLeft = remaining) =>
      createAdminTokenEndpoints({ timeLeft, signal, http: retrying(timeLeft), adminUrl: base, headers, detected }),
  };
}
