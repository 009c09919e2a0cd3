import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fetchKeybaseKey, KEYBASE_URL, requireClaimedFingerprint } from "../../lib/adapters/keybase.ts";
import { encryptText, parseRecipients } from "../../lib/adapters/pgp.ts";
import { Problem } from "../../lib/core/problem.ts";
import { type Exported, type Gpg, openGpg } from "./gpg.ts";
import { type KeyServer, openKeyServer, type Reply } from "./keyserver.ts";

const OK = { code: 0, name: "OK" };

function user(username: string, primary: object | null | undefined): object {
  const keys = primary === undefined ? {} : { public_keys: { primary, sibkeys: [] } };
  return { id: "1", basics: { username, ctime: 1 }, ...keys };
}

describe("Keybase", () => {
  let gpg: Gpg;
  let alice: Exported;
  let bob: Exported;
  let server: KeyServer;
  let answer: object | string = {};
  let status = 200;

  before(async () => {
    gpg = openGpg();
    alice = gpg.exported(gpg.quick("alice@keybase.example", "future-default"));
    bob = gpg.exported(gpg.quick("bob@keybase.example", "future-default"));
    server = await openKeyServer((): Reply => {
      const body = typeof answer === "string" ? answer : JSON.stringify(answer);
      return { status, type: "application/json", body };
    });
  });

  after(async () => {
    await server.close();
    gpg.close();
  });

  function primary(key: Exported): object {
    return { kid: "0101", key_type: 1, key_fingerprint: key.fingerprint.toLowerCase(), bundle: key.armored };
  }

  async function refusal(name: string, given: object | string, answered = 200): Promise<Problem> {
    answer = given;
    status = answered;
    try {
      await fetchKeybaseKey(name, server.download, server.url);
    } catch (error) {
      assert.ok(error instanceof Problem, String(error));
      assert.ok(error.hint);
      assert.doesNotMatch(error.message, /[\n\r\u001b]/);
      return error;
    } finally {
      status = 200;
    }
    return assert.fail("a key came");
  }

  it("returns the key of a user, case-insensitively", async () => {
    answer = { status: OK, them: [user("Alice_1", primary(alice))] };
    const key = await fetchKeybaseKey("aLICE_1", server.download, `${server.url}/`);
    assert.deepEqual(key, { armored: alice.armored, fingerprint: alice.fingerprint, username: "Alice_1" });
    const asked = new URL(server.asked.at(-1)?.url ?? "");
    assert.equal(asked.pathname, "/_/api/1.0/user/lookup.json");
    assert.deepEqual(Object.fromEntries(asked.searchParams), { usernames: "aLICE_1", fields: "basics,public_keys" });
    assert.equal(server.asked.at(-1)?.options.maxBytes, 1_048_576);
    const [recipient] = await parseRecipients(key.armored, "--keybase aLICE_1", new Date());
    assert.ok(recipient);
    requireClaimedFingerprint(recipient, key);
    const message = await encryptText([recipient], "for alice", "base64");
    assert.equal(gpg.decrypt(Buffer.from(message, "base64")), "for alice");
  });

  it("requests Keybase itself by default, and keeps the path of a mirror", async () => {
    answer = { status: OK, them: [user("alice", primary(alice))] };
    await fetchKeybaseKey("alice", server.download);
    assert.ok(server.asked.at(-1)?.url.startsWith(`${KEYBASE_URL}/_/api/1.0/user/lookup.json?`));
    assert.equal(KEYBASE_URL, "https://keybase.io");
    await fetchKeybaseKey("alice", server.download, "https://mirror.example.org/kb/");
    assert.equal(new URL(server.asked.at(-1)?.url ?? "").pathname, "/kb/_/api/1.0/user/lookup.json");
  });

  it("rejects a key with another fingerprint than claimed", async () => {
    answer = { status: OK, them: [user("alice", { ...primary(alice), bundle: bob.armored })] };
    const key = await fetchKeybaseKey("alice", server.download, server.url);
    const [recipient] = await parseRecipients(key.armored, "--keybase alice", new Date());
    assert.ok(recipient);
    assert.throws(() => requireClaimedFingerprint(recipient, key), {
      code: "keybase-fingerprint-mismatch",
      exit: "noUsableKey",
      message: new RegExp(`claims the fingerprint ${alice.fingerprint}, but sent the key ${bob.fingerprint}$`),
    });
  });

  it("distinguishes an unknown user, a missing key and an unreachable server", async () => {
    for (const given of [
      { status: OK, them: [null] },
      { status: { code: 205, name: "NOT_FOUND", desc: "user not found" } },
    ]) {
      const nobody = await refusal("nobody", given);
      assert.equal(nobody.code, "keybase-no-user");
      assert.equal(nobody.exit, "noUsableKey");
      assert.match(nobody.message, /Keybase user "nobody" not found$/);
    }
    for (const keys of [undefined, null, {}, { key_fingerprint: null, bundle: null }, { key_fingerprint: "" }]) {
      const keyless = await refusal("carol", { status: OK, them: [user("carol", keys)] });
      assert.equal(keyless.code, "keybase-no-key");
      assert.equal(keyless.exit, "noUsableKey");
      assert.match(keyless.message, /Keybase user "carol": the account has no PGP key$/);
    }
    for (const busy of [429, 500, 502, 503]) {
      const failing = await refusal("alice", "<html>", busy);
      assert.equal(failing.exit, "unreachable");
      assert.equal(failing.status, busy);
    }
    server.dead.add("127.0.0.1");
    assert.equal((await refusal("alice", {})).exit, "unreachable");
    server.dead.clear();
  });

  it("rejects a response that is unexpected or about another user", async () => {
    const rows: readonly (readonly [object | string, RegExp])[] = [
      ["<!doctype html><p>sign in to the network</p>", /not that of a Keybase user lookup$/],
      ["{", /not that of a Keybase user lookup$/],
      ["[]", /not that of a Keybase user lookup$/],
      [{ them: [] }, /not that of a Keybase user lookup$/],
      [{ status: OK, them: [{ basics: {} }] }, /not that of a Keybase user lookup$/],
      [{ status: OK, them: [user("alice", { key_fingerprint: 7, bundle: alice.armored })] }, /not that of a Keybase/],
      [{ status: OK, them: [] }, /about no user$/],
      [{ status: OK }, /about no user$/],
      [{ status: OK, them: [user("alice", primary(alice)), user("bob", primary(bob))] }, /about 2 users$/],
      [{ status: OK, them: [user("bob", primary(bob))] }, /about "bob"$/],
      [{ status: OK, them: [user("bob\u001b[2J\n", primary(bob))] }, /about "bob\\x1b\[2J\\n"$/],
      [
        { status: { code: 100, name: "INPUT\u001b_ERROR", desc: "bad\nfield" } },
        /status 100 INPUT\\x1b_ERROR bad\\nfield$/,
      ],
      [
        { status: OK, them: [user("alice", { key_fingerprint: "deadbeef", bundle: alice.armored })] },
        /contains "deadbeef"/,
      ],
    ];
    for (const [given, message] of rows) {
      const problem = await refusal("alice", given);
      assert.equal(problem.code, "keybase-answer", problem.message);
      assert.equal(problem.exit, "noUsableKey");
      assert.match(problem.message, message);
    }
    const moved = await refusal("alice", "gone", 404);
    assert.equal(moved.code, "keybase-answer");
    assert.match(moved.message, /answered 404$/);
  });

  it("requests only one valid name, and never with plain http from other hosts", async () => {
    const before = server.asked.length;
    for (const name of ["", "alice,bob", "a b", "../x", "al\u00efce", "alice\n", "alice@github"]) {
      await assert.rejects(fetchKeybaseKey(name, server.download, server.url), { code: "keybase-name", exit: "usage" });
    }
    for (const base of ["http://keybase.io", "http://127.evil.example", "ftp://127.0.0.1", "keybase.io"]) {
      await assert.rejects(fetchKeybaseKey("alice", server.download, base), { exit: "usage" });
    }
    assert.equal(server.asked.length, before, "nothing was sent");
    answer = { status: OK, them: [user("alice", primary(alice))] };
    await fetchKeybaseKey("alice", server.download, "http://mirror.example.org", true);
    assert.equal(server.asked.at(-1)?.options.allowPlainHttp, true);
  });
});
