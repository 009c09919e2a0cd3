import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { describe, test } from "node:test";
import { SANDBOX_VERSIONS } from "../../lib/sandbox/index.ts";
import { SECRET } from "../adapters/oauth/support.ts";
import { type Answered, type RawServer, rawServer } from "./raw-login.ts";

const MACHINE = { grant_types: ["client_credentials"], client_secret: SECRET };

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

type Members = Readonly<Record<string, unknown>>;

function basic(id: string, secret: string): Readonly<Record<string, string>> {
  return { authorization: `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}` };
}

/** The error of an answer, or "accepted". */
function outcome({ status, body }: Answered): string {
  return status === 200 ? "accepted" : `${status} ${body["error"]}: ${body["error_hint"] ?? body["error_description"]}`;
}

for (const as of SANDBOX_VERSIONS) {
  describe(`client authentication on Hydra ${as}`, () => {
    test("takes one method, and only that of the client", async () => {
      await using server = await rawServer(as, MACHINE);
      const post = await server.register({ ...MACHINE, token_endpoint_auth_method: "client_secret_post" });
      const none = await server.register({ ...MACHINE, token_endpoint_auth_method: "none" });
      const ask = async (form: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>>) =>
        outcome(await server.post("/oauth2/revoke", { token: "none", ...form }, headers));
      const formOf = (client_id: string, client_secret = SECRET) => ({ client_id, client_secret });
      assert.equal(await ask({}, basic(server.id, SECRET)), "accepted");
      assert.equal(await ask({ client_id: server.id }, basic(server.id, SECRET)), "accepted");
      assert.match(await ask(formOf(server.id), basic(server.id, SECRET)), /^401 invalid_client/);
      assert.equal(await ask(formOf(post), {}), "accepted");
      assert.match(await ask(formOf(post), basic(post, SECRET)), /^401 invalid_client/);
      assert.equal(await ask({ client_id: none }, {}), "accepted");
      assert.match(await ask({}, basic(none, SECRET)), /^401 invalid_client/);
      assert.match(await ask(formOf(none), {}), /^401 invalid_client/);
      const empty = await ask({}, basic(none, ""));
      if (as === "1.8") assert.match(empty, /^401 invalid_client/);
      else assert.equal(empty, "accepted");
    });

    test("needs a known type of assertion, and an assertion", async () => {
      await using server = await rawServer(as, MACHINE);
      const ask = async (form: Readonly<Record<string, string>>) =>
        outcome(await server.post("/oauth2/token", { grant_type: "client_credentials", ...form }));
      assert.match(
        await ask({ client_assertion_type: "urn:other" }),
        /^400 invalid_request: .*Unknown client_assertion_type ['"]urn:other['"]\./s,
      );
      for (const client_assertion of [{ client_assertion: "" }, {}] as const) {
        const error = await ask({ client_assertion_type: ASSERTION_TYPE, ...client_assertion });
        assert.match(error, /^400 invalid_request: .*The client_assertion request parameter must be set/s);
      }
    });
  });
}

const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 });
const OTHER_RSA = generateKeyPairSync("rsa", { modulusLength: 2048 });

function jwkOf({ publicKey }: { readonly publicKey: KeyObject }, members: Members): Members {
  return { ...publicKey.export({ format: "jwk" }), alg: "RS256", use: "sig", ...members };
}

function part(value: Members): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** An assertion of a client, right except for the given claims. */
function assertionOf({ id, publicUrl }: Pick<RawServer, "id" | "publicUrl">, claims: Members = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const right = { iss: id, sub: id, aud: `${publicUrl}/oauth2/token`, jti: randomUUID(), iat: now, exp: now + 60 };
  const signed = `${part({ alg: "RS256", kid: "k" })}.${part({ ...right, ...claims })}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), RSA.privateKey).toString("base64url")}`;
}

function signingClient(...keys: readonly Members[]): Members {
  const jwks = { keys };
  return { grant_types: ["client_credentials"], token_endpoint_auth_method: "private_key_jwt", jwks };
}

for (const as of SANDBOX_VERSIONS) {
  describe(`private_key_jwt on Hydra ${as}`, () => {
    const ask = async (server: RawServer, client_assertion: string, more: Readonly<Record<string, string>> = {}) =>
      outcome(
        await server.post(
          "/oauth2/token",
          { grant_type: "client_credentials", client_assertion_type: ASSERTION_TYPE, client_assertion, ...more },
          {},
        ),
      );

    test("needs a key for signatures, and tries the first one only", async () => {
      const right = jwkOf(RSA, { kid: "k" });
      await using server = await rawServer(as, signingClient(right));
      assert.equal(await ask(server, assertionOf(server)), "accepted");
      for (const [keys, expected] of [
        [[jwkOf(RSA, { kid: "k", use: undefined })], /^400 invalid_request: .*Unable to find RSA public key/s],
        [[jwkOf(RSA, { kid: "k", use: "enc" })], /^400 invalid_request: .*for kid ['"]k['"] in JSON Web Key Set/s],
        [[jwkOf(RSA, { kid: "other" })], /^400 invalid_request: .*could not be found/s],
        [[jwkOf(OTHER_RSA, { kid: "k" }), right], as === "1.8" ? /^500 / : /^401 invalid_client: .*integrity/s],
        [[jwkOf(OTHER_RSA, { kid: "k", use: "enc" }), right], /^accepted$/],
      ] as const) {
        const id = await server.register(signingClient(...keys));
        assert.match(await ask(server, assertionOf({ id, publicUrl: server.publicUrl })), expected);
      }
    });

    test("refuses an assertion from the future, of another client, and one that was used", async () => {
      await using server = await rawServer(as, signingClient(jwkOf(RSA, { kid: "k" })));
      const other = await server.register(signingClient(jwkOf(RSA, { kid: "k" })));
      const later = Math.floor(Date.now() / 1000) + 1_000;
      assert.match(await ask(server, assertionOf(server, { iat: later })), /^500 /);
      assert.equal(await ask(server, assertionOf(server), { client_id: server.id }), "accepted");
      assert.match(await ask(server, assertionOf(server), { client_id: other }), /^401 invalid_client: .*iss/s);
      const foreign = assertionOf(server, { iss: other });
      assert.match(await ask(server, foreign, { client_id: other }), /^401 invalid_client: .*Claim ['"]sub['"]/s);
      const jti = randomUUID();
      assert.match(await ask(server, assertionOf(server, { jti, aud: "x" })), /^401 invalid_client: .*audience/s);
      assert.match(await ask(server, assertionOf(server, { jti })), /^400 jti_known/);
    });

    test("is for clients that are registered with it", async () => {
      await using server = await rawServer(as, MACHINE);
      const none = await server.register({ ...MACHINE, token_endpoint_auth_method: "none" });
      assert.match(
        await ask(server, assertionOf(server)),
        /only supports client authentication method ['"]client_secret_basic['"], however ['"]client_assertion['"] was/,
      );
      assert.match(
        await ask(server, assertionOf({ id: none, publicUrl: server.publicUrl })),
        /does not support client authentication, however ['"]client_assertion['"] was provided in the request\./,
      );
    });
  });
}
