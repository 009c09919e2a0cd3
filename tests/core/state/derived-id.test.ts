import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { deriveClientId, uuidOfName } from "../../../lib/core/state/derived-id.ts";

/** The namespace of DNS names (RFC 9562, section 6.6). */
const DNS = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

test("the UUID of a name matches RFC 9562, appendix A.4", () => {
  assert.equal(uuidOfName(DNS, "www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
});

test("the hash is right for names of every length around a block boundary", () => {
  for (let length = 0; length < 150; length++) {
    const name = "ä".repeat(length);
    const bytes = createHash("sha1")
      .update(Buffer.from(DNS.replaceAll("-", ""), "hex"))
      .update(name)
      .digest();
    const hex = uuidOfName(DNS, name).replaceAll("-", "");
    assert.equal(
      hex.slice(0, 12) + hex.slice(13, 16) + hex.slice(17),
      bytes
        .toString("hex")
        .slice(0, 32)
        .replace(/^(.{12}).(.{3}).(.*)$/, "$1$2$3"),
    );
    assert.match(hex, /^.{12}5.{3}[89ab]/);
  }
});

test("an ID depends only on the stack and the key", () => {
  assert.equal(deriveClientId("prod", "billing"), deriveClientId("prod", "billing"));
  assert.notEqual(deriveClientId("prod", "billing"), deriveClientId("test", "billing"));
  assert.notEqual(deriveClientId("a", 'b","c'), deriveClientId('a","b', "c"));
  // Changing this value would orphan every client whose ID was derived.
  assert.equal(deriveClientId("prod", "billing"), "2e99eb1c-72f0-5c1a-9c01-eaab332385a9");
});
