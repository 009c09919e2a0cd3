/** A small authorization server with an admin API, on one port, whose answers a test can change one by one. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";

/** A request to the provider. */
export interface ProviderRequest {
  readonly method: string;
  readonly url: URL;
  readonly cookie: string;
  readonly authorization: string;
  readonly body: string;
  readonly form: URLSearchParams;
}

/** Answers a request in place of the provider; false leaves it to the provider. */
type Override = (request: ProviderRequest, response: ServerResponse, provider: Provider) => boolean | Promise<boolean>;

export interface Provider extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly ProviderRequest[];
  /** Every access and refresh token that was issued. */
  readonly issued: ReadonlySet<string>;
  /** Those of them that were revoked. */
  readonly revoked: ReadonlySet<string>;
  /** Everything that must not be in an output: codes, tokens, challenges, cookies. */
  readonly secrets: ReadonlySet<string>;
  /** Issues a token. */
  readonly issue: () => string;
  /** Signs the claims of an ID token. */
  readonly sign: (claims: Readonly<Record<string, unknown>>) => string;
}

export const PROVIDER_SECRET = "the-only~right_secret";

export const PROVIDER_CLIENT = {
  client_id: "web",
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  redirect_uris: ["https://app.example.com/cb"],
  scope: "openid offline",
  token_endpoint_auth_method: "client_secret_basic",
};

const KEYS = generateKeyPairSync("rsa", { modulusLength: 2048 });

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function signed(claims: Readonly<Record<string, unknown>>): string {
  const text = `${encode({ alg: "RS256", kid: "k1" })}.${encode(claims)}`;
  return `${text}.${sign("RSA-SHA256", Buffer.from(text), KEYS.privateKey).toString("base64url")}`;
}

export function sendJson(response: ServerResponse, status: number, body: unknown): true {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  return true;
}

export function redirect(response: ServerResponse, location: string, cookies: readonly string[] = []): true {
  response.writeHead(302, { location, "set-cookie": [...cookies] }).end();
  return true;
}

type Handler = (request: ProviderRequest, response: ServerResponse) => void;

/** What the endpoints share about the login under way. */
class Login {
  readonly secrets = new Set<string>();
  readonly issued = new Set<string>();
  readonly revoked = new Set<string>();
  subject = "";
  authorization = new URLSearchParams();
  url = "";

  fresh(): string {
    const value = randomUUID();
    this.secrets.add(value);
    return value;
  }

  token(): string {
    const value = this.fresh();
    this.issued.add(value);
    return value;
  }

  at(path: string, parameters: Readonly<Record<string, string>>): string {
    return `${this.url}${path}?${new URLSearchParams(parameters)}`;
  }

  tokens(): object {
    const at = Math.floor(Date.now() / 1000);
    const nonce = this.authorization.get("nonce") ?? "";
    const claims = { iss: this.url, aud: ["web"], sub: this.subject, nonce, iat: at, exp: at + 600, auth_time: at };
    const [access_token, refresh_token] = [this.token(), this.token()];
    const scope = "openid offline";
    return { access_token, refresh_token, id_token: signed(claims), token_type: "bearer", expires_in: 600, scope };
  }
}

function authorize(login: Login): Handler {
  return ({ url }, response) => {
    const csrf = login.fresh();
    if (url.searchParams.has("consent_verifier")) {
      const back = new URL(login.authorization.get("redirect_uri") ?? "");
      back.searchParams.set("code", login.fresh());
      back.searchParams.set("state", login.authorization.get("state") ?? "");
      redirect(response, back.href);
    } else if (url.searchParams.has("login_verifier")) {
      redirect(response, login.at("/consent-page", { consent_challenge: login.fresh() }), [`consent=${csrf}; Secure`]);
    } else {
      login.authorization = url.searchParams;
      redirect(response, login.at("/login-page", { login_challenge: login.fresh() }), [`login=${csrf}; Secure`]);
    }
  };
}

/** The subject of an acceptance, which the requests about consent repeat. */
function acceptLogin(login: Login): Handler {
  return ({ body }, response) => {
    login.subject = /"subject":"([^"]*)"/.exec(body)?.[1] ?? "";
    sendJson(response, 200, { redirect_to: login.at("/oauth2/auth", { login_verifier: login.fresh() }) });
  };
}

function endpoints(login: Login): Readonly<Record<string, Handler>> {
  const client = { client_id: "web" };
  const at = (path: string): string => `${login.url}${path}`;
  const jwk = { ...KEYS.publicKey.export({ format: "jwk" }), kid: "k1", alg: "RS256", use: "sig" };
  return {
    "/admin/clients/web": (_, response) => sendJson(response, 200, PROVIDER_CLIENT),
    "/.well-known/openid-configuration": (_, response) =>
      sendJson(response, 200, {
        issuer: login.url,
        authorization_endpoint: at("/oauth2/auth"),
        token_endpoint: at("/oauth2/token"),
        revocation_endpoint: at("/oauth2/revoke"),
        jwks_uri: at("/jwks.json"),
      }),
    "/jwks.json": (_, response) => sendJson(response, 200, { keys: [jwk] }),
    "/oauth2/auth": authorize(login),
    "/login-page": (_, response) => response.end("log in"),
    "/admin/oauth2/auth/requests/login": (_, response) => sendJson(response, 200, { client, skip: false }),
    "/admin/oauth2/auth/requests/login/accept": acceptLogin(login),
    "/admin/oauth2/auth/requests/consent": (_, response) =>
      sendJson(response, 200, { client, subject: login.subject, requested_scope: ["openid", "offline"] }),
    "/admin/oauth2/auth/requests/consent/accept": (_, response) =>
      sendJson(response, 200, { redirect_to: login.at("/oauth2/auth", { consent_verifier: login.fresh() }) }),
    "/oauth2/token": (_, response) => sendJson(response, 200, login.tokens()),
    "/oauth2/revoke": ({ form, cookie }, response) => {
      assert.equal(cookie, "");
      login.revoked.add(form.get("token") ?? "");
      response.writeHead(200).end();
    },
    "/admin/oauth2/introspect": ({ form }, response) => {
      const token = form.get("token") ?? "";
      const active = login.issued.has(token) && !login.revoked.has(token);
      sendJson(response, 200, active ? { active, client_id: "web", sub: login.subject } : { active });
    },
  };
}

/** Whether a request to the revocation endpoint has the right secret. */
function isAuthenticated(authorization = ""): boolean {
  const [, , secret = ""] = /^([^:]*):(.*)$/.exec(Buffer.from(authorization.slice(6), "base64").toString()) ?? [];
  return decodeURIComponent(secret) === PROVIDER_SECRET;
}

/** Starts a provider: `await using provider = await startProvider(override)`. */
export async function startProvider(override: Override = () => false): Promise<Provider> {
  const login = new Login();
  const requests: ProviderRequest[] = [];
  const handlers = endpoints(login);
  const server = createServer(async (incoming, response) => {
    let text = "";
    for await (const part of incoming) text += String(part);
    const { method = "GET", headers } = incoming;
    const url = new URL(incoming.url ?? "/", login.url);
    const { cookie = "", authorization = "" } = headers;
    const request = { method, url, cookie, authorization, body: text, form: new URLSearchParams(text) };
    requests.push(request);
    if (await override(request, response, provider)) return;
    const isProof = url.pathname === "/oauth2/revoke" || url.pathname === "/oauth2/token";
    if (isProof && !isAuthenticated(headers.authorization)) sendJson(response, 401, { error: "invalid_client" });
    else
      (handlers[url.pathname] ?? ((_, missing) => sendJson(missing, 404, { error: "not_found" })))(request, response);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  login.url = `http://127.0.0.1:${address.port}`;
  const { url, issued, revoked, secrets } = login;
  const provider: Provider = {
    url,
    requests,
    issued,
    revoked,
    secrets,
    issue: () => login.token(),
    sign: signed,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
  return provider;
}
