import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { concatBytes, fromBase64, toBase64 } from "../../../lib/core/bytes.ts";
import { parsePgpKeys, readPackets } from "../../../lib/core/pgp/key-material.ts";
import { Problem } from "../../../lib/core/problem.ts";

/** A packet in one of the two header forms, with a length field of one of the sizes (RFC 9580 section 4.2). */
function packet(tag: number, body: Uint8Array, form: "old" | "new", wide: boolean): Uint8Array {
  const size = [body.length >>> 24, body.length >>> 16, body.length >>> 8, body.length].map((byte) => byte & 0xff);
  if (form === "old")
    return Uint8Array.from([0x80 | (tag << 2) | (wide ? 2 : 1), ...(wide ? size : size.slice(2)), ...body]);
  const two = [192 + ((body.length - 192) >> 8), (body.length - 192) & 0xff];
  const short = body.length < 192 ? [body.length] : two;
  return Uint8Array.from([0xc0 | tag, ...(wide ? [255, ...size] : short), ...body]);
}

const packets = fc.array(
  fc.record({
    tag: fc.integer({ min: 1, max: 15 }),
    body: fc.uint8Array({ maxLength: 600 }),
    form: fc.constantFrom("old" as const, "new" as const),
    wide: fc.boolean(),
  }),
  { maxLength: 6 },
);

describe("OpenPGP packets", () => {
  it("are split one by one, with every header form", () => {
    fc.assert(
      fc.property(packets, (rows) => {
        const stream = concatBytes(rows.map(({ tag, body, form, wide }) => packet(tag, body, form, wide)));
        const found = readPackets(stream);
        assert.equal(found.broken, false);
        assert.deepEqual(
          found.packets.map(({ tag, body }) => ({ tag, body: [...body] })),
          rows.map(({ tag, body }) => ({ tag, body: [...body] })),
        );
        assert.deepEqual(concatBytes(found.packets.map(({ whole }) => whole)), stream);
      }),
    );
  });

  it("are recognized as cut off", () => {
    const whole = packet(6, new Uint8Array(300), "new", false);
    for (let length = 1; length < whole.length; length++)
      assert.ok(readPackets(whole.subarray(0, length)).broken, String(length));
  });
});

describe("base64", () => {
  it("is decoded in every wrapping and alphabet", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.integer({ min: 1, max: 80 }), (bytes, width) => {
        const text = toBase64(bytes);
        assert.equal(text, Buffer.from(bytes).toString("base64"));
        const wrapped = (text.match(new RegExp(`.{1,${width}}`, "g")) ?? []).join("\r\n ");
        for (const form of [text, wrapped, text.replace(/=+$/, ""), Buffer.from(bytes).toString("base64url")]) {
          assert.deepEqual(fromBase64(form), bytes);
        }
      }),
    );
    for (const wrong of ["", "=", "a", "abcde", "ab!d", "\u00e9\u00e9\u00e9\u00e9"])
      assert.equal(fromBase64(wrong), undefined);
  });
});

describe("key material", () => {
  it("is accepted or rejected with an explanation, never quoted and never slow", () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ minLength: 1, maxLength: 300 }).map(toBase64),
      fc
        .string({ maxLength: 80 })
        .map((text) => `-----BEGIN PGP PUBLIC KEY BLOCK-----\n${text}\n-----END PGP PUBLIC KEY BLOCK-----`),
    );
    fc.assert(
      fc.property(texts, (material) => {
        try {
          for (const { packets } of parsePgpKeys(material, "--pgp-key")) assert.ok(packets.length > 0);
        } catch (error) {
          assert.ok(error instanceof Problem, String(error));
          assert.equal(error.code, "pgp-not-a-key");
        }
      }),
    );
  });

  it("is never quoted in a message", () => {
    const secret = "hunter2-hunter2-hunter2";
    for (const material of [
      secret,
      `-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n${secret}\n-----END`,
      `ssh-rsa ${secret}`,
      `~/${secret}`,
    ]) {
      assert.throws(
        () => parsePgpKeys(material, "--pgp-key"),
        (error: unknown) => error instanceof Problem && !`${error.message} ${error.hint}`.includes("hunter2"),
      );
    }
  });

  it("with many beginnings and no end is rejected in one pass", () => {
    const material = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n".repeat(30_000);
    assert.throws(() => parsePgpKeys(material, "--pgp-key"), { code: "pgp-not-a-key" });
    const signed = "-----BEGIN PGP SIGNED MESSAGE-----\n".repeat(30_000);
    assert.throws(() => parsePgpKeys(signed, "--pgp-key"), {
      code: "pgp-not-a-key",
      message: /a signed message, not a key$/,
    });
  });
});
