import {
  type ClientAuthentication,
  createAdminTokenEndpoints,
  createOAuthClient,
  createRetryingHttp,
  discoverServer,
  type OAuthClient,
  overrideEndpoints,
  retryWithExpectedAuthMethod,
} from "../adapters/oauth/index.ts";
import type { Context, OAuthAccess } from "../command.ts";
import type { Connection } from "../core/flags/connection.ts";
import type { SendHttp } from "../core/network.ts";
import type { FamilyDetection } from "../servers/index.ts";
import type { RunState } from "./run-state.ts";

/** What the access to a server's OAuth 2.0 endpoints is made from. */
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

/** Creates the access to the OAuth 2.0 endpoints of the server of a connection. Nothing is sent before it is asked. */
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
  const retrying = () => createRetryingHttp(http, { failAfter, remaining, now, sleep, random, warn, signal });
  return {
    async openSession({ clientId, authentication, followsServer }, chosen = {}) {
      const access = { ...shared, http: retrying() };
      const publicSide = { publicUrl: base, publicUrlOrigin: endpointOrigin };
      const found = await discoverServer({ ...access, ...publicSide, timeout: remaining(), now });
      const server = overrideEndpoints(found, chosen);
      const client = (method: ClientAuthentication): OAuthClient =>
        createOAuthClient({ ...access, server, clientId, authentication: method, now });
      return {
        server,
        attempt: (work) =>
          followsServer
            ? retryWithExpectedAuthMethod(authentication, (method) => work(client(method)))
            : work(client(authentication)),
      };
    },
    admin: async () => createAdminTokenEndpoints({ ...shared, http: retrying(), adminUrl: base, headers, detected }),
  };
}
