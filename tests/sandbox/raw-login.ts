import type { SandboxOptions, SandboxVersion } from "../../lib/sandbox/index.ts";
import { REDIRECT_URI, SECRET, type TestServer, testServer } from "../adapters/oauth/support.ts";
import { isRecord } from "./settled.ts";

/** A client for every flow of a browser. */
export const WEB_CLIENT = {
  grant_types: ["authorization_code", "refresh_token", "implicit"],
  response_types: ["code", "token", "code token"],
  scope: "openid offline a",
  audience: ["https://api.example"],
  redirect_uris: [REDIRECT_URI],
  client_secret: SECRET,
};

/** What the token endpoint answered. */
export interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

type Parameters = Readonly<Record<string, string>>;

function basic(id: string): string {
  return `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(SECRET)}`)}`;
}

/** A sandbox and a client on it, without a library between: `await using server = await rawServer("26")`. */
export interface RawServer extends TestServer {
  readonly id: string;
  readonly as: SandboxVersion;
  readonly authorizationUrl: (parameters?: Parameters) => string;
  /** Logs a user in and gives the parameters of the URL that the browser ends at. */
  readonly loggedIn: (parameters?: Parameters) => Promise<URLSearchParams>;
  /** Posts a form as the client, or without credentials. */
  readonly post: (path: string, form: Parameters, headers?: Parameters) => Promise<Answered>;
  readonly exchanged: (code: string, more?: Parameters) => Promise<Answered>;
  readonly isActive: (token: unknown) => Promise<unknown>;
  readonly admin: (method: string, path: string, body?: unknown) => Promise<Answered>;
}

async function answered(response: Response): Promise<Answered> {
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  const body: unknown = isJson ? JSON.parse(text) : {};
  return { status: response.status, body: isRecord(body) ? body : {} };
}

/** Starts a sandbox with a client of its own. */
export async function rawServer(
  as: SandboxVersion,
  client: Readonly<Record<string, unknown>> = WEB_CLIENT,
  options: Partial<SandboxOptions> = {},
): Promise<RawServer> {
  const server = await testServer(as, options);
  const { publicUrl, sandbox } = server;
  const id = await server.register(client);
  const adminUrl = `${sandbox.url}${as.startsWith("1.") ? "" : "/admin"}`;
  const authorizationUrl = (parameters: Parameters = {}): string =>
    `${publicUrl}/oauth2/auth?${new URLSearchParams({
      client_id: id,
      response_type: "code",
      scope: "openid offline a",
      redirect_uri: REDIRECT_URI,
      state: "state-of-the-test",
      nonce: "nonce-of-the-test",
      ...parameters,
    })}`;
  const post = async (path: string, form: Parameters, headers?: Parameters): Promise<Answered> =>
    answered(
      await fetch(`${publicUrl}${path}`, {
        method: "POST",
        headers: headers ?? { authorization: basic(id) },
        body: new URLSearchParams(form),
      }),
    );
  return {
    ...server,
    id,
    as,
    authorizationUrl,
    post,
    loggedIn: async (parameters) => {
      const { redirected } = await server.login(authorizationUrl(parameters));
      const url = new URL(redirected);
      return url.hash === "" ? url.searchParams : new URLSearchParams(url.hash.slice(1));
    },
    exchanged: (code, more = {}) =>
      post("/oauth2/token", { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI, ...more }),
    isActive: async (token) => {
      const body = new URLSearchParams({ token: String(token) });
      const answer = await answered(await fetch(`${adminUrl}/oauth2/introspect`, { method: "POST", body }));
      return answer.body["active"];
    },
    admin: async (method, path, body) =>
      answered(
        await fetch(`${adminUrl}${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
      ),
  };
}
