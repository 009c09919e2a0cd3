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
import type { Download, SendHttp } from "../core/network.ts";
import type { FamilyDetection } from "../servers/index.ts";
import type { RunState } from "./run-state.ts";

/** What the access to a server's OAuth 2.0 endpoints is made from. */
export interface OAuthAccessOptions {
  readonly run: Pick<RunState, "host" | "ending">;
  readonly warn: Context["warn"];
  /** The connection of the command; throws for a command without one. */
  readonly connection: () => Connection;
  readonly http: SendHttp;
  /** Shared with the admin API of the command. */
  readonly detected: FamilyDetection;
  readonly download: Download;
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
  download,
  remaining,
}: OAuthAccessOptions): OAuthAccess {
  const { now, sleep, random } = run.host;
  const { signal } = run.ending;
  const shared = { timeLeft: remaining, signal };
  const retrying = (): SendHttp => {
    const { failAfter } = connection();
    return createRetryingHttp(http, { failAfter, remaining, now, sleep, random, warn, signal });
  };
  const openSession: OAuthAccess["openSession"] = async ({ clientId, authentication, followsServer }, chosen) => {
    const { base: publicUrl, endpointOrigin: publicUrlOrigin } = connection();
    const access = { ...shared, http: retrying() };
    const found = await discoverServer({ ...access, publicUrl, publicUrlOrigin, timeout: remaining(), now });
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
  };
  return {
    openSession,
    async asClient(login, tokenUrl, work) {
      const session = await openSession(login, tokenUrl === undefined ? {} : { token_endpoint: tokenUrl });
      return session.attempt(work);
    },
    admin: async () => {
      const { base: adminUrl, headers } = connection();
      return createAdminTokenEndpoints({ ...shared, http: retrying(), adminUrl, headers, detected });
    },
    fetchKeySetText: async (url, what) => (await import("./fetch-key-set.ts")).fetchKeySetText(download, url, what),
    isSignedBy: async (token, keySet) =>
      (await import("../adapters/client-assertion-keys.ts")).isSignedByKeySet(token, keySet),
  };
}
