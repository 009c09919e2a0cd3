/** An authorization server with a token endpoint. */

import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Adapter, Provider } from "oidc-provider";
import type { Sandbox } from "../../lib/sandbox/index.ts";

/** One request, and what it was answered. */
export interface Asked {
  readonly target: string;
  readonly authorization: string | undefined;
  readonly form: URLSearchParams;
  status: number;
}

/** The public side of a sandbox: a certified OpenID provider that knows the sandbox's clients as they are now. */
export interface TokenServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: Asked[];
}

/** A client of the sandbox as the provider takes one; only what a client_credentials grant needs. */
function clientOf(sandbox: Sandbox, id: string): Readonly<Record<string, unknown>> | undefined {
  const client = sandbox.clients().find((one) => one["client_id"] === id);
  if (client === undefined) return undefined;
  const method = client["token_endpoint_auth_method"];
  const keyed = method === "private_key_jwt";
  return {
    client_id: id,
    token_endpoint_auth_method: method,
    grant_types: client["grant_types"],
    redirect_uris: client["redirect_uris"] ?? [],
    response_types: [],
    id_token_signed_response_alg: "ES256",
    ...(keyed
      ? { jwks: client["jwks"], token_endpoint_auth_signing_alg: client["token_endpoint_auth_signing_alg"] }
      : { client_secret: sandbox.secretOf(id) }),
  };
}

/** Starts a provider on loopback. */
export async function openTokenServer(sandbox: Sandbox): Promise<TokenServer> {
  const things = new Map<string, Readonly<Record<string, unknown>>>();
  const adapter = (kind: string): Adapter => ({
    upsert: async (id, payload) => {
      things.set(`${kind} ${id}`, payload);
    },
    find: async (id) => (kind === "Client" ? clientOf(sandbox, id) : things.get(`${kind} ${id}`)),
    consume: async () => {},
    destroy: async (id) => {
      things.delete(`${kind} ${id}`);
    },
    revokeByGrantId: async () => {},
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
  });
  const asked: Asked[] = [];
  let answer: (request: IncomingMessage, response: ServerResponse) => Promise<void> = async () => {};
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (part) => {
      text += String(part);
    });
    request.on("end", () => {
      const form = new URLSearchParams(text);
      const one: Asked = { target: request.url ?? "", authorization: request.headers.authorization, form, status: 0 };
      asked.push(one);
      response.on("finish", () => {
        one.status = response.statusCode;
      });
    });
    answer(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the provider has no port");
  const url = `http://127.0.0.1:${address.port}`;
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const provider = new Provider(url, {
    adapter,
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      revocation: { enabled: true },
    },
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig" }] },
    ttl: { ClientCredentials: 600 },
  });
  answer = provider.callback();
  return {
    url,
    asked,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
