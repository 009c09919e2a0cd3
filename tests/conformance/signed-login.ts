/** Logs in on a server and looks at which key signed the tokens. */

import assert from "node:assert/strict";
import * as v from "valibot";
import { isSignedByKeyOfSet } from "../../lib/adapters/client-assertion-keys.ts";
import { createHttp } from "../../lib/adapters/http.ts";
import { createOAuthClient, discoverServer } from "../../lib/adapters/oauth/index.ts";
import { collectTrustedCertificates, createRuntimeFetch } from "../../lib/adapters/transport.ts";
import { driveLogin } from "../adapters/oauth/driver.ts";
import { asJson, exchange, type Json, type Server, textOf } from "./servers.ts";

const http = createHttp({
  transport: createRuntimeFetch,
  authorities: () => collectTrustedCertificates([]),
  monotonic: () => 0,
});

const timeLeft = (): number => 60_000;

const REDIRECT_URI = "http://127.0.0.1/callback";

/** A signed token: the key that it names, and whether a published key signed it. */
export interface SignedToken {
  readonly kid: string;
  readonly alg: string;
  readonly verifies: boolean;
}

/** The tokens of one answer. */
export interface SignedTokens {
  readonly idToken: SignedToken;
  /** Undefined for an opaque one. */
  readonly accessToken: SignedToken | undefined;
  readonly refreshToken: string;
  readonly rawIdToken: string;
}

const Header = v.looseObject({ kid: v.string(), alg: v.string() });

/** What the server publishes to verify tokens with. */
export async function publishedKeys({ publicUrl }: Server): Promise<readonly Json[]> {
  const { status, body } = await exchange("GET", `${publicUrl}/.well-known/jwks.json`);
  return status === 200 ? v.parse(v.array(v.record(v.string(), v.unknown())), asJson(body)["keys"]) : [];
}

/** How a token is signed; undefined for an opaque one. */
export async function signedToken(server: Server, token: string): Promise<SignedToken | undefined> {
  const [head = "", ...rest] = token.split(".");
  if (rest.length !== 2) return undefined;
  const { kid, alg } = v.parse(Header, JSON.parse(Buffer.from(head, "base64url").toString()));
  return { kid, alg, verifies: await isSignedByKeyOfSet(token, { keys: await publishedKeys(server) }) };
}

async function tokensOf(server: Server, answer: Json): Promise<SignedTokens> {
  const idToken = await signedToken(server, textOf(answer, "id_token"));
  assert.ok(idToken !== undefined, "the ID token is not signed");
  const accessToken = await signedToken(server, textOf(answer, "access_token"));
  const [refreshToken, rawIdToken] = [textOf(answer, "refresh_token"), textOf(answer, "id_token")];
  return { idToken, accessToken, refreshToken, rawIdToken };
}

/** Registers a public client for logins. */
export async function registerLoginClient(server: Server): Promise<string> {
  const { status, body } = await server.post({
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    scope: "openid offline",
    redirect_uris: [REDIRECT_URI],
    token_endpoint_auth_method: "none",
    ...(server.family === "v2" ? { access_token_strategy: "jwt" } : {}),
  });
  assert.equal(status, 201, JSON.stringify(body));
  return textOf(asJson(body), "client_id");
}

const discovered = new WeakMap<Server, ReturnType<typeof discoverServer>>();

/** What a server publishes about itself, which doesn't depend on its keys: asked for once. */
function discoverOnce(server: Server, publicUrl: string): ReturnType<typeof discoverServer> {
  const found = discovered.get(server) ?? discoverServer({ http, publicUrl, timeout: timeLeft(), now: Date.now });
  discovered.set(server, found);
  return found;
}

/** Logs in; "failed" where the server gives no tokens for the code. */
export async function logIn(server: Server, clientId: string): Promise<SignedTokens | "failed"> {
  const { url, publicUrl } = server;
  assert.ok(publicUrl !== undefined);
  const found = await discoverOnce(server, publicUrl);
  const authentication = { method: "none" } as const;
  const client = createOAuthClient({ http, server: found, clientId, authentication, timeLeft, now: Date.now });
  const pending = await client.beginAuthorization({ redirectUri: REDIRECT_URI, scopes: ["openid", "offline"] });
  const drive = { http, publicUrl, adminUrl: url, adminHeaders: {}, subject: "user-1", timeLeft };
  const { redirected } = await driveLogin(drive, pending.url);
  const code = new URL(redirected).searchParams.get("code") ?? "";
  const fields = { grant_type: "authorization_code", code, code_verifier: pending.codeVerifier };
  const answer = await askTokens(server, { ...fields, redirect_uri: REDIRECT_URI, client_id: clientId });
  return answer === undefined ? "failed" : tokensOf(server, answer);
}

/** Refreshes the tokens of a session. */
export async function refresh(server: Server, clientId: string, refreshToken: string): Promise<SignedTokens> {
  const fields = { grant_type: "refresh_token", refresh_token: refreshToken, client_id: clientId };
  const answer = await askTokens(server, fields);
  assert.ok(answer !== undefined, "the refresh failed");
  return tokensOf(server, answer);
}

async function askTokens({ publicUrl }: Server, fields: Readonly<Record<string, string>>): Promise<Json | undefined> {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const form = new URLSearchParams(fields).toString();
  const { status, body } = await exchange("POST", `${publicUrl}/oauth2/token`, headers, form);
  if (status === 200) return asJson(body);
  // From Hydra 2.0 on, a key that can't sign is an error without a name.
  assert.match(textOf(asJson(body), "error"), /^(?:invalid_grant|error)$/, JSON.stringify(body));
  return undefined;
}
