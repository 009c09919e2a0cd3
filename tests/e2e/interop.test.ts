/** Other OpenPGP programs read our messages, and we read their keys. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { ENCRYPTED_FORMATS, type EncryptedFormat } from "../../lib/core/pgp/encrypted-format.ts";
import { PACKET_TYPE, readPackets } from "../../lib/core/pgp/key-material.ts";
import { type Exported, type Gpg, openGpg } from "../adapters/gpg.ts";
import { type Ended, start, temporaryFolder } from "./binary.ts";
import { assertExit, describeRun, openScenario, SEED, SLOW } from "./scenario.ts";

const ROOT = join(import.meta.dirname, "../..");

const base64 = (data: Uint8Array): string => Buffer.from(data).toString("base64");

/** Runs another OpenPGP program; where it is missing these tests fail rather than pass without it. */
function program(file: string, args: readonly string[], input?: Uint8Array): Buffer {
  const { status, stdout, stderr, error } = spawnSync(file, args, { ...(input === undefined ? {} : { input }) });
  if (error !== undefined) throw new Error(`${file} cannot be run, and these tests need it`, { cause: error });
  assert.equal(status, 0, `${file} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** Decrypts a message with the private key in a file. */
type Reader = (message: Uint8Array, keyFile: string, scratch: string) => string;

/** Sequoia's `sq`, which named its flag for the key differently before 0.30. */
const sequoia: Reader = (message, keyFile) => {
  const help = String(program("sq", ["decrypt", "--help"]));
  const flag = help.includes("--recipient-file") ? "--recipient-file" : "--recipient-key";
  return String(program("sq", ["decrypt", flag, keyFile], message));
};

const rnp: Reader = (message, keyFile, scratch) => {
  const home = join(scratch, `rnp-${process.hrtime.bigint()}`);
  mkdirSync(home, { mode: 0o700 });
  program("rnpkeys", ["--homedir", home, "--import", keyFile]);
  const file = join(home, "message");
  writeFileSync(file, message);
  return String(program("rnp", ["--homedir", home, "--password", "", "--decrypt", file, "--output", "-"]));
};

/** The message of an encrypted secret in JSON, as its bytes: binary or armored. */
function messageIn(ended: Ended, format: EncryptedFormat): Uint8Array {
  assertExit(ended, 0);
  const { client_secret_encrypted: text } = JSON.parse(ended.stdout);
  return format === "armor" ? Buffer.from(text) : Buffer.from(text, "base64");
}

describe("a message of the program", () => {
  let gpg: Gpg;
  let folder: ReturnType<typeof temporaryFolder>;
  let keys: readonly Exported[];

  before(() => {
    gpg = openGpg();
    folder = temporaryFolder();
    const rsa = gpg.quick("rsa@example.com", "rsa3072", "sign");
    gpg.addSubkey(rsa, "rsa3072", "encr");
    const nist = gpg.quick("nist@example.com", "nistp256", "sign");
    gpg.addSubkey(nist, "nistp256", "encr");
    keys = [rsa, nist, gpg.quick("curve@example.com", "future-default")].map((name) => gpg.exported(name));
    for (const { fingerprint } of keys) writeFileSync(join(folder.path, fingerprint), gpg.secret(fingerprint));
  });

  after(() => {
    folder[Symbol.dispose]();
    gpg.close();
  });

  const readers: Readonly<Record<string, Reader>> = {
    GnuPG: (message) => gpg.decrypt(message),
    "Sequoia (sq)": sequoia,
    RNP: rnp,
  };

  for (const [name, read] of Object.entries(readers)) {
    it(`is read by ${name}, for each kind of key, in each format`, SLOW, async () => {
      await using scenario = await openScenario();
      const all = keys.flatMap(({ binary }) => ["--pgp-key", base64(binary)]);
      for (const format of ENCRYPTED_FORMATS) {
        const args = [...SEED, ...all, "--encrypted-format", format, "--format", "json"];
        const ended = await scenario.run(args);
        const message = messageIn(ended, format);
        const secret = scenario.sandbox.secretOf(JSON.parse(ended.stdout).client_id);
        for (const { fingerprint } of keys) {
          assert.equal(read(message, join(folder.path, fingerprint), folder.path), secret, `${format} ${fingerprint}`);
        }
      }
    });
  }
});

describe("an unusual but usable key", () => {
  let gpg: Gpg;
  let key: Exported;

  before(() => {
    gpg = openGpg();
    const name = gpg.quick("Odd <odd@example.com>", "ed25519", "sign", "never", "20200101T000000");
    gpg.addSubkey(name, "cv25519", "encr", "never", "20200102T000000");
    gpg.addSubkey(name, "cv25519", "encr", "never", "20210101T000000");
    key = gpg.exported(name);
  });

  after(() => gpg.close());

  /** The key with a certification before any user ID, and a binding before any subkey. */
  function withStraySignatures(): Uint8Array {
    const { packets } = readPackets(key.binary);
    const [primary, ...others] = packets.map(({ whole }) => whole);
    const signatures = packets.filter(({ tag }) => tag === PACKET_TYPE.signature).map(({ whole }) => whole);
    assert.ok(primary !== undefined && signatures.length === 3);
    return Buffer.concat([primary, ...signatures, ...others]);
  }

  /** The key with its older subkey made one of an algorithm that nobody knows. */
  function withUnknownAlgorithm(): Uint8Array {
    const { packets } = readPackets(key.binary);
    const subkey = packets.find(({ tag }) => tag === PACKET_TYPE.publicSubkey);
    assert.ok(subkey !== undefined);
    const changed = Uint8Array.from(key.binary);
    changed[subkey.body.byteOffset - key.binary.byteOffset + 5] = 99;
    return changed;
  }

  it("causes no extra output on either stream", SLOW, async () => {
    await using scenario = await openScenario();
    const streams = async (material: Uint8Array, NODE_ENV?: string): Promise<readonly string[]> => {
      const ended = await scenario.run([...SEED, "--pgp-key", base64(material)], { env: { NODE_ENV } });
      assertExit(ended, 0);
      const [all, id = "", message = ""] =
        /^OAuth 2\.0 Client ID: (\S+)\nOAuth 2\.0 Encrypted Client Secret: ([A-Za-z0-9+/]+=*)\n$/.exec(ended.stdout) ??
        [];
      assert.equal(all, ended.stdout, describeRun(ended));
      assert.equal(gpg.decrypt(Buffer.from(message, "base64")), scenario.sandbox.secretOf(id));
      return [ended.stdout.replace(id, "ID").replace(message, "MESSAGE"), ended.stderr];
    };
    const plain = await streams(key.binary);
    assert.match(plain[1] ?? "", /^Encrypted to \S+ "Odd <odd@example\.com>" \(.*\)\nDecrypt with: [^\n]+\n$/);
    for (const NODE_ENV of [undefined, "development"]) {
      assert.deepEqual(await streams(withStraySignatures(), NODE_ENV), plain);
      assert.deepEqual(await streams(withUnknownAlgorithm(), NODE_ENV), plain);
    }
  });

  it("causes no extra output on either stream under Deno", SLOW, async () => {
    await using scenario = await openScenario();
    using cache = temporaryFolder();
    const env = {
      NODE_ENV: "development",
      DENO_DIR: cache.path,
      DENO_NO_UPDATE_CHECK: "1",
      HYDRA_ADMIN_URL: scenario.url,
    };
    for (const material of [withStraySignatures(), withUnknownAlgorithm()]) {
      const args = ["run", "-A", "--no-prompt", join(ROOT, "cli.ts"), ...SEED, "--pgp-key", base64(material)];
      const ended = await start(join(ROOT, "node_modules/.bin/deno"), args, { env }).ended;
      assertExit(ended, 0);
      assert.match(ended.stdout, /^OAuth 2\.0 Client ID: \S+\nOAuth 2\.0 Encrypted Client Secret: \S+\n$/);
      assert.match(ended.stderr, /^Encrypted to \S+ "Odd <odd@example\.com>" \(.*\)\nDecrypt with: [^\n]+\n$/);
    }
  });
});
