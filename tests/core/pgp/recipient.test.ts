import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { failedKeyDownloadProblem } from "../../../lib/core/pgp/key-download-checks.ts";
import {
  decryptAdvice,
  decryptTextCommand,
  parseFingerprintPin,
  type Recipient,
  recipientLine,
  requirePinnedFingerprints,
} from "../../../lib/core/pgp/recipient.ts";
import { Problem } from "../../../lib/core/problem.ts";

const A = "A".repeat(40);

const B = "B".repeat(40);

const C = "C".repeat(64);

const SUBKEY = "D".repeat(40);

function recipient(fingerprint: string, subkey = fingerprint): Recipient {
  return {
    fingerprint,
    algorithm: "EdDSA Ed25519",
    userId: "Alice\u001b <alice@example.org>",
    userIds: [],
    created: new Date(0),
    expires: undefined,
    origin: "--pgp-key @a.asc",
    encryptsTo: { fingerprint: subkey, algorithm: "ECDH Curve25519" },
    skipped: [],
    certificate: new Uint8Array(),
    judged: new Date(0),
  };
}

function refusal(run: () => unknown): Problem {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof Problem);
    return error;
  }
  return assert.fail("it passed");
}

describe("pinned fingerprints", () => {
  it("are read in every spelling that people copy", () => {
    const spellings = [
      A,
      A.toLowerCase(),
      `0x${A}`,
      `0X${A.toLowerCase()}`,
      A.replace(/(.{4})/g, "$1 "),
      A.replace(/(.{20})/, "$1  "),
    ];
    for (const spelling of spellings) assert.equal(parseFingerprintPin(spelling), A);
    assert.equal(parseFingerprintPin("ab:".repeat(20).slice(0, -1)), "AB".repeat(20));
    assert.equal(parseFingerprintPin(C.toLowerCase()), C);
  });

  it("must be whole: a key ID is rejected with the reason", () => {
    for (const id of ["DEADBEEF", "0xdeadbeef", "DEAD BEEF DEAD BEEF"]) {
      const problem = refusal(() => parseFingerprintPin(id));
      assert.equal(problem.code, "pgp-fingerprint-short");
      assert.equal(problem.exit, "usage");
      assert.match(
        problem.message,
        /--pgp-fingerprint .* is a key ID of (8|16) digits, .* anyone can create another key with the same ID$/,
      );
    }
    for (const wrong of ["", " ", "0x", A.slice(1), `${A}0`, "G".repeat(40), "alice@example.org", `${A},${B}`]) {
      assert.equal(refusal(() => parseFingerprintPin(wrong)).code, "pgp-fingerprint-invalid", wrong);
    }
  });

  it("pass if each key has one and each one has its key", () => {
    requirePinnedFingerprints([recipient(A)], []);
    requirePinnedFingerprints([], []);
    requirePinnedFingerprints([recipient(A), recipient(B)], [`0x${B.toLowerCase()}`, A, A]);
    requirePinnedFingerprints([recipient(A, SUBKEY)], [SUBKEY]);
    requirePinnedFingerprints([recipient(A, SUBKEY)], [SUBKEY, A]);
  });

  it("reject a key without one, and name all such keys", () => {
    const problem = refusal(() => requirePinnedFingerprints([recipient(A), recipient(B), recipient(C)], [A]));
    assert.equal(problem.code, "pgp-fingerprint-mismatch");
    assert.equal(problem.exit, "noUsableKey");
    assert.match(problem.message, new RegExp(`^Cannot encrypt to ${B} .*: its fingerprint is not ${A}$`));
    assert.deepEqual(problem.details, [`Not pinned either: ${recipientLine(recipient(C))}`]);
  });

  it("reject a fingerprint that no key has", () => {
    const problem = refusal(() => requirePinnedFingerprints([recipient(A)], [A, B]));
    assert.equal(problem.code, "pgp-fingerprint-unused");
    assert.match(problem.message, new RegExp(`${B}$`));
  });
});

it("shows a recipient without control characters", () => {
  const line = recipientLine(recipient(A));
  assert.equal(line, `${A} "Alice\\x1b <alice@example.org>" (ECDH Curve25519, --pgp-key @a.asc)`);
});

it("shows a command that decrypts the text, also for armored text", () => {
  assert.equal(decryptTextCommand("base64"), "printf '%s' 'ENCRYPTED' | base64 -d | gpg --decrypt");
  assert.match(decryptTextCommand("armor", "-----BEGIN\nx"), /^printf '%b\\n' '-----BEGIN\nx' \| gpg --decrypt$/);
  assert.match(decryptTextCommand("base64-armor", "abc"), /'abc' \| base64 -d \| gpg --decrypt$/);
  assert.deepEqual(decryptAdvice([recipient(A), recipient(B)], "base64"), [
    "Decrypt with: printf '%s' 'ENCRYPTED' | base64 -d | gpg --decrypt",
  ]);
  const [only = "", ...others] = decryptAdvice([recipient(C)], "armor");
  assert.match(only, /version 6 .*: printf '%b\\n' 'ENCRYPTED' \| rsop decrypt PRIVATE-KEY-FILE$/);
  assert.deepEqual(others, []);
  assert.doesNotMatch(only, /gpg/);
  assert.match(only, /rsop, gosop or sqop \(GnuPG does not\)/);
  const both = decryptAdvice([recipient(A), recipient(C)], "base64");
  assert.deepEqual(
    both.map((line) => /gpg --decrypt$|rsop decrypt/.exec(line)?.[0]),
    ["gpg --decrypt", "rsop decrypt"],
  );
});

it("distinguishes a busy key server from one without the key, and hides credentials in its URL", () => {
  const url = "https://user:hunter2@keys.example.org/k";
  const none = failedKeyDownloadProblem("Cannot fetch it", { status: 404, url }, "wkd-no-key", "do this");
  assert.deepEqual([none.code, none.exit, none.status, none.hint], ["wkd-no-key", "noUsableKey", 404, "do this"]);
  const busy = failedKeyDownloadProblem("Cannot fetch it", { status: 503, url }, "wkd-no-key", "do this");
  assert.deepEqual([busy.code, busy.exit, busy.status], ["unreachable", "unreachable", 503]);
  assert.doesNotMatch(JSON.stringify([none.message, none.request]), /hunter2/);
});
