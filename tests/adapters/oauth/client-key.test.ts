/** The private key that a client authenticates with: what can't be one is named. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import { toLibraryAuth } from "../../../lib/adapters/oauth/authentication.ts";
import { Problem } from "../../../lib/core/problem.ts";

const ENDPOINT = "http://127.0.0.1/oauth2/token";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const pem = (type: "pkcs1" | "pkcs8", more = {}): string =>
  privateKey.export({ format: "pem", type, ...more }).toString();

async function problemOf(text: string, algorithm?: string): Promise<Problem> {
  const key = { text, ...(algorithm === undefined ? {} : { algorithm }) };
  const problem = await toLibraryAuth({ method: "private_key_jwt", key }, ENDPOINT).then(
    () => assert.fail("it is accepted"),
    (error: unknown) => error,
  );
  assert.ok(problem instanceof Problem, String(problem));
  assert.equal(problem.exit, "usage");
  assert.ok(!/OPENSSL|routines|Passphrase/.test(`${problem.message} ${problem.hint}`), problem.message);
  return problem;
}

describe("the private key of a client", () => {
  test("is accepted in PEM and as a JSON Web Key", async () => {
    for (const text of [pem("pkcs1"), pem("pkcs8"), JSON.stringify(privateKey.export({ format: "jwk" }))])
      await toLibraryAuth({ method: "private_key_jwt", key: { text } }, ENDPOINT);
  });

  const encryption = { cipher: "aes-256-cbc", passphrase: "secret" };
  const openssl = (args: string, input: string): string =>
    execFileSync("openssl", args.split(" "), { input, stdio: "pipe" }).toString();
  const cases: readonly (readonly [what: string, text: string, message: RegExp, hint: RegExp])[] = [
    ["an encrypted key", pem("pkcs8", encryption), /it is encrypted$/, /openssl pkey -in FILE -out key\.pem/],
    ["a traditional encrypted key", pem("pkcs1", encryption), /it is encrypted$/, /openssl pkey/],
    ["a public key", publicKey.export({ format: "pem", type: "spki" }).toString(), /it is a public key$/, /private/],
    ["a public JSON Web Key", JSON.stringify(publicKey.export({ format: "jwk" })), /it is a public key$/, /private/],
    [
      "a certificate",
      openssl("req -x509 -new -key /dev/stdin -subj /CN=test -days 2", pem("pkcs8")),
      /it is a certificate$/,
      /private key of the certificate/,
    ],
    ["a key of OpenSSH", "ssh-rsa AAAA", /public key in the format of OpenSSH$/, /ssh-keygen -e -m PKCS8/],
    ["another text", "anything", /it is not a key$/, /a private key in PEM or a JSON Web Key/],
  ];
  for (const [what, text, message, hint] of cases)
    test(`is named where it is ${what}`, async () => {
      const problem = await problemOf(text);
      assert.match(problem.message, message);
      assert.match(problem.hint ?? "", hint);
    });

  test("must sign with the algorithm of the client, which is named", async () => {
    const problem = await problemOf(pem("pkcs8"), "ES256");
    assert.equal(problem.message, "Cannot use the client key: a key of type RSA doesn't sign with ES256");
    assert.equal(problem.hint, "give the private key of the client for ES256");
  });
});
