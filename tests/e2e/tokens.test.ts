import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { rogueServer } from "../adapters/oauth/support.ts";
import { type Ended, type RunningSandbox, runBinary, temporaryFolder, withSandbox } from "./binary.ts";

const WRONG = "certainly~not_the.secret";

const GRANT = ["-g", "client_credentials", "-a", "read,write"];

describe("tokens", () => {
  const folder = temporaryFolder();
  const path = (name: string): string => join(folder.path, name);
  const text = (name: string): string => readFileSync(path(name), "utf8");
  let server: RunningSandbox;
  /** Every secret and token so far: none may be in an output that didn't ask for it. */
  const secrets = new Set<string>([WRONG]);

  async function hydra(
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
    stdin = "",
  ): Promise<Ended> {
    const env = { HYDRA_ADMIN_URL: server.url, HYDRA_PUBLIC_URL: server.publicUrl, HOME: folder.path, ...more };
    const ended = await runBinary(args, { env, stdin });
    for (const secret of secrets) assert.ok(!ended.stderr.includes(secret), `a secret on stderr: ${args.join(" ")}`);
    return ended;
  }

  async function done(
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
    stdin = "",
  ): Promise<string> {
    const { status, stdout, stderr } = await hydra([...args], more, stdin);
    assert.equal(status, 0, stderr);
    return stdout;
  }

  /** A new client, with its credentials in a file. */
  async function client(id: string, file: string, ...flags: readonly string[]): Promise<void> {
    await done(["clients", "create", "--id", id, ...GRANT, "--secret-out", path(file), ...flags]);
    // In a Kubernetes Secret it is base64, which has other characters than a secret.
    const [, coded] = /^ *"CLIENT_SECRET": "([\w+/]+=*)"$/m.exec(text(file)) ?? [];
    const values = coded === undefined ? text(file) : Buffer.from(coded, "base64").toString();
    secrets.add(/[\w~.-]{26}/.exec(values)?.[0] ?? assert.fail(`no secret in ${file}`));
  }

  async function token(...flags: readonly string[]): Promise<string> {
    const line = await done(["token", "client", ...flags]);
    assert.match(line, /^\S+\n$/);
    secrets.add(line.trim());
    return line.trim();
  }

  async function isActive(of: string): Promise<boolean> {
    const stdout = await done(["token", "introspect", "-"], {}, `${of}\n`);
    assert.ok(!stdout.includes(of));
    return /"active": true/.test(stdout);
  }

  async function failsWith(ended: Ended, status: number, message: RegExp): Promise<void> {
    assert.match(ended.stderr, message);
    assert.equal(ended.status, status);
    assert.equal(ended.stdout, "");
  }

  before(async () => {
    server = await withSandbox("26");
    await client("basic", "basic.env");
    await client("post", "post.json", "--token-endpoint-auth-method", "client_secret_post");
    await client("kubernetes", "kubernetes.yaml");
    await client("renamed", "renamed.env", "--id-field", "APP_ID", "--secret-field", "APP_SECRET");
    const key = [
      "--token-endpoint-auth-method",
      "private_key_jwt",
      "--generate-key",
      "ES256",
      "--key-out",
      path("key.pem"),
    ];
    await done(["clients", "create", "--id", "key", ...GRANT, ...key]);
  });

  after(async () => {
    await server.stop();
    folder[Symbol.dispose]();
  });

  test("are issued with every form of a credentials file, and with a key", async () => {
    for (const flags of [
      ["--credentials", path("basic.env")],
      ["--credentials", path("post.json")],
      ["--credentials", path("post.json"), "--auth-method", "post"],
      ["--credentials", path("kubernetes.yaml")],
      ["--credentials", path("renamed.env"), "--id-field", "APP_ID", "--secret-field", "APP_SECRET"],
      ["--client-id", "key", "--client-key", path("key.pem")],
    ])
      assert.ok(await isActive(await token(...flags)), flags.join(" "));
  });

  test("are issued and revoked with an RSA key in PEM, whatever RSA algorithm the client is registered with", async () => {
    for (const algorithm of ["PS256", "RS256"]) {
      const id = algorithm.toLowerCase();
      const key = path(`${id}.pem`);
      const create = ["clients", "create", "--id", id, ...GRANT, "--token-endpoint-auth-method", "private_key_jwt"];
      await done([...create, "--generate-key", algorithm, "--key-out", key]);
      const own = ["--client-id", id, "--client-key", key];
      const issued = await token(...own);
      await done(["token", "revoke", ...own, "-"], {}, issued);
      assert.equal(await isActive(issued), false);
    }
    const wrong = await hydra(["token", "client", "--client-id", "ps256", "--client-key", path("key.pem")]);
    await failsWith(
      wrong,
      3,
      /enforces signing algorithm 'PS256'.*\nHint: the server expects this client to sign with PS256/,
    );
  });

  test("are issued with a secret in a file, on standard input, in the environment or on the command line", async () => {
    const [, secret = ""] = /CLIENT_SECRET='?([^'\s]+)/.exec(text("basic.env")) ?? [];
    writeFileSync(path("secret"), `${secret}\n`);
    const id = ["--client-id", "basic"];
    await token(...id, "--client-secret-file", path("secret"));
    secrets.add((await done(["token", "client", ...id, "--client-secret-file", "-"], {}, secret)).trim());
    const environment = { OAUTH2_CLIENT_ID: "basic", OAUTH2_CLIENT_SECRET: secret, HYDRA_PUBLIC_URL: "" };
    secrets.add((await done(["token", "client"], { ...environment, HYDRA_URL: server.publicUrl })).trim());
    const warned = await hydra(["token", "client", ...id, "--client-secret", secret]);
    assert.equal(warned.status, 0);
    assert.match(warned.stderr, /--client-secret is visible to other users/);
  });

  test("are printed whole as JSON, with the time when they expire, and as a table in 2.x syntax", async () => {
    const flags = ["--credentials", path("basic.env"), "--scope", "read,write"];
    const answer: unknown = JSON.parse(await done(["token", "client", ...flags, "--format", "json"]));
    assert.ok(typeof answer === "object" && answer !== null);
    const names = ["access_token", "expires_at", "expires_in", "expiry", "scope", "token_type"];
    assert.deepEqual(Object.keys(answer).toSorted(), names);
    assert.ok("scope" in answer && answer.scope === "read write");
    assert.ok("expires_at" in answer && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(String(answer.expires_at)));
    const table = await done(["perform", "client-credentials", ...flags, "-e", server.publicUrl]);
    assert.match(table, /^ACCESS TOKEN\tory_at_\S+\nREFRESH TOKEN\t*\nID TOKEN\t*\nEXPIRY\t+\S+Z\n$/);
  });

  test("are revoked with the method of their client, which the server doesn't name there", async () => {
    const own = ["--credentials", path("post.json")];
    for (const flags of [own, [...own, "--auth-method", "post"]]) {
      const revoked = await token(...own);
      await done(["token", "revoke", ...flags, "-"], {}, revoked);
      assert.equal(await isActive(revoked), false);
    }
    const chosen = await hydra(["token", "revoke", ...own, "--auth-method", "basic", "-"], {}, await token(...own));
    await failsWith(chosen, 3, /^Error: Cannot revoke the token: the server rejected the client's credentials/);
  });

  test("can be introspected, revoked and deleted, with the labels of both references", async () => {
    const own = ["--credentials", path("basic.env")];
    const revoked = await token(...own);
    const shown = await done(["introspect", "token", "-"], {}, revoked);
    assert.match(
      shown,
      /^ACTIVE\t+true\nSUBJECT\t+basic\nCLIENT ID\t+basic\nSCOPE\t*\nEXPIRY\t+\S+Z\nTOKEN USE\taccess_token\n$/,
    );
    const label = await done(["token", "revoke", ...own, "-"], {}, revoked);
    assert.equal(label, `Revoked OAuth 2.0 Access Token: ${revoked.slice(0, 10)}…\n`);
    assert.equal(await isActive(revoked), false);
    const exits = await hydra(["token", "introspect", "--active", "-"], {}, revoked);
    assert.equal(exits.status, 4);
    assert.match(exits.stdout, /"active": false/);

    assert.equal(
      await done(["token", "delete", "--client-id", "basic"]),
      "Successfully deleted access tokens for client basic\n",
    );
    const kept = await token(...own);
    assert.equal(await done(["delete", "access-tokens", "basic", "post"]), "ID\nbasic\npost\n");
    assert.equal(await isActive(kept), false);
    await failsWith(await hydra(["delete", "access-tokens", "nobody"]), 4, /client "nobody" not found/);
  });

  test("of the client in OAUTH2_CLIENT_ID are deleted only in 1.x syntax, and only if no other is named", async () => {
    const named = { OAUTH2_CLIENT_ID: "basic" };
    const kept = await token("--credentials", path("basic.env"));
    await failsWith(await hydra(["delete", "access-tokens"], named), 2, /There is no client ID/);
    const other = await done(["token", "delete", "post"], named);
    assert.equal(other, "Successfully deleted access tokens for client post\n");
    assert.equal(await isActive(kept), true);
    const own = await done(["token", "delete"], named);
    assert.equal(own, "Successfully deleted access tokens for client basic\n");
    assert.equal(await isActive(kept), false);
  });

  test("of every client that a repeated --client-id names are deleted", async () => {
    const kept = [await token("--credentials", path("basic.env")), await token("--credentials", path("post.json"))];
    await done(["token", "delete", "--client-id", "basic", "--client-id", "post"]);
    for (const each of kept) assert.equal(await isActive(each), false);
  });

  test("with a scope that they lack are inactive", async () => {
    const granted = await token("--credentials", path("basic.env"), "--scope", "read");
    assert.match(await done(["token", "introspect", "--scope", "read", "-"], {}, granted), /"active": true/);
    assert.match(await done(["token", "introspect", "--scope", "write", "-"], {}, granted), /"active": false/);
  });

  test("aren't given for wrong credentials, which is exit code 3, and the hint names the possible causes", async () => {
    const ended = await hydra(["token", "client", "--client-id", "basic"], { OAUTH2_CLIENT_SECRET: WRONG });
    await failsWith(
      ended,
      3,
      /^Error: Cannot get a token: the server rejected the client's credentials \(invalid_client\)\nHint: check the client ID, and the secret or key; .*\n$/,
    );
    writeFileSync(
      path("other.pem"),
      generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }),
    );
    const key = await hydra(["token", "client", "--client-id", "key", "--client-key", path("other.pem")]);
    // Hydra calls a key that isn't registered an invalid request; the client's credentials are rejected anyway.
    await failsWith(key, 3, /uses signing key with kid '\S+', which could not be found/);
    const revoke = await hydra(
      ["token", "revoke", "--client-id", "basic", "-"],
      { OAUTH2_CLIENT_SECRET: WRONG },
      "ory_at_x",
    );
    await failsWith(revoke, 3, /^Error: Cannot revoke the token: the server rejected the client's credentials/);
  });

  test("aren't given for an unknown scope, and the failure is JSON if that is the format", async () => {
    const ended = await hydra([
      "token",
      "client",
      "--credentials",
      path("basic.env"),
      "--scope",
      "admin",
      "--format",
      "json",
    ]);
    await failsWith(ended, 1, /"error":\s*"invalid-scope"/);
  });

  test("need the right port, and the message names it", async () => {
    const admin = await hydra(["token", "client", "--credentials", path("basic.env"), "--public-url", server.url]);
    await failsWith(admin, 1, /this looks like Hydra's admin port\nHint: give the public port \(4444 by default\)/);
    const open = await hydra(["token", "introspect", "-e", server.publicUrl, "-"], {}, "ory_at_x");
    await failsWith(open, 1, /isn't a Hydra admin port\nHint: give the admin port/);
    const none = await hydra(["token", "client", "--credentials", path("basic.env")], { HYDRA_PUBLIC_URL: "" });
    await failsWith(none, 2, /the public URL of the server is not known/);
  });

  test("aren't asked for with an incomplete or contradictory command line", async () => {
    const [none, both, unreadable] = await Promise.all([
      hydra(["token", "client", "--client-id", "basic"]),
      hydra(["token", "client", "--client-secret-file", "-", "--credentials", path("basic.env")]),
      hydra(["token", "client", "--credentials", path("key.pem")]),
    ]);
    await failsWith(none, 2, /There is no client secret\nHint: add --credentials FILE/);
    await failsWith(both, 2, /--client-secret-file and --credentials cannot be used together/);
    await failsWith(unreadable, 2, /There are no credentials in/);
    const other = await hydra(["token", "client", "--client-id", "other", "--credentials", path("basic.env")]);
    await failsWith(other, 2, /The credentials are of client "basic", not of client "other"\nHint: leave/);
    await failsWith(await hydra(["token", "client"]), 2, /There is no client ID/);
  });

  test("are flushed by Hydra 1.x only", async () => {
    await failsWith(
      await hydra(["token", "flush"]),
      1,
      /Hint: from Hydra 2\.0 on this is hydra janitor, run on the server/,
    );
    await using old = await withSandbox("1.8");
    const flushed = await done(["token", "flush", "--min-age", "1h"], { HYDRA_ADMIN_URL: old.url });
    assert.equal(flushed, "Successfully flushed inactive access tokens\n");
  });
});

describe("token decode", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const folder = temporaryFolder();
  const keys = join(folder.path, "jwks.json");
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: "one", alg: "ES256" };
  writeFileSync(keys, JSON.stringify({ keys: [jwk] }));
  after(() => folder[Symbol.dispose]());

  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

  function signed(payload: object): string {
    const input = `${encode({ alg: "ES256", kid: "one" })}.${encode(payload)}`;
    const signature = sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" });
    return `${input}.${signature.toString("base64url")}`;
  }

  const decode = (token: string, ...flags: readonly string[]): Promise<Ended> =>
    runBinary(["token", "decode", ...flags, "-"], { stdin: token });

  test("shows header and claims offline, and says what is wrong with the token", async () => {
    const shown = await decode(signed({ sub: "alice", exp: 1 }));
    assert.equal(shown.status, 0, shown.stderr);
    assert.deepEqual(JSON.parse(shown.stdout), {
      header: { alg: "ES256", kid: "one" },
      payload: { sub: "alice", exp: 1 },
      verified: false,
    });
    assert.match(shown.stderr, /The token has expired/);
    const unsigned = await decode(`${encode({ alg: "none" })}.${encode({ sub: "mallory" })}.`);
    assert.equal(unsigned.status, 0);
    assert.match(unsigned.stderr, /not signed \(alg none\)/);
  });

  test("shows only the expiry as a time, and other numbers as they are", async () => {
    const shown = await decode(signed({ sub: 12_345, iss: true, aud: ["a", "b"], exp: 60 }), "--format", "tsv");
    assert.equal(shown.status, 0, shown.stderr);
    const [, row = ""] = shown.stdout.split("\n");
    assert.deepEqual(row.split("\t"), ["ES256", "one", "true", "12345", "a,b", "1970-01-01T00:01:00Z", "false"]);
  });

  test("prints with -q only the ID, and no empty line for a token without one", async () => {
    assert.equal((await decode(signed({ sub: "alice", jti: "t-1" }), "-q")).stdout, "t-1\n");
    const without = await decode(signed({ sub: "alice" }), "-q");
    assert.deepEqual([without.status, without.stdout], [0, ""]);
    assert.match(without.stderr, /the token has no ID \(claim jti\)/);
  });

  test("verifies the signature with a key set, and fails with another one", async () => {
    const token = signed({ sub: "alice" });
    const verified = await decode(token, "--jwks", keys);
    assert.equal(verified.status, 0, verified.stderr);
    assert.match(verified.stdout, /"verified": true/);
    const [head, , signature] = token.split(".");
    for (const [forged, message] of [
      [`${head}.${encode({ sub: "root" })}.${signature}`, /no key of the key set of --jwks signed it/],
      [`${encode({ alg: "none" })}.${encode({})}.`, /^Error: Cannot verify the token: it is not signed \(alg none\)$/m],
    ] as const) {
      const failed = await decode(forged, "--jwks", keys);
      assert.equal(failed.status, 1);
      assert.equal(failed.stdout, "");
      assert.match(failed.stderr, message);
    }
  });

  test("verifies with the keys of a server", async () => {
    await using server = await withSandbox("26");
    const failed = await decode(signed({}), "--verify", "--public-url", server.publicUrl);
    assert.equal(failed.status, 1);
    assert.match(failed.stderr, /no key of the key set of --public-url signed it/);
    const missing = await decode(signed({}), "--jwks-uri", `${server.publicUrl}/nothing`);
    assert.match(missing.stderr, /answered 404\n/);
    const bare = await decode(signed({}), "--jwks-uri", "127.0.0.1:4444");
    assert.match(bare.stderr, /is not an http or https URL\nHint: .* https:\/\/host\/\.well-known\/jwks\.json$/m);
    const admin = await decode(signed({}), "--verify", "--public-url", server.url);
    assert.equal(admin.status, 1);
    assert.match(
      admin.stderr,
      /answered 404: this looks like Hydra's admin port\nHint: use the URL of the public port/,
    );
    await using redirecting = await rogueServer(({ path }, response, url) =>
      response.writeHead(path === "/jwks" ? 302 : 410, { location: `${url}/moved` }).end(),
    );
    const moved = await decode(signed({}), "--jwks-uri", `${redirecting.url}/jwks`);
    assert.ok(moved.stderr.includes(`: ${redirecting.url}/moved answered 410\n`), moved.stderr);
  });

  test("exits with 6 if the server with the keys is too busy, and doesn't doubt the URL", async () => {
    await using busy = await rogueServer((_, response) => response.writeHead(503).end());
    const ended = await decode(signed({}), "--verify", "--public-url", busy.url);
    assert.equal(ended.status, 6);
    assert.match(ended.stderr, /answered 503\nHint: try again later$/m);
  });

  test("rejects an opaque token", async () => {
    const failed = await decode("ory_at_opaque");
    assert.equal(failed.status, 1);
    assert.match(failed.stderr, /not a signed JSON Web Token\nHint: most access tokens are opaque/);
    assert.ok(!failed.stderr.includes("ory_at_opaque"));
  });
});
