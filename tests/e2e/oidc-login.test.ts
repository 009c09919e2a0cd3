/** `token user` with a certified OpenID provider that isn't Hydra. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { after, before, describe, test } from "node:test";
import { Provider } from "oidc-provider";
import { startBinary } from "./binary.ts";
import { browse } from "./browser.ts";

const SECRET = "secret-of-the-client-at-the-provider";

const CLIENT = {
  application_type: "native",
  redirect_uris: ["http://127.0.0.1/callback"],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  id_token_signed_response_alg: "ES256",
};

const CLIENTS = [
  { ...CLIENT, client_id: "basic", client_secret: SECRET, token_endpoint_auth_method: "client_secret_basic" },
  { ...CLIENT, client_id: "post", client_secret: SECRET, token_endpoint_auth_method: "client_secret_post" },
  { ...CLIENT, client_id: "public", token_endpoint_auth_method: "none" },
];

describe("token user with another OpenID provider", () => {
  let answer: (request: IncomingMessage, response: ServerResponse) => Promise<void> = async () => {};
  const server = createServer((request, response) => {
    answer(request, response).catch(() => request.socket.destroy());
  });
  let url = "";

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    url = `http://127.0.0.1:${address.port}`;
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const provider = new Provider(url, {
      clients: CLIENTS,
      findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
      interactions: { url: (_, { uid }) => `/login/${uid}` },
      features: { devInteractions: { enabled: false } },
      jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig" }] },
    });
    const rest = provider.callback();
    answer = async (request, response) => {
      if (request.url?.startsWith("/login/") !== true) return rest(request, response);
      const { params } = await provider.interactionDetails(request, response);
      const grant = new provider.Grant({ accountId: "user-1", clientId: String(params["client_id"]) });
      grant.addOIDCScope(String(params["scope"]));
      const consent = { grantId: await grant.save() };
      await provider.interactionFinished(request, response, { login: { accountId: "user-1" }, consent });
    };
  });

  after(() => {
    server.close();
    server.closeAllConnections();
  });

  for (const [id, ...flags] of [
    ["basic"],
    ["post", "--auth-method", "post"],
    ["public", "--auth-method", "none"],
  ] as const)
    test(`logs in as a client that is ${id}, and accepts the issuer in the answer`, async () => {
      const args = ["token", "user", "--client-id", id, "--scope", "openid", ...flags, "--format", "json"];
      const env = { HYDRA_PUBLIC_URL: url, ...(id === "public" ? {} : { OAUTH2_CLIENT_SECRET: SECRET }) };
      await using running = startBinary(args, { env });
      const shown = await running.seen("stderr", /^http\S+\n/m);
      const { pages } = await browse(/^http\S+$/m.exec(shown)?.[0] ?? "");
      const callback = pages.at(-2) ?? assert.fail("no callback");
      assert.equal(new URL(callback.url).searchParams.get("iss"), url);
      const { status, stdout, stderr } = await running.ended;
      assert.equal(status, 0, stderr);
      const answered: unknown = JSON.parse(stdout);
      assert.ok(typeof answered === "object" && answered !== null && "id_token" in answered);
      const [, claims = ""] = String(answered.id_token).split(".");
      assert.match(Buffer.from(claims, "base64url").toString(), /"sub":"user-1"/);
    });
});
