import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import * as openpgp from "openpgp";
import { encryptText, inspectKeys, type KeySelector, parseRecipients } from "../../lib/adapters/pgp.ts";
import { ENCRYPTED_FORMATS } from "../../lib/core/pgp/encrypted-format.ts";
import { PACKET_TYPE, readPackets } from "../../lib/core/pgp/key-material.ts";
import { decryptTextCommand, type Recipient, requirePinnedFingerprints } from "../../lib/core/pgp/recipient.ts";
import { Problem } from "../../lib/core/problem.ts";
import { type Exported, type Gpg, openGpg } from "./gpg.ts";
import { copiesWithUserIds, madeUpSignature, newPrimaryKey, packet } from "./key-packets.ts";

/** Text with everything that a careless path would change: no line break at the end, CR LF, bytes beyond ASCII. */
const PLAIN = "s3cr~t-é\r\nsecond line\n\n";

const ORIGIN = "--pgp-key";

function base64(data: string | Uint8Array): string {
  return Buffer.from(data).toString("base64");
}

async function one(material: string | Uint8Array, now = new Date(), selector: KeySelector = {}): Promise<Recipient> {
  const recipients = await parseRecipients(material, ORIGIN, now, selector);
  assert.equal(recipients.length, 1);
  const [recipient] = recipients;
  assert.ok(recipient);
  return recipient;
}

async function refusal(material: string | Uint8Array, selector: KeySelector = {}, now = new Date()): Promise<Problem> {
  try {
    await parseRecipients(material, ORIGIN, now, selector);
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    assert.equal(error.exit, "noUsableKey", error.message);
    assert.ok(error.hint, "each refusal shows a way out");
    for (const text of [error.message, error.hint, ...error.details]) {
      assert.doesNotMatch(text, /[\n\r\u001b]/, "one line each, nothing that moves a cursor");
    }
    return error;
  }
  return assert.fail("the key was taken");
}

/** The packets that gpg sees in a message, by their names. */
function packets(gpg: Gpg, message: string): string {
  return gpg.run(["--list-packets"], { input: Buffer.from(message, "base64"), fails: true }).stdout.toString();
}

describe("OpenPGP recipients", () => {
  let gpg: Gpg;
  let rsa: Exported;
  let curve: Exported;
  let nist: Exported;

  before(() => {
    gpg = openGpg();
    const first = gpg.quick("Alice RSA <alice@example.org>", "rsa3072", "sign");
    gpg.addSubkey(first, "rsa3072", "encr");
    rsa = gpg.exported(first);
    curve = gpg.exported(gpg.quick("Bob Curve <bob@example.org>", "future-default"));
    const third = gpg.quick("Carol NIST <carol@example.org>", "nistp256", "sign");
    gpg.addSubkey(third, "nistp256", "encr");
    nist = gpg.exported(third);
  });

  after(() => gpg.close());

  describe("forms of key material", () => {
    it("accepts each kind of key in each form, and GnuPG decrypts what was encrypted to it", async () => {
      const kinds = [
        [rsa, "RSA 3072", "RSA 3072"],
        [curve, "EdDSA Ed25519", "ECDH Curve25519"],
        [nist, "ECDSA NIST P-256", "ECDH NIST P-256"],
      ] as const;
      for (const [key, primary, subkey] of kinds) {
        const forms = [
          key.armored,
          key.binary,
          Buffer.from(key.armored),
          base64(key.armored),
          base64(key.binary),
          Buffer.from(base64(key.binary)),
          (base64(key.binary).match(/.{1,76}/g) ?? []).join("\r\n"),
          Buffer.from(key.binary).toString("base64url"),
        ];
        for (const form of forms) {
          const recipient = await one(form);
          assert.equal(recipient.fingerprint, key.fingerprint);
          assert.equal(recipient.algorithm, primary);
          assert.equal(recipient.encryptsTo.algorithm, subkey);
          assert.equal(recipient.encryptsTo.fingerprint, gpg.fingerprints(key.fingerprint)[1]);
          assert.equal(recipient.origin, ORIGIN);
          assert.deepEqual(recipient.skipped, []);
          const message = await encryptText([recipient], PLAIN, "base64");
          assert.equal(gpg.decrypt(Buffer.from(message, "base64")), PLAIN);
        }
      }
    });

    it("accepts armored text with damaged whitespace", async () => {
      const { armored, fingerprint } = curve;
      const commented = armored.replace("-----\n\n", "-----\nVersion: GnuPG v2\nComment: made on a laptop\n\n");
      const bent: Record<string, string | Uint8Array> = {
        "CR LF": armored.replaceAll("\n", "\r\n"),
        "literal \\n": armored.replaceAll("\n", "\\n"),
        "literal \\r\\n": armored.replaceAll("\n", "\\r\\n"),
        "literal \\n and a real one at the end": `${armored.replaceAll("\n", "\\n")}\n`,
        "text around it": `Hello,\nhere is my key:\n\n${armored}\nBye\n-- \nBob`,
        "a mail that quotes it": `Bob wrote:\n${armored.replace(/^/gm, "> ")}\nThanks`,
        "a quote of a quote": armored.replace(/^/gm, ">> ").replaceAll(">> \n", ">>\n"),
        "a signed text": gpg.run(["--clearsign"], { input: `My key:\n\n${armored}` }).stdout.toString(),
        "a signed text as one line": gpg
          .run(["--clearsign"], { input: armored })
          .stdout.toString()
          .replaceAll("\n", "\\n"),
        "no line end before the checksum": commented.replace(/\n(=.{4}\n)/, "$1"),
        "a header whose name has a space": armored.replace("-----\n\n", "-----\nKey ID: 1234\n\n"),
        "an indent": armored.replaceAll("\n", "\n    "),
        "blanks instead of line ends": armored.replaceAll("\n", " "),
        "blanks, with headers": commented.replaceAll("\n", " "),
        headers: commented,
        "no empty line": armored.replace("-----\n\n", "-----\n"),
        "no checksum": armored.replace(/^=.{4}\n/m, ""),
        "no line end at the end": armored.trim(),
        "a byte order mark": `\ufeff${armored}`,
        "UTF-16 as a shell writes it": Buffer.from(`\ufeff${armored}`, "utf16le"),
        "base64 with literal \\n": base64(armored.replaceAll("\n", "\\n")),
        "the same key twice": `${armored}\n${armored}`,
      };
      for (const [name, form] of Object.entries(bent)) {
        const recipient = await one(form).catch((error: unknown) => assert.fail(`${name}: ${String(error)}`));
        assert.equal(recipient.fingerprint, fingerprint, name);
      }
    });

    it("honors a revocation that only a second copy of the key has", async () => {
      const name = gpg.quick("Twice <twice@example.org>", "ed25519", "sign");
      gpg.addSubkey(name, "cv25519", "encr");
      const before = gpg.exported(name).armored;
      revoke(gpg, name, 3, "moved on");
      const after = gpg.exported(name).armored;
      assert.equal((await refusal(before + after)).code, "pgp-key-revoked");
      assert.equal((await refusal(after + before)).code, "pgp-key-revoked");
    });

    it("lets signals and timers have their turn between keys", async () => {
      const keys = await Promise.all(Array.from({ length: 20 }, newPrimaryKey));
      let turns = 0;
      let next = setImmediate(function count() {
        turns++;
        next = setImmediate(count);
      });
      await inspectKeys(Buffer.concat(keys), ORIGIN, new Date());
      clearImmediate(next);
      assert.ok(turns >= keys.length, `${turns} turns`);
    });

    it("accepts many signatures of others and many copies, but not a key of too many parts", async () => {
      const few = await inspectKeys(copiesWithUserIds(await newPrimaryKey(), 400), ORIGIN, new Date());
      assert.deepEqual(
        few.map(({ userIds }) => userIds.length),
        [400],
      );
      const problem = await refusal(copiesWithUserIds(await newPrimaryKey(), 600));
      assert.equal(problem.code, "pgp-key-unsupported");
      assert.match(
        problem.message,
        /^Cannot use the key [0-9A-F]{40} from --pgp-key: it has more than 500 parts and signatures$/,
      );
      assert.match(problem.hint ?? "", /export-minimal/);
    });

    it("says what was passed instead of a key", async () => {
      const signature = gpg.run(["--armor", "--detach-sign"], { input: "text" }).stdout.toString();
      const clear = gpg.run(["--clearsign"], { input: "text" }).stdout.toString();
      const trust = ["--trust-model", "always", "--recipient", curve.fingerprint];
      const message = gpg.run([...trust, "--armor", "--encrypt"], { input: "text" }).stdout.toString();
      const binaryMessage = gpg.run([...trust, "--encrypt"], { input: "text" }).stdout;
      const rows: readonly (readonly [string | Uint8Array, RegExp, RegExp])[] = [
        ["", /it is empty$/, /gpg --export/],
        [" \n", /it is empty$/, /gpg --export/],
        [new Uint8Array(), /it is empty$/, /gpg --export/],
        [signature, /this is a signature, not a key$/, /gpg --export/],
        [base64(signature), /this is a signature, not a key$/, /gpg --export/],
        [clear, /this is a signed message, not a key$/, /gpg --export/],
        [message, /this is a message, not a key$/, /gpg --export/],
        [binaryMessage, /this is an encrypted message, not a key$/, /gpg --export/],
        [base64(binaryMessage), /this is an encrypted message, not a key$/, /gpg --export/],
        ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI user@host", /this is an SSH key/, /gpg --export/],
        ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p", /this is an age recipient/, /gpg --export/],
        ["-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----", /this is a PEM key/, /gpg --export/],
        ["-----BEGIN CERTIFICATE-----\nMFkw\n-----END CERTIFICATE-----", /this is a PEM key/, /gpg --export/],
        [curve.fingerprint, /this is a fingerprint or a key ID/, /--pgp-fingerprint/],
        ["0xDEADBEEF", /this is a fingerprint or a key ID/, /--pgp-fingerprint/],
        ["BB25 7B48 1E7A 2BB6", /this is a fingerprint or a key ID/, /--pgp-fingerprint/],
        ["alice@example.org", /this is an email address/, /wkd:/],
        ["https://example.org/key.asc", /this is a URL/, /--pgp-key-url/],
        ["team.asc", /looks like a file name/, /@/],
        ["./keys/team", /looks like a file name/, /@/],
        ["<!doctype html><title>Sign in</title>", /this is a web page/, /URL of the key/],
        ["hello, world", /neither an armored OpenPGP key nor base64/, /gpg --export/],
        [base64("hello, world"), /base64 of something that is not OpenPGP/, /gpg --export/],
        [base64(new Uint8Array([0xee, 1, 2, 3])), /it is not OpenPGP data$/, /gpg --export/],
        [readFileSync(join(gpg.home, "pubring.kbx")), /this is a GnuPG keybox/, /gpg --export/],
        [curve.armored.slice(0, 300), /cut off: its END line is missing$/, /BEGIN to END/],
        [curve.binary.slice(0, -5), /damaged or cut off$/, /gpg --export/],
        [base64(curve.binary).slice(0, 200), /damaged or cut off$/, /gpg --export/],
        [curve.armored.replace("\n\n", "\n\n#!?\n"), /damaged: the part between/, /gpg --export/],
      ];
      for (const [material, message, hint] of rows) {
        const problem = await refusal(material);
        assert.equal(problem.code, "pgp-not-a-key", problem.message);
        assert.match(problem.message, message);
        assert.match(problem.message, /^Cannot read a key from --pgp-key: /);
        assert.match(problem.hint ?? "", hint);
      }
    });

    it("rejects key versions that can't be used for encryption", async () => {
      const old = Uint8Array.from(curve.binary);
      assert.equal(old[2], 4);
      old[2] = 3;
      const problem = await refusal(old);
      assert.equal(problem.code, "pgp-key-unsupported");
      assert.match(problem.message, /version 3$/);
    });
  });

  describe("rejected keys", () => {
    it("rejects a private key in each form, names it, and shows nothing of it", async () => {
      const secret = gpg.secret(rsa.fingerprint);
      const binary = gpg.run(["--export-secret-keys", rsa.fingerprint]).stdout;
      const subkeys = gpg.run(["--armor", "--export-secret-subkeys", rsa.fingerprint]).stdout.toString();
      for (const form of [secret, base64(secret), binary, base64(binary), subkeys, `${rsa.armored}\n${secret}`]) {
        const problem = await refusal(form);
        assert.equal(problem.code, "pgp-key-private");
        assert.match(
          problem.message,
          new RegExp(`^Cannot encrypt to ${rsa.fingerprint} "Alice RSA <alice@example.org>" `),
        );
        assert.match(problem.hint ?? "", new RegExp(`gpg --export --armor ${rsa.fingerprint}`));
        assert.match(problem.hint ?? "", /exposed/);
      }
    });

    it("rejects an expired key with its date and a way to extend it", async () => {
      const name = gpg.quick("Old <old@example.org>", "ed25519", "sign", "20200301T000000", "20200101T000000");
      gpg.addSubkey(name, "cv25519", "encr", "never", "20200101T000000");
      const key = gpg.exported(name).armored;
      const problem = await refusal(key);
      assert.equal(problem.code, "pgp-key-expired");
      assert.match(problem.message, /"Old <old@example.org>".* it expired on 2020-03-01T00:00:00Z$/);
      assert.match(problem.hint ?? "", new RegExp(`gpg --quick-set-expire ${name}`));
      const before = await one(key, new Date("2020-02-29T23:59:59Z"));
      assert.deepEqual(before.expires, new Date("2020-03-01T00:00:00Z"));
      assert.equal((await refusal(key, {}, new Date("2020-03-01T00:00:00Z"))).code, "pgp-key-expired");
    });

    it("rejects a revoked key with its date and its owner's reason", async () => {
      const name = gpg.quick("Gone <gone@example.org>", "ed25519", "sign", "never", "20210101T000000");
      gpg.addSubkey(name, "cv25519", "encr", "never", "20210101T000000");
      revoke(gpg, name, 2, "use the new one", "20220202T020202");
      const problem = await refusal(gpg.exported(name).armored);
      assert.equal(problem.code, "pgp-key-revoked");
      assert.match(problem.message, /it was revoked on 2022-02-02T02:02:02Z \(it was superseded, "use the new one"\)$/);
    });

    it("rejects a key without an encryption subkey", async () => {
      const name = gpg.quick("Signer <signer@example.org>", "ed25519", "sign");
      const alone = await refusal(gpg.exported(name).binary);
      assert.equal(alone.code, "pgp-key-sign-only");
      assert.match(alone.message, /it is for certifying and signing only, and it has no subkey for encryption$/);
      const subkey = gpg.addSubkey(name, "ed25519", "auth");
      const problem = await refusal(gpg.exported(name).binary);
      assert.equal(problem.code, "pgp-key-sign-only");
      assert.match(problem.hint ?? "", new RegExp(`gpg --quick-add-key ${name}`));
      assert.deepEqual(problem.details, [`Subkey ${subkey} (EdDSA Ed25519): it is for authentication only`]);
    });

    it("rejects weak keys, also if only the primary key is weak", async () => {
      const short = gpg.quick("Short <short@example.org>", "rsa1024", "sign,encr");
      assert.match((await weak(short)).message, /RSA 1024 is too weak, at least 2048 bits are required$/);
      gpg.addSubkey(short, "cv25519", "encr");
      assert.match((await weak(short)).message, /RSA 1024 is too weak, at least 2048 bits are required$/);
      const weakSubkey = gpg.quick("Mixed <mixed@example.org>", "ed25519", "sign");
      const subkey = gpg.addSubkey(weakSubkey, "rsa1024", "encr");
      assert.match(
        (await weak(weakSubkey)).message,
        new RegExp(`its subkey ${subkey} cannot be used: RSA 1024 is too weak`),
      );
      const dsa = gpg.generate([
        "Key-Type: DSA",
        "Key-Length: 2048",
        "Subkey-Type: ELG-E",
        "Subkey-Length: 1024",
        "Name-Email: dsa@example.org",
        "Expire-Date: 0",
      ]);
      assert.match((await weak(dsa)).message, /DSA 2048 is too weak$/);
      gpg.addSubkey(dsa, "rsa2048", "encr");
      assert.match((await weak(dsa)).message, /DSA 2048 is too weak$/);
    });

    async function weak(name: string): Promise<Problem> {
      const problem = await refusal(gpg.exported(name).armored);
      assert.equal(problem.code, "pgp-key-weak");
      return problem;
    }

    it("rejects a key from the future, with a hint about the clock", async () => {
      const name = gpg.quick("Marty <marty@example.org>", "ed25519", "sign", "never", "20400101T000000");
      gpg.addSubkey(name, "cv25519", "encr", "never", "20400101T000000");
      const key = gpg.run(["--faked-system-time", "20400102T000000", "--armor", "--export", name]).stdout.toString();
      const problem = await refusal(key, {}, new Date("2026-05-05T05:05:05Z"));
      assert.equal(problem.code, "pgp-key-not-yet-valid");
      assert.match(problem.message, /valid from 2040-01-01T00:00:00Z, .*its clock says 2026-05-05T05:05:05Z\)$/);
      assert.match(problem.hint ?? "", /clock/);
      assert.equal((await one(key, new Date("2040-01-02T00:00:00Z"))).fingerprint, name);
    });

    it("rejects a key whose self-signature was changed or removed", async () => {
      const changed = Buffer.from(curve.binary);
      const at = changed.indexOf("bob@example.org");
      assert.ok(at > 0);
      changed.write("eve@example.org", at);
      const problem = await refusal(changed);
      assert.equal(problem.code, "pgp-key-invalid");
      assert.match(problem.message, /its self-signatures are not valid/);
    });

    it("rejects a key without a user ID, as a key server may publish it", async () => {
      const packets = readPackets(curve.binary).packets.flatMap(({ tag, body, whole }) =>
        tag === PACKET_TYPE.userId || (tag === PACKET_TYPE.signature && body[1] === 0x13) ? [] : [whole],
      );
      const problem = await refusal(Buffer.concat(packets));
      assert.equal(problem.code, "pgp-key-no-user-id");
      assert.match(
        problem.message,
        /: it has no user ID; keys\.openpgp\.org leaves out addresses that were not confirmed$/,
      );
      assert.match(problem.hint ?? "", new RegExp(`ask its owner .*: gpg --export --armor ${curve.fingerprint}$`));
    });

    it("escapes names from outside in messages", async () => {
      const { publicKey } = await openpgp.generateKey({
        userIDs: [{ name: "Eve\u001b[2J\nOAuth 2.0 Client Secret: x", email: "eve@example.org" }],
        date: new Date("2020-01-01T00:00:00Z"),
        keyExpirationTime: 60,
      });
      const problem = await refusal(publicKey);
      assert.equal(problem.code, "pgp-key-expired");
      assert.match(problem.message, /Eve\\x1b\[2J\\nOAuth/);
    });
  });

  describe("the selected subkey", () => {
    it("is a valid one among expired, revoked, signing and weak ones, which are reported", async () => {
      const name = gpg.quick("Many <many@example.org>", "ed25519", "sign", "never", "20200101T000000");
      const expired = gpg.addSubkey(name, "cv25519", "encr", "20200301T000000", "20200101T000000");
      const good = gpg.addSubkey(name, "cv25519", "encr", "never", "20210101T000000");
      const signing = gpg.addSubkey(name, "ed25519", "sign", "never", "20210601T000000");
      const weak = gpg.addSubkey(name, "rsa1024", "encr", "never", "20220101T000000");
      const revoked = gpg.addSubkey(name, "cv25519", "encr", "never", "20230101T000000");
      revokeSubkey(gpg, name, 5);
      const recipient = await one(gpg.exported(name).armored);
      assert.equal(recipient.encryptsTo.fingerprint, good);
      const reasons = new Map(recipient.skipped.map(({ fingerprint, reason }) => [fingerprint, reason]));
      assert.equal(reasons.size, 4);
      assert.equal(reasons.get(expired), "it expired on 2020-03-01T00:00:00Z");
      assert.equal(reasons.get(signing), "it is for signing only");
      assert.match(reasons.get(weak) ?? "", /^RSA 1024 is too weak/);
      assert.match(reasons.get(revoked) ?? "", /^it was revoked on .*\(it was retired, "rotated"\)$/);
      const message = await encryptText([recipient], PLAIN, "base64");
      assert.equal(gpg.decrypt(Buffer.from(message, "base64")), PLAIN);
      assert.match(packets(gpg, message), new RegExp(`keyid ${good.slice(-16)}`));
    });

    it("is the newest of several valid ones", async () => {
      const name = gpg.quick("Rotating <rotating@example.org>", "ed25519", "sign", "never", "20200101T000000");
      const first = gpg.addSubkey(name, "cv25519", "encr", "never", "20200101T000000");
      const second = gpg.addSubkey(name, "cv25519", "encr", "never", "20220101T000000");
      const recipient = await one(gpg.exported(name).armored);
      assert.equal(recipient.encryptsTo.fingerprint, second);
      assert.deepEqual(recipient.skipped, [
        { fingerprint: first, algorithm: "ECDH Curve25519", reason: "a newer one is used" },
      ]);
    });

    it("may be the primary key if it is meant for encryption", async () => {
      const name = gpg.quick("Single <single@example.org>", "rsa2048", "sign,encr");
      const recipient = await one(gpg.exported(name).armored);
      assert.deepEqual(recipient.encryptsTo, { fingerprint: name, algorithm: "RSA 2048" });
      assert.equal(gpg.decrypt(Buffer.from(await encryptText([recipient], PLAIN, "base64"), "base64")), PLAIN);
    });

    it("has its reason reported if it is the only one and can't be used", async () => {
      const name = gpg.quick("Lapsed <lapsed@example.org>", "ed25519", "sign", "never", "20200101T000000");
      const subkey = gpg.addSubkey(name, "cv25519", "encr", "20200301T000000", "20200101T000000");
      const expired = await refusal(gpg.exported(name).armored);
      assert.equal(expired.code, "pgp-key-expired");
      assert.match(
        expired.message,
        new RegExp(`its subkey ${subkey} cannot be used: it expired on 2020-03-01T00:00:00Z$`),
      );
      revokeSubkey(gpg, name, 1);
      const revoked = await refusal(gpg.exported(name).armored);
      assert.equal(revoked.code, "pgp-key-revoked");
      assert.match(revoked.details.join(), new RegExp(`^Subkey ${subkey} \\(ECDH Curve25519\\): it was revoked on `));
    });

    it("isn't used if only signed with SHA-1, and the hint fixes that", async () => {
      const sha1 = ["--cert-digest-algo", "SHA1", "--allow-weak-key-signatures"];
      const made = gpg.run([
        ...sha1,
        "--status-fd",
        "1",
        "--quick-gen-key",
        "Old <old@example.org>",
        "ed25519",
        "sign",
      ]);
      const [, name = ""] = /KEY_CREATED [PBS] ([0-9A-F]{40})/.exec(made.stdout.toString()) ?? [];
      gpg.run([...sha1, "--quick-add-key", name, "cv25519", "encr"]);
      const both = await refusal(gpg.exported(name).binary);
      assert.equal(both.code, "pgp-key-sha1");
      assert.match(both.message, /it is only signed with SHA-1, and such signatures can be forged$/);
      const [commands = "", ...others] = /gpg --cert.*$/.exec(both.hint ?? "") ?? [];
      assert.deepEqual(others, []);
      const [primary = "", subkeys = "", ...more] = commands.split(" && ");
      assert.deepEqual(more, []);
      const arguments_ = (line: string): readonly string[] => line.replaceAll("'", "").split(" ").slice(1);
      gpg.run(arguments_(primary));
      // Only the primary key is signed anew: the binding of the subkey can still be forged.
      const half = await refusal(gpg.exported(name).binary);
      assert.equal(half.code, "pgp-key-sha1");
      assert.match(half.message, /its subkey [0-9A-F]{40} cannot be used: it is only signed with SHA-1/);
      gpg.run(arguments_(subkeys));
      assert.equal((await one(gpg.exported(name).binary)).fingerprint, name);
    });

    it("is also revoked by a SHA-1 signature", async () => {
      for (const algorithm of ["future-default", "rsa2048"]) {
        const name = gpg.quick(`Gone ${algorithm} <gone@example.org>`, algorithm);
        if (algorithm === "rsa2048") gpg.addSubkey(name, "rsa2048", "encr");
        const good = gpg.exported(name).binary;
        assert.equal((await one(good)).fingerprint, name);
        const asked = ["--no-batch", "--cert-digest-algo", "SHA1", "--command-fd", "0", "--gen-revoke", name];
        const certificate = gpg.run(asked, { input: "y\n0\n\ny\n" }).stdout;
        gpg.run(["--import"], { input: certificate });
        const revoked = gpg.exported(name).binary;
        const revocation = readPackets(revoked).packets.find(
          ({ tag, body }) => tag === PACKET_TYPE.signature && body[1] === 0x20,
        );
        assert.equal(revocation?.body[3], 2, "it is over SHA-1");
        assert.equal((await refusal(revoked)).code, "pgp-key-revoked");
      }
    });

    it("is not a subkey that its owner revoked by a SHA-1 signature", async () => {
      for (const algorithm of ["future-default", "rsa2048"]) {
        const name = gpg.quick(`Part ${algorithm} <part@example.org>`, algorithm);
        if (algorithm === "rsa2048") gpg.addSubkey(name, "rsa2048", "encr");
        const [, first = ""] = gpg.fingerprints(name);
        assert.equal((await one(gpg.exported(name).binary)).encryptsTo?.fingerprint ?? first, first);
        const edit = ["--no-batch", "--cert-digest-algo", "SHA1", "--command-fd", "0", "--edit-key", name];
        gpg.run(edit, { input: "key 1\nrevkey\ny\n1\n\ny\nsave\n" });
        const revoked = gpg.exported(name).binary;
        const revocation = readPackets(revoked).packets.find(
          ({ tag, body }) => tag === PACKET_TYPE.signature && body[1] === 0x28,
        );
        assert.equal(revocation?.body[3], 2, "it is over SHA-1");
        assert.equal((await refusal(revoked)).code, "pgp-key-revoked");
        gpg.addSubkey(name, algorithm === "rsa2048" ? "rsa2048" : "cv25519", "encr");
        const [, , second = ""] = gpg.fingerprints(name);
        const key = await one(gpg.exported(name).binary);
        assert.equal(key.encryptsTo?.fingerprint ?? second, second);
      }
    });

    describe("is not used after a revocation that can't be verified", () => {
      const HASHES = { md5: 1, sha1: 2, ripemd160: 3, sha224: 11, unknown: 99 };

      /** The packets of a key with another one after its first packet of a type. */
      function withPacket(key: Uint8Array, tag: number, added: Uint8Array): Uint8Array {
        const { packets } = readPackets(key);
        const at = packets.findIndex((one) => one.tag === tag) + 1;
        assert.ok(at > 0);
        return Buffer.concat([
          ...packets.slice(0, at).map(({ whole }) => whole),
          added,
          ...packets.slice(at).map(({ whole }) => whole),
        ]);
      }

      /** Revocations of curve's primary key or subkey, named by what can't be verified. */
      function revocations(type: number): ReadonlyMap<string, Uint8Array> {
        const keyId = Buffer.from(curve.fingerprint.slice(-16), "hex");
        const made = { type, keyId, algorithm: 22 };
        const { body = new Uint8Array() } = readPackets(madeUpSignature(made)).packets[0] ?? {};
        return new Map([
          [
            "version 3",
            packet(PACKET_TYPE.signature, [3, 5, type, 0x60, 0, 0, 0, ...keyId, 22, 8, 0, 0, 0, 8, 0x80, 0, 8, 0x80]),
          ],
          ["malformed", packet(PACKET_TYPE.signature, body.slice(0, -3))],
          ["unknown hash", madeUpSignature({ ...made, hash: HASHES.unknown })],
        ]);
      }

      /** The primary key or the subkey of curve, revoked by its owner with a weak or unknown signature. */
      async function revokedByOwner(
        type: openpgp.enums.signature,
        change: (signature: openpgp.SignaturePacket) => void,
      ): Promise<Uint8Array> {
        const secret = await openpgp.readPrivateKey({ armoredKey: gpg.secret(curve.fingerprint) });
        const signature = new openpgp.SignaturePacket();
        signature.signatureType = type;
        signature.publicKeyAlgorithm = secret.keyPacket.algorithm;
        signature.hashAlgorithm = openpgp.enums.hash.sha256;
        signature.reasonForRevocationFlag = openpgp.enums.reasonForRevocation.keyCompromised;
        change(signature);
        const [subkey] = secret.subkeys;
        const data = { key: secret.keyPacket, bind: subkey?.keyPacket };
        // Its types lack the last parameter.
        await Reflect.apply(signature.sign, signature, [secret.keyPacket, data, new Date(), false, openpgp.config]);
        const { keyRevocation } = openpgp.enums.signature;
        const part = type === keyRevocation ? PACKET_TYPE.publicKey : PACKET_TYPE.publicSubkey;
        return withPacket(curve.binary, part, packet(PACKET_TYPE.signature, signature.write()));
      }

      const PARTS = [
        [0x20, PACKET_TYPE.publicKey],
        [0x28, PACKET_TYPE.publicSubkey],
      ] as const;

      it("because of its version, its form or its hash algorithm", async () => {
        for (const [type, part] of PARTS) {
          for (const [name, revocation] of revocations(type)) {
            const problem = await refusal(withPacket(curve.binary, part, revocation));
            assert.equal(problem.code, "pgp-key-revoked", `${name}: ${problem.message}`);
            assert.match(problem.message, /seems to be revoked, by a signature that cannot be verified$/);
          }
        }
      });

      it("because of something critical that is unknown", async () => {
        const { keyRevocation, subkeyRevocation } = openpgp.enums.signature;
        for (const type of [keyRevocation, subkeyRevocation]) {
          const plain = await revokedByOwner(type, () => {});
          assert.equal((await refusal(plain)).code, "pgp-key-revoked");
          const notation = {
            name: "unknown@example.org",
            value: new Uint8Array(),
            humanReadable: false,
            critical: true,
          };
          const strange = await revokedByOwner(type, (signature) => signature.rawNotations.push(notation));
          const problem = await refusal(strange);
          assert.equal(problem.code, "pgp-key-revoked");
          assert.match(problem.message, /cannot be verified$/);
        }
      });

      it("but is used if the revocation is of another key or certainly forged", async () => {
        for (const [type, part] of PARTS) {
          const own = Buffer.from(curve.fingerprint.slice(-16), "hex");
          for (const forged of [
            madeUpSignature({ type, keyId: own, algorithm: 22 }),
            madeUpSignature({ type, keyId: own, algorithm: 22, hash: HASHES.sha1 }),
            madeUpSignature({ type, keyId: Buffer.alloc(8, 1), algorithm: 22, hash: HASHES.md5 }),
            madeUpSignature({ type, keyId: Buffer.alloc(8, 1), hash: HASHES.unknown }),
          ])
            assert.equal((await one(withPacket(curve.binary, part, forged))).fingerprint, curve.fingerprint);
        }
      });
    });

    it("is never one with an unknown algorithm, which is reported", async () => {
      const unknown = Buffer.from(curve.binary);
      const [, subkey = ""] = gpg.fingerprints(curve.fingerprint);
      const at = unknown.lastIndexOf(Buffer.from([18, 10, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01]));
      assert.ok(at > 0, `the algorithm of ${subkey} is found`);
      unknown[at] = 99;
      const problem = await refusal(unknown);
      assert.equal(problem.code, "pgp-key-unsupported");
      assert.match(problem.message, /cannot be used: algorithm 99 is not supported$/);
      assert.match(problem.details.join(), /^Subkey [0-9A-F]{40} \(algorithm 99\): algorithm 99 is not supported$/);
    });
  });

  describe("several keys", () => {
    it("are listed instead of guessing which one to use", async () => {
      for (const form of [rsa.armored + curve.armored, Buffer.concat([rsa.binary, curve.binary])]) {
        const problem = await refusal(form);
        assert.equal(problem.code, "pgp-several-keys");
        assert.match(problem.message, /among the 2 keys from --pgp-key$/);
        assert.deepEqual(problem.details, [
          `Found: ${rsa.fingerprint} "Alice RSA <alice@example.org>"`,
          `Found: ${curve.fingerprint} "Bob Curve <bob@example.org>"`,
        ]);
        assert.match(problem.hint ?? "", new RegExp(`--pgp-fingerprint ${rsa.fingerprint}`));
      }
    });

    it("are reduced to the pinned ones", async () => {
      const file = rsa.armored + curve.armored + nist.armored;
      const second = await one(file, new Date(), { pins: [curve.fingerprint.toLowerCase()] });
      assert.equal(second.fingerprint, curve.fingerprint);
      const [, subkey = ""] = gpg.fingerprints(nist.fingerprint);
      const pins = [`0x${rsa.fingerprint}`, subkey];
      const both = await parseRecipients(file, ORIGIN, new Date(), { pins });
      assert.deepEqual(
        both.map(({ fingerprint }) => fingerprint),
        [rsa.fingerprint, nist.fingerprint],
      );
      requirePinnedFingerprints(both, pins);
    });

    it("are rejected if none is pinned", async () => {
      const one = await refusal(curve.armored, { pins: [rsa.fingerprint] });
      assert.equal(one.code, "pgp-fingerprint-mismatch");
      assert.match(one.message, new RegExp(`^Cannot encrypt to ${curve.fingerprint} .* is not ${rsa.fingerprint}$`));
      const many = await refusal(curve.armored + nist.armored, { pins: [rsa.fingerprint] });
      assert.equal(many.code, "pgp-fingerprint-mismatch");
      assert.equal(many.details.length, 2);
    });

    it("are reduced to the usable key with a valid user ID for an email address", async () => {
      const old = gpg.quick("Bob before <bob@example.org>", "ed25519", "sign", "20200301T000000", "20200101T000000");
      const file = gpg.exported(old).armored + curve.armored + nist.armored;
      const found = await one(file, new Date(), { address: "BOB@example.org" });
      assert.equal(found.fingerprint, curve.fingerprint);
      const stranger = await refusal(file, { address: "dave@example.org" });
      assert.equal(stranger.code, "pgp-address-mismatch");
      assert.equal(stranger.details.length, 3);
      const forged = Buffer.from(nist.binary);
      forged.write("zarol", forged.indexOf("carol@example.org"));
      assert.equal((await refusal(forged, { address: "zarol@example.org" })).code, "pgp-address-mismatch");
      assert.equal((await refusal(gpg.exported(old).armored, { address: "bob@example.org" })).code, "pgp-key-expired");
    });
  });

  describe("a key that can't be read", () => {
    /** Keys of version 3 and of an algorithm that nobody knows, and one whose numbers are cut off. */
    const strange = (): ReadonlyMap<string, Uint8Array> => {
      const [primary] = readPackets(curve.binary).packets;
      assert.ok(primary);
      return new Map([
        ["version 3", packet(PACKET_TYPE.publicKey, [3, 1, 1, 1, 1, 0, 0, 1, 0, 1, 0x80, 0])],
        ["algorithm 99 is not supported", packet(PACKET_TYPE.publicKey, [4, 1, 1, 1, 1, 99, 0])],
        ["it is damaged", packet(PACKET_TYPE.publicKey, primary.body.slice(0, -5))],
      ]);
    };

    it("doesn't keep a pin or an address from selecting another key", async () => {
      for (const [reason, bytes] of strange()) {
        for (const file of [Buffer.concat([bytes, rsa.binary]), Buffer.concat([rsa.binary, bytes])]) {
          assert.equal((await one(file, new Date(), { pins: [rsa.fingerprint] })).fingerprint, rsa.fingerprint);
          assert.equal((await one(file, new Date(), { address: "alice@example.org" })).fingerprint, rsa.fingerprint);
          const several = await refusal(file);
          assert.equal(several.code, "pgp-several-keys");
          assert.match(several.details.join("\n"), new RegExp(`^Found: .*Alice RSA.*\n.*${reason}`, "m"));
          const none = await refusal(file, { pins: [nist.fingerprint] });
          assert.equal(none.code, "pgp-fingerprint-mismatch");
          assert.match(none.message, /any of the 2 keys/);
        }
      }
    });

    it("is described next to the others", async () => {
      for (const [reason, bytes] of strange()) {
        const found = await inspectKeys(Buffer.concat([bytes, rsa.binary]), ORIGIN, new Date());
        assert.deepEqual(
          found.map(({ usable, userId }) => [usable, userId]),
          [
            [true, "Alice RSA <alice@example.org>"],
            [false, null],
          ],
        );
        assert.match(found[1]?.reason ?? "", new RegExp(reason));
        assert.match(found[1]?.hint ?? "", /gpg/);
      }
    });

    it("is named by its reason and its fingerprint if it is the only one or the pinned one", async () => {
      for (const [reason, bytes] of strange()) {
        const problem = await refusal(bytes);
        assert.match(problem.message, new RegExp(`^Cannot use the key ([0-9A-F]{40} )?from --pgp-key: .*${reason}`));
        assert.equal(problem.code, reason === "it is damaged" ? "pgp-key-damaged" : "pgp-key-unsupported");
        const [, fingerprint] = /key ([0-9A-F]{40}) from/.exec(problem.message) ?? [];
        assert.equal(fingerprint === undefined, reason === "version 3");
        if (fingerprint === undefined) continue;
        const pinned = await refusal(Buffer.concat([bytes, rsa.binary]), { pins: [fingerprint] });
        assert.equal(pinned.message, problem.message);
      }
    });
  });

  it("ignores a malformed signature that someone added to a key", async () => {
    const keyId = Buffer.from(curve.fingerprint.slice(-16), "hex");
    for (const issuer of [keyId, Buffer.alloc(8)]) {
      for (const cut of [1, 3, 20]) {
        const { body } = readPackets(madeUpSignature({ type: 0x10, keyId: issuer })).packets[0] ?? {};
        const malformed = packet(PACKET_TYPE.signature, body?.slice(0, -cut) ?? []);
        const packets = readPackets(curve.binary).packets.flatMap(({ tag, whole }) =>
          tag === PACKET_TYPE.userId ? [whole, malformed] : [whole],
        );
        assert.equal((await one(Buffer.concat(packets))).fingerprint, curve.fingerprint, `cut by ${cut}`);
      }
    }
  });

  describe("encryption", () => {
    it("creates one message that each of three recipients can decrypt", async () => {
      const recipients = await Promise.all([rsa, curve, nist].map((key) => one(key.armored)));
      const [first] = recipients;
      assert.ok(first);
      const message = await encryptText([...recipients, first], PLAIN, "base64");
      for (const { fingerprint } of recipients) {
        const alone = openGpg();
        try {
          alone.run(["--import"], { input: gpg.secret(fingerprint) });
          assert.equal(alone.decrypt(Buffer.from(message, "base64")), PLAIN);
        } finally {
          alone.close();
        }
      }
      assert.equal(packets(gpg, message).match(/pubkey enc packet/g)?.length, 3);
    });

    it("writes each format so that the documented command decrypts it", async () => {
      const recipient = await one(curve.armored);
      for (const format of ENCRYPTED_FORMATS) {
        const message = await encryptText([recipient], PLAIN, format);
        assert.ok(!message.includes(PLAIN));
        if (format === "armor") {
          assert.match(message, /^-----BEGIN PGP MESSAGE-----\n\n[^\r]*\n-----END PGP MESSAGE-----$/);
        } else {
          assert.match(message, /^[A-Za-z0-9+/]+=*$/, "one line of base64");
        }
        if (format === "base64-armor") {
          assert.match(Buffer.from(message, "base64").toString(), /^-----BEGIN PGP MESSAGE-----\n/);
        }
        const line = decryptTextCommand(format, message);
        const shell = spawnSync("sh", ["-c", line], { env: { ...process.env, GNUPGHOME: gpg.home } });
        assert.equal(shell.stdout.toString(), PLAIN, shell.stderr.toString());
        // A table and JSON show line breaks as \n.
        const escaped = decryptTextCommand(format, message.replaceAll("\n", "\\n"));
        const copied = spawnSync("sh", ["-c", escaped], { env: { ...process.env, GNUPGHOME: gpg.home } });
        assert.equal(copied.stdout.toString(), PLAIN, copied.stderr.toString());
      }
    });

    it("writes integrity-protected data of version 1 without a file name", async () => {
      const listed = packets(gpg, await encryptText([await one(rsa.armored)], PLAIN, "base64"));
      assert.match(listed, /:encrypted data packet:\n\tlength: \d+\n\tmdc_method: 2/);
      assert.match(listed, /mode b .*name=""/);
    });

    it("creates a message that GnuPG can decrypt even if the key advertises newer encryption", async () => {
      const { publicKey, privateKey } = await openpgp.generateKey({
        userIDs: [{ email: "aead@example.org" }],
        config: { aeadProtect: true },
      });
      const read = await openpgp.readKey({ armoredKey: publicKey });
      const { selfCertification } = await read.getPrimaryUser();
      assert.ok((selfCertification.features?.[0] ?? 0) & 8, "the key advertises SEIPD version 2");
      gpg.run(["--import"], { input: privateKey });
      const message = await encryptText([await one(publicKey)], PLAIN, "base64");
      assert.equal(gpg.decrypt(Buffer.from(message, "base64")), PLAIN);
    });

    it("supports version 6 keys, also together with a version 4 key", async () => {
      for (const aeadProtect of [false, true]) {
        const { publicKey, privateKey } = await openpgp.generateKey({
          userIDs: [{ name: "Vera", email: "vera@example.org" }],
          type: "curve25519",
          format: "object",
          config: { v6Keys: true, aeadProtect },
        });
        const recipient = await one(publicKey.armor());
        assert.match(recipient.fingerprint, /^[0-9A-F]{64}$/);
        assert.equal(recipient.algorithm, "Ed25519");
        assert.equal(recipient.encryptsTo.algorithm, "X25519");
        assert.equal(recipient.userId, "Vera <vera@example.org>");
        for (const format of ENCRYPTED_FORMATS) {
          const armored = await encryptText([recipient], PLAIN, format);
          assert.equal(await opened(armored, format, privateKey), PLAIN);
        }
        const alone = Buffer.from(await encryptText([recipient], PLAIN, "base64"), "base64");
        assert.equal(alone[2], aeadProtect ? 6 : 3, "the key's own preference counts");
        const mixed = await encryptText([recipient, await one(curve.armored)], PLAIN, "base64");
        assert.equal(gpg.decrypt(Buffer.from(mixed, "base64")), PLAIN);
        assert.equal(await opened(mixed, "base64", privateKey), PLAIN);
      }
    });

    async function opened(text: string, format: string, decryptionKeys: openpgp.PrivateKey): Promise<string> {
      const bytes = Uint8Array.from(Buffer.from(text, "base64"));
      const message =
        format === "base64"
          ? await openpgp.readMessage({ binaryMessage: bytes })
          : await openpgp.readMessage({ armoredMessage: format === "armor" ? text : Buffer.from(bytes).toString() });
      const { data } = await openpgp.decrypt({ message, decryptionKeys, format: "binary" });
      assert.ok(data instanceof Uint8Array);
      return Buffer.from(data).toString();
    }

    it("uses the time of the evaluation, and never repeats a message", async () => {
      const name = gpg.quick("Brief <brief@example.org>", "ed25519", "sign", "20200301T000000", "20200101T000000");
      gpg.addSubkey(name, "cv25519", "encr", "20200301T000000", "20200101T000000");
      const recipient = await one(gpg.exported(name).armored, new Date("2020-02-01T00:00:00Z"));
      const [first, second] = [
        await encryptText([recipient], PLAIN, "base64"),
        await encryptText([recipient], PLAIN, "base64"),
      ];
      assert.equal(gpg.decrypt(Buffer.from(first, "base64")), PLAIN);
      assert.notEqual(first, second);
    });

    it("never creates a message without a recipient", async () => {
      await assert.rejects(encryptText([], PLAIN, "base64"), { code: "no-recipient" });
    });
  });

  describe("inspection", () => {
    it("describes a valid key as plain JSON", async () => {
      const [, subkey = ""] = gpg.fingerprints(curve.fingerprint);
      const [found, ...others] = await inspectKeys(curve.armored, ORIGIN, new Date());
      assert.ok(found);
      assert.equal(others.length, 0);
      assert.deepEqual(JSON.parse(JSON.stringify(found)), found);
      const { created, subkeys, ...rest } = found;
      assert.match(created ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.deepEqual(rest, {
        origin: ORIGIN,
        fingerprint: curve.fingerprint,
        version: 4,
        algorithm: "EdDSA Ed25519",
        userId: "Bob Curve <bob@example.org>",
        userIds: [{ userId: "Bob Curve <bob@example.org>", valid: true }],
        expires: null,
        capabilities: ["certify", "sign"],
        usable: true,
        code: null,
        reason: null,
        hint: null,
        encryptsTo: subkey,
      });
      assert.deepEqual(subkeys, [
        {
          fingerprint: subkey,
          algorithm: "ECDH Curve25519",
          created,
          expires: null,
          capabilities: ["encrypt"],
          verdict: "used",
          code: null,
          reason: null,
        },
      ]);
    });

    it("describes unusable, private and several keys", async () => {
      const old = gpg.quick("Dated <dated@example.org>", "ed25519", "sign", "20200301T000000", "20200101T000000");
      const short = gpg.quick("Tiny <tiny@example.org>", "rsa1024", "sign,encr");
      const material = gpg.exported(old).armored + gpg.exported(short).armored + gpg.secret(nist.fingerprint);
      const found = await inspectKeys(material, ORIGIN, new Date());
      assert.deepEqual(
        found.map(({ fingerprint, usable, code, encryptsTo }) => ({ fingerprint, usable, code, encryptsTo })),
        [
          { fingerprint: old, usable: false, code: "pgp-key-expired", encryptsTo: null },
          { fingerprint: short, usable: false, code: "pgp-key-weak", encryptsTo: null },
          { fingerprint: nist.fingerprint, usable: false, code: "pgp-key-private", encryptsTo: null },
        ],
      );
      assert.ok(found.every(({ reason, hint }) => reason !== null && hint !== null));
      assert.equal(found[0]?.expires, "2020-03-01T00:00:00Z");
    });

    it("agrees with the selected recipient", async () => {
      for (const line of gpg
        .run(["--with-colons", "--list-keys"])
        .stdout.toString()
        .matchAll(/^pub:.*\nfpr:+(\w+):/gm)) {
        const { armored } = gpg.exported(line[1] ?? "");
        if (armored === "") continue;
        const [found] = await inspectKeys(armored, ORIGIN, new Date());
        const outcome = await parseRecipients(armored, ORIGIN, new Date()).catch((error: unknown) => error);
        assert.equal(found?.usable, Array.isArray(outcome), found?.fingerprint ?? "");
        if (outcome instanceof Problem) assert.equal(outcome.code, found?.code);
      }
    });
  });
});

/** Revokes a key as its owner does, with a reason (1 compromised, 2 superseded, 3 retired) and a comment. */
function revoke(gpg: Gpg, name: string, reason: number, comment: string, at?: string): void {
  const clock = at === undefined ? [] : ["--faked-system-time", `${at}!`];
  const input = `y\n${reason}\n${comment}\n\ny\n`;
  const made = gpg.run([...clock, "--no-batch", "--command-fd", "0", "--gen-revoke", name], { input });
  gpg.run(["--import"], { input: made.stdout });
}

/** Revokes one of a key's subkeys as retired. */
function revokeSubkey(gpg: Gpg, name: string, index: number): void {
  const input = `key ${index}\nrevkey\ny\n3\nrotated\n\ny\nsave\n`;
  gpg.run(["--no-batch", "--command-fd", "0", "--edit-key", name], { input });
}
