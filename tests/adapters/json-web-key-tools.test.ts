/** Keys that OpenSSL made, in every encoding. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { generateSigningKey, parseKeyFile, thumbprintOf, toPem } from "../../lib/adapters/json-web-key-tools.ts";
import { type JsonWebKey, publicPart } from "../../lib/core/jwk/json-web-key.ts";
import { hasPrivateMembers } from "../../lib/core/jwk/jwk-members.ts";
import { keyTypeAndCurveFor } from "../../lib/core/jwk/key-algorithms.ts";
import { Problem } from "../../lib/core/problem.ts";

const folder = mkdtempSync(join(tmpdir(), "hydra-keys-"));

after(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);

function openssl(line: string): void {
  execFileSync("openssl", line.split(" "), { cwd: folder, stdio: "pipe" });
}

const PASSPHRASE = "correct horse";

function read(name: string, passphrase: () => Promise<string> = () => assert.fail("a passphrase is asked for")) {
  return parseKeyFile({ bytes: readFileSync(at(name)), name, passphrase });
}

async function readOne(name: string): Promise<JsonWebKey> {
  const [key, ...others] = await read(name);
  assert.ok(key !== undefined && others.length === 0, name);
  return key;
}

function fails(code: string, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Problem, String(error));
    assert.equal(error.code, code);
    assert.equal(error.exit, "usage");
    assert.match(`${error.message} ${error.hint}`, text);
    return true;
  };
}

/** The private encodings of a key, as OpenSSL writes them, and its public ones. */
const ALGORITHMS = [
  { name: "rsa", make: "genrsa -traditional -out rsa.pem 2048", traditional: "rsa" },
  { name: "p256", make: "ecparam -name prime256v1 -genkey -out p256.pem", traditional: "ec" },
  { name: "p384", make: "ecparam -name secp384r1 -genkey -out p384.pem", traditional: "ec" },
  { name: "p521", make: "ecparam -name secp521r1 -genkey -noout -out p521.pem", traditional: "ec" },
  { name: "ed", make: "genpkey -algorithm ed25519 -out ed.pem", traditional: undefined },
] as const;

for (const { name, make, traditional } of ALGORITHMS) {
  describe(`a key of ${name}`, () => {
    openssl(make);
    openssl(`pkcs8 -topk8 -nocrypt -in ${name}.pem -out ${name}.p8.pem`);
    openssl(`pkcs8 -topk8 -nocrypt -in ${name}.pem -outform DER -out ${name}.p8.der`);
    openssl(`pkey -in ${name}.pem -pubout -out ${name}.pub.pem`);
    openssl(`pkey -in ${name}.pem -pubout -outform DER -out ${name}.pub.der`);
    openssl(`req -x509 -new -key ${name}.pem -subj /CN=test -days 2 -out ${name}.crt.pem`);
    openssl(`x509 -in ${name}.crt.pem -outform DER -out ${name}.crt.der`);
    if (traditional !== undefined) openssl(`${traditional} -in ${name}.pem -outform DER -out ${name}.der`);
    if (name === "rsa") openssl("rsa -in rsa.pem -RSAPublicKey_out -out rsa.pkcs1.pub.pem");
    const own = traditional === undefined ? [] : [`${name}.der`];

    test("is the same in every private encoding", async () => {
      const key = await readOne(`${name}.pem`);
      assert.ok(hasPrivateMembers(key));
      for (const file of [`${name}.p8.pem`, `${name}.p8.der`, ...own]) assert.deepEqual(await readOne(file), key, file);
    });

    test("is the same in every public encoding, with the same thumbprint", async () => {
      const key = await readOne(`${name}.pem`);
      const more = name === "rsa" ? ["rsa.pkcs1.pub.pem"] : [];
      for (const file of [`${name}.pub.pem`, `${name}.pub.der`, `${name}.crt.pem`, `${name}.crt.der`, ...more]) {
        const open = await readOne(file);
        assert.ok(!hasPrivateMembers(open), file);
        assert.deepEqual(open, publicPart(key), file);
        assert.equal(thumbprintOf(open), thumbprintOf(key));
      }
    });

    test("is written as OpenSSL reads it", async () => {
      const key = await readOne(`${name}.pem`);
      assert.equal(toPem(key), readFileSync(at(`${name}.p8.pem`), "utf8"));
      assert.equal(toPem(publicPart(key)), readFileSync(at(`${name}.pub.pem`), "utf8"));
    });

    test("is decrypted with its passphrase only", async () => {
      writeFileSync(at("pass"), PASSPHRASE);
      openssl(`pkcs8 -topk8 -in ${name}.pem -passout file:pass -out ${name}.enc.pem`);
      openssl(`pkcs8 -topk8 -in ${name}.pem -passout file:pass -outform DER -out ${name}.enc.der`);
      const key = await readOne(`${name}.pem`);
      for (const file of [`${name}.enc.pem`, `${name}.enc.der`]) {
        assert.deepEqual(await read(file, async () => PASSPHRASE), [key], file);
        await assert.rejects(
          read(file, async () => "wrong"),
          fails("bad-passphrase", /passphrase/),
        );
      }
    });
  });
}

test("a traditional PEM file can be encrypted too", async () => {
  writeFileSync(at("pass"), PASSPHRASE);
  openssl("rsa -in rsa.pem -aes256 -traditional -passout file:pass -out rsa.enc1.pem");
  assert.match(readFileSync(at("rsa.enc1.pem"), "utf8"), /Proc-Type: 4,ENCRYPTED/);
  assert.deepEqual(await read("rsa.enc1.pem", async () => PASSPHRASE), [await readOne("rsa.pem")]);
});

test("several PEM blocks are several keys, in their order", async () => {
  const names = ["ed.pem", "rsa.crt.pem", "p256.pem"];
  writeFileSync(at("all.pem"), names.map((name) => `# ${name}\n${readFileSync(at(name), "utf8")}`).join("\n"));
  assert.deepEqual(await read("all.pem"), await Promise.all(names.map(readOne)));
});

test("what other tools must convert first is rejected with the command for it", async () => {
  /** Types the command of a hint, with an empty passphrase, and reads the file that it names. */
  async function convert(name: string): Promise<JsonWebKey> {
    const problem = await read(name).then(
      () => assert.fail(`${name} can be read`),
      (error: unknown) => error,
    );
    assert.ok(problem instanceof Problem && problem.code === "bad-key", String(problem));
    const [, command = ""] = /^convert (?:it|a copy of it): (.*)$/.exec(problem.hint ?? "") ?? [];
    execFileSync("sh", ["-c", command.replace("ssh-keygen -p", "ssh-keygen -q -p -P '' -N ''")], { cwd: folder });
    return readOne("key.pem");
  }
  for (const type of ["rsa", "ecdsa"]) {
    const name = `an ${type} key`;
    execFileSync("ssh-keygen", ["-q", "-t", type, ...(type === "rsa" ? ["-b", "2048"] : []), "-N", "", "-f", at(name)]);
    const original = readFileSync(at(name), "utf8");
    writeFileSync(at("ssh2"), execFileSync("ssh-keygen", ["-e", "-f", `${at(name)}.pub`]));
    const key = await convert(name);
    assert.ok(hasPrivateMembers(key));
    assert.equal(readFileSync(at(name), "utf8"), original);
    assert.deepEqual(await convert(`${name}.pub`), publicPart(key));
    assert.deepEqual(await convert("ssh2"), publicPart(key));
  }
});

test("an Ed25519 key of OpenSSH is rejected without a command that would fail", async () => {
  for (const passphrase of ["", "of the key"]) {
    rmSync(at("ssh"), { force: true });
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", passphrase, "-f", at("ssh")]);
    await assert.rejects(read("ssh"), fails("bad-key", /openssl genpkey -algorithm ed25519 -out key\.pem$/));
  }
  writeFileSync(at("ssh2"), execFileSync("ssh-keygen", ["-e", "-f", at("ssh.pub")]));
  for (const name of ["ssh.pub", "ssh2"])
    await assert.rejects(read(name), fails("bad-key", /does not convert keys of its type: give the key in PEM/));
});

/** A key on a curve that no server takes. */
function otherCurve(name: string): string {
  const make = name === "secp256k1" ? `ecparam -name ${name} -genkey -noout` : `genpkey -algorithm ${name}`;
  openssl(`${make} -out other.pem`);
  return readFileSync(at("other.pem"), "utf8");
}

test("input that is not a key is rejected, and no message shows any of it", async () => {
  openssl("genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out pss.pem");
  const pem = readFileSync(at("rsa.p8.pem"), "utf8");
  const wrong = [
    readFileSync(at("pss.pem"), "utf8"),
    pem.replace("-----END PRIVATE KEY-----", ""),
    pem.replace(/A/, "B").replaceAll("M", "N"),
    JSON.stringify({ ...(await readOne("rsa.pem")), n: "AQAB", d: "c2VjcmV0LXBhcnQ" }),
    JSON.stringify({ ...(await readOne("p256.pem")), d: (await readOne("p384.pem"))["d"] }),
    JSON.stringify({ ...(await readOne("ed.pem")), d: "c2VjcmV0LXBhcnQtb2YtYS1rZXktb2YtMzItYnl0ZXM" }),
    ...["x25519", "x448", "ed448", "secp256k1"].map(otherCurve),
    JSON.stringify({ ...publicPart(await readOne("rsa.pem")), n: "!!" }),
    JSON.stringify({ ...publicPart(await readOne("rsa.pem")), n: "AA" }),
    JSON.stringify({ ...publicPart(await readOne("rsa.pem")), n: "" }),
    JSON.stringify({ kty: "OKP", crv: "X25519", x: "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo" }),
    "secret-looking text",
    "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n",
    "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
  ];
  for (const text of wrong) {
    writeFileSync(at("wrong"), text);
    await assert.rejects(read("wrong"), (error: unknown) => {
      assert.ok(error instanceof Problem && error.code === "bad-key", String(error));
      const shown = `${error.message} ${error.hint}`;
      assert.ok(!shown.includes("c2VjcmV0") && !shown.includes("secret-looking"), shown);
      for (const line of text.split("\n").filter((part) => part.length > 20 && !part.startsWith("-")))
        assert.ok(!shown.includes(line));
      return true;
    });
  }
});

test("the thumbprint is that of RFC 7638 and of RFC 8037", () => {
  // RFC 8037, appendix A.3.
  const key = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
  assert.equal(thumbprintOf(key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
});

test("generated keys fit their algorithm", async () => {
  // One kind of key for all algorithms of RSA: a key of 4096 bits takes a second.
  for (const alg of ["RS512", "PS256", "PS512"]) assert.deepEqual(keyTypeAndCurveFor(alg), keyTypeAndCurveFor("RS256"));
  for (const [alg, type] of [
    ["RS256", "RSA"],
    ["ES256", "P-256"],
    ["ES384", "P-384"],
    ["ES512", "P-521"],
    ["EdDSA", "Ed25519"],
  ] as const) {
    const key = await generateSigningKey(alg, "sig");
    assert.equal(key.crv ?? key.kty, type);
    assert.deepEqual([key.alg, key.use, key.kid], [alg, "sig", thumbprintOf(key)]);
    assert.ok(hasPrivateMembers(key));
  }
});
