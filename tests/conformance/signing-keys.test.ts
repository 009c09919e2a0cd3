/** The sets that tokens are signed with: does a login still work, and which key signed? */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as v from "valibot";
import { type Ended, temporaryFolder } from "../e2e/binary.ts";
import { type Dependencies, signingTraits } from "../sandbox-versions.ts";
import { asJson, type Json, onEveryServer, type Server, textOf } from "./servers.ts";
import { logIn, publishedKeys, refresh, registerLoginClient, type SignedTokens } from "./signed-login.ts";

const SET = "hydra.openid.id-token";

const Keys = v.array(v.record(v.string(), v.unknown()));

function pathOf({ family }: Server, set = SET): string {
  return `${family === "v2" ? "/admin" : ""}/keys/${set}`;
}

/** The keys of a set as the server returns them, the newest first; none where there is no such set. */
async function stored(server: Server, set = SET): Promise<readonly Json[]> {
  const { status, body } = await server.ask("GET", pathOf(server, set));
  return status === 200 ? v.parse(Keys, asJson(body)["keys"]) : [];
}

/** Puts a set back as it was: the last key of a list becomes the newest. */
async function restore(server: Server, keys: readonly Json[]): Promise<void> {
  const { status } = await server.ask("PUT", pathOf(server), { keys: keys.toReversed() });
  assert.equal(status, 200);
}

function assertDone(ended: Ended): Ended {
  assert.equal(ended.status, 0, ended.stderr);
  return ended;
}

function assertGuarded(ended: Ended, consequence: RegExp): void {
  assert.equal(ended.status, 2, ended.stderr);
  assert.match(ended.stderr, /^Error: Cannot change key set "hydra\.openid\.id-token": /m);
  assert.match(ended.stderr, consequence);
  assert.match(ended.stderr, /--yes continues anyway/);
  assert.equal(ended.stdout, "");
}

function bareKid(kid: unknown): string {
  return String(kid).replace(/^(?:private|public):/, "");
}

const PUBLIC_PEM = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .publicKey.export({ format: "pem", type: "spki" })
  .toString();

function ecPem(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ format: "pem", type: "sec1" }).toString();
}

const NO_LOGIN = /every login fails/;

onEveryServer("the keys that sign", signingTraits, (server) => {
  const isPair = (): boolean => server().family === "v1";
  let clientId = "";
  let original: readonly Json[] = [];

  const login = async (): Promise<SignedTokens> => {
    const tokens = await logIn(server(), clientId);
    assert.ok(tokens !== "failed", "the login failed");
    return tokens;
  };
  const fails = async (): Promise<boolean> => (await logIn(server(), clientId)) === "failed";
  /** A login must work, signed by a published key; gives the ID of that key. */
  const signs = async (): Promise<string> => {
    const { idToken } = await login();
    assert.ok(idToken.verifies, "no published key signed the token");
    return idToken.kid;
  };
  const keys = (...args: readonly string[]): Promise<Ended> => server().run(["keys", ...args]);

  before(async () => {
    clientId = await registerLoginClient(server());
    await logIn(server(), clientId);
    original = await stored(server());
  });
  after(() => restore(server(), original));

  test("are protected against the deletion of the set, which would end all logins", async () => {
    const old = await signs();
    const before = await stored(server());
    assertGuarded(await keys("delete", SET), isPair() ? NO_LOGIN : /no token issued so far can be verified/);
    assert.equal(await signs(), old);
    assertDone(await keys("delete", SET, "--yes"));
    if (isPair()) assert.ok(await fails(), "the login still works");
    else assert.notEqual(await signs(), old);
    await restore(server(), before);
    assert.equal(await signs(), old);
  });

  test("are protected against a set of public keys only", async () => {
    const before = await stored(server());
    const old = await signs();
    const newest = before.filter(({ kid }) => bareKid(kid) === bareKid(old));
    const privateKid = newest.find((key) => key["d"] !== undefined)?.["kid"];
    assert.ok(typeof privateKid === "string");
    await restore(server(), newest);
    const ended = await keys("delete", SET, "--kid", privateKid);
    assertGuarded(ended, isPair() ? NO_LOGIN : /no token issued so far can be verified/);
    assert.equal(await signs(), old);
    if (!isPair()) {
      const [key = {}] = newest;
      const publicKey = { kty: key["kty"], n: key["n"], e: key["e"], kid: "another", use: "sig", alg: "RS256" };
      await restore(server(), [...newest, publicKey]);
      assertGuarded(await keys("delete", SET, "--kid", privateKid), /no private key is left/);
      assert.equal(await signs(), old);
    }
    await restore(server(), before);
  });

  test("keep signing if a public key is imported, except on Hydra 1.x, which is protected against it", async () => {
    const old = await signs();
    using folder = temporaryFolder();
    const file = join(folder.path, "next.pub");
    writeFileSync(file, PUBLIC_PEM);
    const ended = await keys("import", SET, file, "--kid", "next-public");
    if (!isPair()) {
      assertDone(ended);
      assert.equal(await signs(), old);
      assert.ok((await publishedKeys(server())).some(({ kid }) => kid === "next-public"));
      assertDone(await keys("delete", SET, "--kid", "next-public"));
      return;
    }
    assertGuarded(ended, NO_LOGIN);
    assert.equal(await signs(), old);
    assertDone(await keys("import", SET, file, "--kid", "next-public", "--yes"));
    assert.ok(await fails(), "the login still works");
    assertDone(await keys("delete", SET, "--kid", "next-public"));
    assert.equal(await signs(), old);
  });

  test("are protected against another algorithm", async () => {
    const old = await signs();
    const before = await stored(server());
    using folder = temporaryFolder();
    const file = join(folder.path, "ec.pem");
    writeFileSync(file, ecPem());
    assertGuarded(await keys("import", SET, file), isPair() ? NO_LOGIN : /signed with ES256 immediately/);
    assertGuarded(await keys("create", SET, "--alg", "ES512"), isPair() ? NO_LOGIN : /signed with ES512 immediately/);
    assert.equal(await signs(), old);
    assertDone(await keys("import", SET, file, "--yes"));
    if (isPair()) assert.ok(await fails(), "the login still works");
    else assert.equal((await login()).idToken.alg, "ES256");
    await restore(server(), before);
    assert.equal(await signs(), old);
  });

  test("rotate in one step, and a refreshed session names the old key", async () => {
    const session = await login();
    const ended = assertDone(await keys("rotate", SET, "--public-url", server().publicUrl ?? ""));
    assert.match(ended.stderr, /ID tokens that they get by refreshing do not verify .*ory\/hydra#3573/);
    assert.match(ended.stderr, /Proved by a login/);
    const now = await signs();
    assert.notEqual(now, session.idToken.kid);
    const refreshed = await refresh(server(), clientId, session.refreshToken);
    assert.equal(refreshed.idToken.kid, session.idToken.kid);
    assert.equal(refreshed.idToken.verifies, false);
    const again = await keys("rotate", SET, "--retire", now);
    assert.equal(again.status, 2);
    assert.match(again.stderr, /it is the newest one, which signs/);
    const retired = await keys(
      "rotate",
      SET,
      "--retire",
      session.idToken.kid,
      "--public-url",
      server().publicUrl ?? "",
    );
    assertDone(retired);
    assert.equal(await signs(), now);
    const left = (await stored(server())).map(({ kid }) => kid);
    assert.ok(!left.includes(session.idToken.kid), String(left));
  });

  test("rotate in steps, each verified by a login; Hydra 1.x rotates in one", async () => {
    const old = await signs();
    const proof = ["--public-url", server().publicUrl ?? ""];
    using folder = temporaryFolder();
    const file = join(folder.path, "next.json");
    const published = await keys("rotate", SET, "--publish", "--key-out", file, ...proof);
    if (isPair()) {
      assert.equal(published.status, 2);
      assert.match(published.stderr, NO_LOGIN);
      assert.equal(await signs(), old);
      return;
    }
    assertDone(published);
    assert.equal(await signs(), old);
    const text = readFileSync(file, "utf8");
    const [key = {}] = v.parse(Keys, asJson(JSON.parse(text))["keys"]);
    const next = textOf(key, "kid");
    assert.ok((await publishedKeys(server())).some(({ kid }) => kid === next));
    assert.ok(!published.stdout.includes(textOf(key, "d")) && !published.stderr.includes(textOf(key, "d")));
    assertDone(await keys("rotate", SET, "--activate", "--key", file, ...proof));
    assert.equal(await signs(), next);
    const repeated = assertDone(await keys("rotate", SET, "--activate", "--key", file));
    assert.match(repeated.stderr, /is already the signing key/);
    assertDone(await keys("rotate", SET, "--retire", old, ...proof));
    assert.equal(await signs(), next);
  });

  test("keep their order when a backup is restored", async () => {
    assertDone(await keys("rotate", SET));
    const now = await signs();
    const before = await stored(server());
    const { stdout } = assertDone(await keys("get", SET, "--private", "--format", "json"));
    // As it is, the saved set makes the oldest key sign.
    assert.equal((await server().ask("PUT", pathOf(server()), { keys: [...before] })).status, 200);
    assert.notEqual(await signs(), now);
    assertDone(await server().run(["keys", "import", SET, "-", "--replace"], { stdin: stdout }));
    assert.equal(await signs(), now);
    assert.deepEqual(await stored(server()), before);
  });

  test("are restored from a backup after the set was deleted", async () => {
    const now = await signs();
    const { stdout } = assertDone(await keys("get", SET, "--private", "--format", "json"));
    assertDone(await keys("delete", SET, "--yes"));
    assertDone(await server().run(["keys", "import", SET, "-", "--replace"], { stdin: stdout }));
    assert.equal(await signs(), now);
  });
});

/** Whether there are JWT access tokens, and how a rotation changes them. */
const accessTokenTraits: Dependencies = ({ public: { jwtAccessTokens }, keys: { namesOldAccessKey } }) => [
  jwtAccessTokens,
  namesOldAccessKey,
];

describe("JWT access tokens", () => {
  onEveryServer("of a refreshed session", accessTokenTraits, (server) => {
    test("name the old key from Hydra 2.3 on", async () => {
      const set = "hydra.jwt.access-token";
      const clientId = await registerLoginClient(server());
      const session = await logIn(server(), clientId);
      assert.ok(session !== "failed");
      if (session.accessToken === undefined) return;
      assertDone(await server().run(["keys", "rotate", set, "--public-url", server().publicUrl ?? ""]));
      const refreshed = await refresh(server(), clientId, session.refreshToken);
      const isOld = refreshed.accessToken?.kid === session.accessToken.kid;
      assert.equal(refreshed.accessToken?.verifies, !isOld);
      assertDone(await server().run(["keys", "delete", set, "--yes", "--kid", session.accessToken.kid]));
    });
  });
});
