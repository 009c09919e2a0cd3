/** The ad-hoc signature of the macOS programs. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { signAdHoc } from "../../.ci/release/macho.ts";
import { readSignature } from "./macho-check.ts";

const LINKEDIT = 8192;

/** A Mach-O file with what a signature touches: two segments, and a signature of garbage at the end. */
function program(codeLength: number): Buffer {
  const file = Buffer.alloc(codeLength + 64, 0xa5);
  file.fill(0, 0, 32 + 72 + 72 + 16);
  file.writeUInt32LE(0xfeedfacf, 0);
  file.writeUInt32LE(3, 16);
  const segment = (at: number, name: string, offset: number, length: number): void => {
    file.writeUInt32LE(0x19, at);
    file.writeUInt32LE(72, at + 4);
    file.write(name, at + 8, "latin1");
    file.writeBigUInt64LE(BigInt(length), at + 32);
    file.writeBigUInt64LE(BigInt(offset), at + 40);
    file.writeBigUInt64LE(BigInt(length), at + 48);
  };
  segment(32, "__TEXT", 0, LINKEDIT);
  segment(104, "__LINKEDIT", LINKEDIT, file.length - LINKEDIT);
  file.writeUInt32LE(0x1d, 176);
  file.writeUInt32LE(16, 180);
  file.writeUInt32LE(codeLength, 184);
  file.writeUInt32LE(64, 188);
  return file;
}

describe("signAdHoc()", () => {
  for (const length of [LINKEDIT, LINKEDIT + 1, LINKEDIT + 4095, 1_000_000]) {
    test(`signs ${length} bytes so that every page has its hash`, () => {
      const signed = signAdHoc(program(length), "hydra");
      assert.deepEqual(readSignature(signed), {
        identifier: "hydra",
        flags: 2,
        pages: Math.ceil(length / 4096),
        broken: [],
        whole: true,
      });
    });
  }

  test("changes only the signature's sizes before the signature", () => {
    const before = program(50_000);
    const after = signAdHoc(before, "hydra");
    const changed = [...before.subarray(0, 50_000).keys()].filter((index) => before[index] !== after[index]);
    for (const index of changed) {
      assert.ok(
        [136, 152, 188].some((field) => index >= field && index < field + 8),
        `byte ${index}`,
      );
    }
  });

  test("leaves a signature that one changed byte breaks", () => {
    const signed = signAdHoc(program(50_000), "hydra");
    signed[20_000] = 0;
    assert.deepEqual(readSignature(signed).broken, [4]);
  });

  test("rejects what is not a signed Mach-O program", () => {
    assert.throws(() => signAdHoc(Buffer.alloc(4096), "hydra"), TypeError);
    const unsigned = program(50_000);
    unsigned.writeUInt32LE(2, 16);
    assert.throws(() => signAdHoc(unsigned, "hydra"), TypeError);
  });
});
