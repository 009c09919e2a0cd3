import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { createHttp } from "../../../lib/adapters/http.ts";
import {
  type AuthorizationServer,
  type ClientAuthentication,
  createOAuthClient,
  discoverServer,
  type OAuthClient,
} from "../../../lib/adapters/oauth/index.ts";
import { collectTrustedCertificates, createRuntimeFetch } from "../../../lib/adapters/transport.ts";
import { Problem } from "../../../lib/core/problem.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../../lib/sandbox/index.ts";
import { type Driven, driveLogin } from "./driver.ts";

export const http = createHttp({
  transport: createRuntimeFetch,
  authorities: () => collectTrustedCertificates([]),
  monotonic: () => 0,
});

export const SECRET = "a-secret/of mine+more";

export const REDIRECT_URI = "http://127.0.0.1/callback";

const TIMEOUT = 60_000;

/** A sandbox with both ports, for one test. */
export interface TestServer extends AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly publicUrl: string;
  /** Registers a client and gives its ID. */
  readonly register: (client: Readonly<Record<string, unknown>>) => Promise<string>;
  readonly discover: () => Promise<AuthorizationServer>;
  readonly client: (clientId: string, authentication: ClientAuthentication) => Promise<OAuthClient>;
  /** Logs a user in over the admin API. */
  readonly login: (url: string, userCode?: string) => Promise<Driven>;
}

/** Starts a sandbox: `await using server = await testServer("26")`. */
export async function testServer(as: SandboxOptions["as"], options: Partial<SandboxOptions> = {}): Promise<TestServer> {
  const sandbox = await startSandbox({ as, listen: "127.0.0.1:0", publicListen: "127.0.0.1:0", ...options });
  const { publicUrl = assert.fail("no public port") } = sandbox;
  const discovered = (): Promise<AuthorizationServer> =>
    discoverServer({ http, publicUrl, timeout: TIMEOUT, now: Date.now });
  return {
    sandbox,
    publicUrl,
    register: async (client) => {
      const prefix = as.startsWith("1.") ? "" : "/admin";
      const answer = await fetch(`${sandbox.url}${prefix}/clients`, { method: "POST", body: JSON.stringify(client) });
      assert.equal(answer.status, 201, await answer.clone().text());
      const created: unknown = await answer.json();
      assert.ok(typeof created === "object" && created !== null && "client_id" in created);
      return String(created.client_id);
    },
    discover: discovered,
    client: async (clientId, authentication) =>
      createOAuthClient({ ...(await clientOptions(discovered)), clientId, authentication }),
    login: (url, userCode) =>
      driveLogin(
        {
          http,
          publicUrl,
          adminUrl: sandbox.url,
          adminHeaders: {},
          subject: "user-1",
          ...(userCode === undefined ? {} : { userCode }),
          timeLeft: () => TIMEOUT,
        },
        url,
      ),
    [Symbol.asyncDispose]: () => sandbox.close(),
  };
}

async function clientOptions(discovered: () => Promise<AuthorizationServer>): Promise<{
  readonly http: typeof http;
  readonly server: AuthorizationServer;
  readonly timeLeft: () => number;
  readonly now: () => number;
}> {
  return { http, server: await discovered(), timeLeft: () => TIMEOUT, now: Date.now };
}

/** A request to a rogue server. */
export interface Asked {
  readonly path: string;
  readonly form: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** A server that answers whatever a test wants. */
export interface RogueServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
}

/** Starts a server that answers by a function. */
export async function rogueServer(
  answer: (asked: Asked, response: ServerResponse, url: string) => void,
): Promise<RogueServer> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += String(part);
    const one = { path: request.url ?? "", form: new URLSearchParams(body), headers: request.headers };
    asked.push(one);
    answer(one, response, url);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const url = `http://127.0.0.1:${address.port}`;
  return {
    url,
    asked,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Sends JSON. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** What a problem must be like; no secret may be in any part of it. */
export interface Expected {
  readonly code: string;
  readonly exit?: string;
  readonly message?: RegExp;
  readonly hint?: RegExp;
  readonly secrets?: readonly string[];
}

/** Checks that work fails with a problem. */
export async function failsWith(work: Promise<unknown>, expected: Expected): Promise<void> {
  const error = await work.then(
    () => assert.fail(`it should fail with ${expected.code}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Problem, String(error));
  assert.equal(error.code, expected.code, error.message);
  if (expected.exit !== undefined) assert.equal(error.exit, expected.exit);
  if (expected.message !== undefined) assert.match(error.message, expected.message);
  if (expected.hint !== undefined) assert.match(error.hint ?? "", expected.hint);
  const shown = [error.message, error.hint ?? "", ...error.details, JSON.stringify(error.request ?? {})].join("\n");
  for (const secret of [SECRET, encodeURIComponent(SECRET), ...(expected.secrets ?? [])]) {
    assert.ok(!shown.includes(secret), `a secret is shown: ${shown}`);
  }
}
