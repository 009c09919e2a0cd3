/** `pgp inspect` with encrypted messages and with file names. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { PACKET_TYPE } from "../../lib/core/pgp/key-material.ts";
import { type Gpg, openGpg } from "../adapters/gpg.ts";
import { packet } from "../adapters/key-packets.ts";
import { type Ended, runBinary, temporaryFolder } from "./binary.ts";
import { assertExit, assertFails, describeRun, SLOW } from "./scenario.ts";

describe("pgp inspect", () => {
  let gpg: Gpg;
  let folder: ReturnType<typeof temporaryFolder>;
  let alice: string;
  let bob: string;

  const write = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder.path, name), content);
    return name;
  };

  const inspect = (...args: readonly string[]): Promise<Ended> =>
    runBinary(["pgp", "inspect", ...args], { cwd: folder.path });

  const encrypted = (...args: readonly string[]): Buffer =>
    gpg.run(["--trust-model", "always", "--encrypt", ...args], { input: "the secret" }).stdout;

  before(() => {
    gpg = openGpg();
    folder = temporaryFolder();
    const key = (name: string): string => {
      const fingerprint = gpg.quick(`${name} <${name}@example.org>`, "rsa2048", "cert,sign");
      gpg.addSubkey(fingerprint, "rsa2048", "encr");
      write(`${name}.asc`, gpg.exported(fingerprint).armored);
      return fingerprint;
    };
    alice = key("alice");
    bob = key("bob");
    key("carol");
  });

  after(() => {
    folder[Symbol.dispose]();
    gpg.close();
  });

  it("reads a file with and without @, of any name", SLOW, async () => {
    write("team", gpg.exported(alice).binary);
    write("key file.txt", gpg.exported(alice).armored);
    for (const name of [
      "alice.asc",
      "@alice.asc",
      "./alice.asc",
      join(folder.path, "alice.asc"),
      "team",
      "key file.txt",
    ]) {
      const ended = await inspect(name, "-q");
      assertExit(ended, 0);
      assert.equal(ended.stdout, `${alice}\n`);
    }
    assertFails(
      await inspect("none.asc"),
      2,
      /^Error: Cannot read "none\.asc" for pgp inspect: the file does not exist$/,
    );
    assertFails(await inspect("none"), 7, /^Error: Cannot read a key from the given key: /);
    assertFails(await inspect("team/none"), 7, /^Error: Cannot read a key from the given key: /);
    const report = await inspect("key file.txt", "--format", "raw=0.origin");
    assert.equal(report.stdout, "key file.txt\n", describeRun(report));
    // What has this name and can't be read is not a key either.
    mkdirSync(join(folder.path, "keys"));
    assertFails(await inspect("keys"), 2, /^Error: Cannot read "keys" for pgp inspect: it is a directory$/);
  });

  it("shows a key that can't be read next to the others", SLOW, async () => {
    const old = packet(PACKET_TYPE.publicKey, [3, 1, 1, 1, 1, 0, 0, 1, 0, 1, 0x80, 0]);
    write("both.gpg", Buffer.concat([old, gpg.exported(alice).binary]));
    const both = await inspect("both.gpg");
    assertExit(both, 7);
    assert.match(both.stdout, new RegExp(`^Key: {7}${alice} [\\s\\S]*^Usable: {4}yes`, "m"));
    assert.match(
      both.stdout,
      /^Key: {7}unknown \(algorithm 1\)\n[\s\S]*^Usable: {4}no: its format is version 3\nHint: /m,
    );
    const ids = await inspect("both.gpg", "-q");
    assert.equal(ids.stdout, `${alice}\nunknown\n`);
    // It is not taken for a hidden recipient.
    write("hidden-from-both.gpg", encrypted("--throw-keyids", "--recipient", alice));
    const hidden = await inspect("hidden-from-both.gpg", "--pgp-key", "@both.gpg");
    assertExit(hidden, 0);
    assert.match(hidden.stdout, /^Match: {5}unknown/m);
  });

  it("describes an encrypted message, and finds the given key among its recipients", SLOW, async () => {
    const idOf = (fingerprint: string): string => (gpg.fingerprints(fingerprint)[1] ?? "").slice(-16);
    const binary = encrypted("-r", alice, "-r", bob);
    const armored = encrypted("--armor", "-r", alice, "-r", bob).toString();
    for (const material of [
      write("message.gpg", binary),
      write("message.asc", armored),
      armored,
      binary.toString("base64"),
      Buffer.from(armored).toString("base64"),
    ]) {
      const plain = await inspect(material);
      assertExit(plain, 0);
      assert.match(plain.stdout, /^Message: {3}encrypted to 2 keys$/m);
      for (const fingerprint of [alice, bob])
        assert.match(plain.stdout, new RegExp(`^Recipient: key ID ${idOf(fingerprint)} \\(RSA\\)$`, "m"));
      assert.match(plain.stdout, /^Match: {5}unknown: compare it with --pgp-key$/m);
      const own = await inspect(material, "--pgp-key", "@bob.asc");
      assertExit(own, 0);
      assert.match(own.stdout, new RegExp(`key ID ${idOf(bob)} .*: key ${bob}, bob <bob@example.org>$`, "m"));
      assert.match(own.stdout, /^Match: {5}yes, /m);
      const other = await inspect(material, "--pgp-key", "@carol.asc");
      assertExit(other, 7);
      assert.match(other.stdout, /^Match: {5}no, /m);
      assert.equal(other.stderr, "", describeRun(other));
    }
    const json = await inspect("message.asc", "--pgp-key", "@alice.asc", "--pgp-key", "@carol.asc", "--format", "json");
    const [described] = JSON.parse(json.stdout);
    assert.deepEqual(
      [described.kind, described.matches, described.passwords, described.recipients.length],
      ["encrypted-message", true, 0, 2],
    );
    assert.equal(described.recipients[0].key.fingerprint, alice);
    const quiet = await inspect("message.asc", "-q");
    assert.equal(quiet.stdout, `${idOf(alice)} ${idOf(bob)}\n`);
  });

  it("knows hidden recipients, and messages with a password", SLOW, async () => {
    write("hidden.gpg", encrypted("-R", alice));
    const hidden = await inspect("hidden.gpg", "--pgp-key", "@bob.asc");
    assertExit(hidden, 0);
    assert.match(hidden.stdout, /^Recipient: key ID hidden \(RSA\)$/m);
    assert.match(hidden.stdout, /^Match: {5}unknown: the sender has hidden recipients$/m);
    write("password.gpg", gpg.run(["--symmetric", "--passphrase", "test"], { input: "x" }).stdout);
    const password = await inspect("password.gpg", "--pgp-key", "@bob.asc");
    assertExit(password, 7);
    assert.match(password.stdout, /^Message: {3}encrypted to 0 keys and 1 password$/m);
  });

  it("still rejects a message as a key to encrypt to", SLOW, async () => {
    write("message.asc", encrypted("--armor", "-r", alice));
    const args = [
      "clients",
      "create",
      "-g",
      "client_credentials",
      "--endpoint",
      "http://127.0.0.1:1",
      "--fail-after",
      "0",
    ];
    const ended = await runBinary([...args, "--pgp-key", "@message.asc"], { cwd: folder.path });
    assertFails(ended, 7, /this is a message, not a key$/);
  });
});
