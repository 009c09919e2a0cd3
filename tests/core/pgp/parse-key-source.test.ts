import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { fromBase64, toBase64 } from "../../../lib/core/bytes.ts";
import { findKeylessAnswerReason } from "../../../lib/core/pgp/keyless-answer.ts";
import { base64OfMarkerlessArmor } from "../../../lib/core/pgp/markerless-armor.ts";
import {
  findKeyOwnerNameProblem,
  githubKeyUrl,
  type KeySource,
  normalizeKeybaseName,
  parseKeySource,
} from "../../../lib/core/pgp/parse-key-source.ts";

test("normalizeKeybaseName() accepts every spelling of a name", () => {
  for (const text of [
    "ann",
    "@ann",
    "keybase:ann",
    "keybase:@ann",
    "keybase://ann",
    "Keybase:ann",
    "https://keybase.io/ann",
    "https://keybase.io/ann/",
    " ann ",
  ])
    assert.equal(normalizeKeybaseName(text), "ann", text);
  for (const text of [
    "",
    "ann bob",
    "ann@example.com",
    "@@ann",
    "https://example.com/ann",
    "https://keybase.io/ann/key.asc",
  ])
    assert.notEqual(
      findKeyOwnerNameProblem(
        { kind: "keybase", name: normalizeKeybaseName(text) },
        { name: "--keybase", isFlag: true },
      ),
      undefined,
      text,
    );
});

describe("parseKeySource()", () => {
  const cases: readonly (readonly [word: string, source: KeySource])[] = [
    ["keybase:ann", { kind: "keybase", name: "ann" }],
    ["KEYBASE:@ann", { kind: "keybase", name: "ann" }],
    ["github:octocat", { kind: "github", user: "octocat" }],
    ["GitHub:@octocat", { kind: "github", user: "octocat" }],
    ["github://octocat", { kind: "github", user: "octocat" }],
    ["wkd:ann@example.com", { kind: "wkd", address: "ann@example.com" }],
    ["https://example.com/key.asc", { kind: "url", url: "https://example.com/key.asc" }],
    ["HTTP://example.com/key.asc", { kind: "url", url: "HTTP://example.com/key.asc" }],
    ["@key.asc", { kind: "file", path: "key.asc" }],
    ["@-", { kind: "file", path: "-" }],
    ["-", { kind: "stdin" }],
    ["mQENBF", { kind: "material", text: "mQENBF" }],
    ["-----BEGIN PGP PUBLIC KEY BLOCK-----\n", { kind: "material", text: "-----BEGIN PGP PUBLIC KEY BLOCK-----\n" }],
    ["gitlab:ann", { kind: "material", text: "gitlab:ann" }],
    ["", { kind: "material", text: "" }],
  ];
  for (const [word, source] of cases)
    test(JSON.stringify(word), () => {
      assert.deepEqual(parseKeySource(word), source);
    });
});

const FLAG = { name: "--pgp-key", isFlag: true };

describe("findKeyOwnerNameProblem()", () => {
  test("returns nothing for valid names", () => {
    for (const word of [
      "keybase:ann_1",
      "github:octo-cat",
      "github:x",
      "wkd:ann@example.com",
      "@f",
      "-",
      "mQ",
      "https://a",
    ])
      assert.equal(findKeyOwnerNameProblem(parseKeySource(word), FLAG), undefined, word);
  });

  test("names the flag and the expected value", () => {
    const problem = findKeyOwnerNameProblem(parseKeySource("github:octo cat/../x"), FLAG);
    assert.equal(problem?.message, 'Invalid --pgp-key github:"octo cat/../x": not a GitHub user name');
    assert.equal(problem?.hint, "write the name as in the URL of the profile, such as github:octocat");
    assert.equal(problem?.exit, "usage");
    for (const word of ["github:", `github:${"x".repeat(40)}`, "github:-x", "github:a.b"])
      assert.equal(findKeyOwnerNameProblem(parseKeySource(word), FLAG)?.code, "github-user", word);
    assert.equal(findKeyOwnerNameProblem(parseKeySource("keybase:a.b"), FLAG)?.code, "keybase-name");
    assert.equal(findKeyOwnerNameProblem(parseKeySource("wkd:ann"), FLAG)?.code, "wkd-address");
  });
});

test("githubKeyUrl() appends to the base URL", () => {
  assert.equal(githubKeyUrl("octocat"), "https://github.com/octocat.gpg");
  assert.equal(githubKeyUrl("octocat", "http://127.0.0.1:8080/mirror/"), "http://127.0.0.1:8080/mirror/octocat.gpg");
});

const EMPTY_BLOCK = (note: string) =>
  `-----BEGIN PGP PUBLIC KEY BLOCK-----\nNote: ${note}\n\n\n=twTO\n-----END PGP PUBLIC KEY BLOCK-----\n`;

describe("findKeylessAnswerReason()", () => {
  for (const [text, reason] of [
    [EMPTY_BLOCK("This user hasn't uploaded any GPG keys."), "this user has no OpenPGP key there"],
    [
      EMPTY_BLOCK("The keys with the following IDs couldn't be exported and need to be reuploaded 0123456789ABCDEF"),
      "the site can't export this user's key until it is uploaded again",
    ],
    ["SELF-SIGNED PUBLIC KEY NOT FOUND", "this user has no OpenPGP key there"],
    ["No key found for fingerprint 0123", "the key server has no such key"],
    ["No results found: No keys found", "the key server has no such key"],
    ["Not Found", "there is nothing at this URL"],
    ["404 - sorry, not found.\n", "there is nothing at this URL"],
    ["", "the answer is empty: this user has no OpenPGP key there"],
    [" \n\n", "the answer is empty: this user has no OpenPGP key there"],
  ] as const)
    test(JSON.stringify(text.slice(0, 80)), () => {
      assert.equal(findKeylessAnswerReason(text), reason);
    });

  test("is undefined for text that may be a key", () => {
    const line = "mDMEZ".padEnd(64, "A");
    for (const text of [
      `-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n${line}\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n`,
      `-----BEGIN PGP PUBLIC KEY BLOCK-----\r\nNote: The keys with the following IDs couldn't be exported and need to be reuploaded 01\r\n\r\n${line}\r\n-----END PGP PUBLIC KEY BLOCK-----`,
      line,
      "key not found in this text of another kind",
      `No key found ${"x".repeat(5000)}`,
    ])
      assert.equal(findKeylessAnswerReason(text), undefined, text);
  });
});

describe("base64OfMarkerlessArmor()", () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => (i * 37) & 0xff);
  const base64 = toBase64(bytes);
  const wrapped = base64.replace(/.{64}/g, "$&\n");

  for (const [what, text] of [
    ["with its checksum", `${wrapped}\n=twTO\n`],
    ["with headers and a checksum", `Version: GnuPG v2\nComment: https://gpgtools.org\nNote:\n\n${wrapped}\n=twTO`],
    ["on one line", `${base64} =twTO`],
    ["with words for line breaks", `${wrapped.replaceAll("\n", "\\n")}\\n=twTO\\n`],
    ["with carriage returns", `${wrapped}\n=twTO\n`.replaceAll("\n", "\r\n")],
    ["with a checksum that lost its line break", `${base64}=twTO`],
    ["with its END line only", `${wrapped}\n=twTO\n-----END PGP PUBLIC KEY BLOCK-----\n`],
    ["with dashes lost", `--BEGIN PGP PUBLIC KEY BLOCK--\n\n${wrapped}\n=twTO\n-----END PGP PUBLIC KEY BLOCK`],
    ["indented, and without a checksum", wrapped.replace(/^/gm, "   ")],
  ] as const)
    test(what, () => {
      assert.equal(base64OfMarkerlessArmor(text), base64);
    });

  for (const text of ["", "=twTO", "Version: 1", "not base64!", `${wrapped}\n=twTO\n${wrapped}`, "@key.asc", "a: b"])
    test(`finds nothing in ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.equal(base64OfMarkerlessArmor(text), undefined);
    });

  test("decodes bytes of any length, with any line breaks", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 80 }), (key, width) => {
        const text = toBase64(key);
        const lines = text.match(new RegExp(`.{1,${width}}`, "g")) ?? [];
        // A line of the key may look like a checksum only where lines have five characters.
        fc.pre(!lines.some((line) => /^=/.test(line)));
        for (const armor of [`${lines.join("\n")}\n=twTO\n`, text, `${text}=twTO`]) {
          const body = base64OfMarkerlessArmor(armor);
          assert.ok(body !== undefined);
          assert.deepEqual(fromBase64(body), key);
        }
      }),
    );
  });

  test("takes linear time", () => {
    for (const part of ["a", "=", " ", "-", "a ", "=aaaa ", "\\n", "A: ", "-----BEGIN PGP ", "Version: x\n"]) {
      base64OfMarkerlessArmor(part.repeat(200_000));
      findKeylessAnswerReason(part.repeat(1000));
    }
  });
});
