import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import {
  formatDotenv,
  formatSecretManifest,
  kubernetesNameForClientId,
  requireCredentialName,
} from "../../../lib/core/output/credential-formats.ts";
import { parseFormat } from "../../../lib/core/output/formats.ts";
import { createStreamRenderer, type ResultView } from "../../../lib/core/output/render.ts";
import { quotedOperandAndFlagText, shellQuoted } from "../../../lib/core/output/shell-quote.ts";
import { Problem } from "../../../lib/core/problem.ts";

/** What a real shell makes of a script. */
function shell(script: string): string {
  return execFileSync("sh", ["-c", script], { encoding: "utf8" });
}

const value = fc
  .oneof(
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.string({
      unit: fc.constantFrom("'", '"', "\\", "$", "`", "\n", "\r", "!", " ", "\u001b", "\u202e", "%", "a"),
      maxLength: 20,
    }),
  )
  .map((text) => text.toWellFormed().replaceAll("\0", ""));

test("a POSIX shell reads back every text that shellQuoted() writes", () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 20, maxLength: 40 }), (texts) => {
      const got = shell(`printf '%s\\0' ${texts.map(shellQuoted).join(" ")}`);
      assert.deepEqual(got.split("\0").slice(0, -1), texts);
    }),
    { numRuns: 30 },
  );
});

test("an operand that begins with a hyphen comes after --, and after the flags", () => {
  assert.equal(quotedOperandAndFlagText("web", "--jwks FILE"), "web --jwks FILE");
  assert.equal(quotedOperandAndFlagText("-web", "--jwks FILE"), "--jwks FILE -- -web");
  assert.equal(quotedOperandAndFlagText("-a b"), "-- '-a b'");
});

test("evaluating the env format in a shell sets the credentials and runs nothing", () => {
  fc.assert(
    fc.property(value, value, (id, secret) => {
      const script = `${formatDotenv({ id, secret })}printf '%s\\0%s' "$CLIENT_ID" "$CLIENT_SECRET"`;
      assert.deepEqual(shell(script).split("\0"), [id, secret]);
      assert.deepEqual(shell(`eval ${shellQuoted(script)}`).split("\0"), [id, secret]);
    }),
    { numRuns: 40 },
  );
});

test("shellQuoted() writes no control characters, and no quotes that are not needed", () => {
  fc.assert(
    fc.property(value, (text) => {
      assert.doesNotMatch(
        shellQuoted(text),
        /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/,
      );
    }),
  );
  for (const plain of ["65017df9-1a1a-4f80-8453-7c803ae61190", "RdNENw6a_utXqJfT.j-QR_k7ti", "a/b+c@d:e,f%"]) {
    assert.equal(shellQuoted(plain), plain);
  }
});

for (const [text, word] of [
  ["", "''"],
  ["~root", "'~root'"],
  ["a~b", "a~b"],
  ["a:~b", "'a:~b'"],
  ["a=~b", "'a=~b'"],
  ["~b", "'~b'"],
  ["a b", "'a b'"],
  ["it's", "'it'\\''s'"],
  ["$(id)", "'$(id)'"],
  ["a=", "a="],
  ["=a", "'=a'"],
  ["a\nb", "'a\nb'"],
  ["a\u001b[0m", "'a'\"$(printf '\\033')\"'[0m'"],
  ["\u0085", "\"$(printf '\\302\\205')\""],
] as const) {
  test(`shellQuoted() writes ${JSON.stringify(text)} as ${JSON.stringify(word)}`, () => {
    assert.equal(shellQuoted(text), word);
    assert.equal(shell(`printf %s ${word}`), text);
  });
}

test("a text that no shell variable can hold is rejected without showing it", () => {
  assert.throws(
    () => shellQuoted("se\0cret"),
    (error) => error instanceof Problem && error.exit === "failed" && !error.message.includes("se"),
  );
});

test("env writes the secret, the encrypted secret, or only the ID", () => {
  assert.equal(formatDotenv({ id: "a", secret: "s~1" }), "CLIENT_ID=a\nCLIENT_SECRET=s~1\n");
  assert.equal(formatDotenv({ id: "a", secret: "~s:~" }), "CLIENT_ID=a\nCLIENT_SECRET='~s:~'\n");
  assert.equal(formatDotenv({ id: "a", secret: "s:~1" }), "CLIENT_ID=a\nCLIENT_SECRET='s:~1'\n");
  assert.equal(formatDotenv({ id: "a", encrypted: "hQEM+/A=" }), "CLIENT_ID=a\nCLIENT_SECRET_ENCRYPTED=hQEM+/A=\n");
  assert.equal(formatDotenv({ id: "a", secret: undefined }), "CLIENT_ID=a\n");
  assert.equal(formatDotenv({ id: "a", secret: "s" }, { id: "APP_ID" }), "APP_ID=a\nCLIENT_SECRET=s\n");
});

test("k8s-secret writes the manifest of an opaque Secret", () => {
  assert.equal(
    formatSecretManifest({ id: "My App", secret: "s:é'\n" }, { secret: "client.secret" }),
    `apiVersion: v1
kind: Secret
metadata:
  name: "my-app-357e6fb8"
type: Opaque
data:
  "CLIENT_ID": "TXkgQXBw"
  "client.secret": "czrDqScK"
`,
  );
});

test("k8s-secret writes several clients as YAML documents, and env as blocks", () => {
  const view: ResultView<{ readonly id: string }> = {
    columns: [],
    id: ({ id }) => id,
    credentials: ({ id }) => ({ id, secret: "s" }),
  };
  const all = (format: string) => {
    const options = { terminal: { isTerminal: false, color: false }, isList: true, tools: {}, names: { id: "ID" } };
    const renderer = createStreamRenderer(parseFormat(format), view, options);
    return renderer.item({ id: "a" }) + renderer.item({ id: "b" }) + renderer.end();
  };
  assert.equal(all("env"), "ID=a\nCLIENT_SECRET=s\n\nID=b\nCLIENT_SECRET=s\n");
  const documents = all("k8s-secret").split("---\n");
  assert.deepEqual(documents, [
    formatSecretManifest({ id: "a", secret: "s" }, { id: "ID" }),
    formatSecretManifest({ id: "b", secret: "s" }, { id: "ID" }),
  ]);
});

test("kubernetesNameForClientId() returns a DNS subdomain for any ID, and different ones for different IDs", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), value), { maxLength: 20 }),
      (ids) => {
        const names = ids.map(kubernetesNameForClientId);
        for (const name of names) {
          assert.ok(name.length <= 253, name);
          for (const label of name.split(".")) assert.match(label, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
        }
        assert.equal(new Set(names).size, ids.length);
      },
    ),
  );
});

for (const id of ["65017df9-1a1a-4f80-8453-7c803ae61190", "every-flag", "app.example", "0"]) {
  test(`kubernetesNameForClientId() returns ${id} unchanged`, () => {
    assert.equal(kubernetesNameForClientId(id), id);
  });
}

for (const [text, format] of [
  ["", "env"],
  ["1A", "env"],
  ["A-B", "env"],
  ["A=B", "env"],
  ["A\nB", "env"],
  ["", "k8s-secret"],
  ["..", "k8s-secret"],
  ["a/b", "k8s-secret"],
  ["a b", "k8s-secret"],
  ["k".repeat(254), "k8s-secret"],
] as const) {
  test(`credentialName() rejects ${JSON.stringify(text.slice(0, 8))} for ${format}`, () => {
    assert.throws(() => requireCredentialName(text, format, "--x"), { name: "Problem", exit: "usage" });
  });
}

test("credentialName() accepts what the format allows", () => {
  assert.equal(requireCredentialName("_App1", "env", "--x"), "_App1");
  assert.equal(requireCredentialName("client.secret-1_A", "k8s-secret", "--x"), "client.secret-1_A");
});
