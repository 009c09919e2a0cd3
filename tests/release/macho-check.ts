/** Checks the signature of a Mach-O program. */

import { createHash } from "node:crypto";

/** What a signature of a Mach-O file says, read and checked by other code than wrote it. */
export interface Signature {
  readonly identifier: string;
  /** CS_ADHOC is 2. */
  readonly flags: number;
  readonly pages: number;
  /** Pages whose hash is not that of the file. */
  readonly broken: readonly number[];
  /** Whether it covers every byte before itself, and ends the file. */
  readonly whole: boolean;
}

/** Reads the signature of a 64-bit Mach-O file and compares each page with its hash. */
export function readSignature(file: Uint8Array): Signature {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = 32;
  let start = 0;
  let size = 0;
  let linkedit = { offset: 0, length: 0, room: 0 };
  for (let command = 0; command < view.getUint32(16, true); command++) {
    const kind = view.getUint32(at, true);
    if (kind === 0x1d) {
      start = view.getUint32(at + 8, true);
      size = view.getUint32(at + 12, true);
    }
    if (kind === 0x19 && text(file, at + 8) === "__LINKEDIT") {
      const value = (offset: number): number => Number(view.getBigUint64(at + offset, true));
      linkedit = { room: value(32), offset: value(40), length: value(48) };
    }
    at += view.getUint32(at + 4, true);
  }
  const count = view.getUint32(start + 8);
  const slots = Array.from({ length: count }, (_, slot) => ({
    kind: view.getUint32(start + 12 + slot * 8),
    offset: view.getUint32(start + 16 + slot * 8),
  }));
  const directory = start + (slots.find(({ kind }) => kind === 0)?.offset ?? 0);
  const word = (index: number): number => view.getUint32(directory + index * 4);
  const [hashes, names, pages, limit] = [word(4), word(5), word(7), word(8)];
  const page = 2 ** (file[directory + 39] ?? 0);
  const broken = Array.from({ length: pages }, (_, index) => index).filter((index) => {
    const content = file.subarray(index * page, Math.min((index + 1) * page, limit));
    const wanted = file.subarray(directory + hashes + index * 32, directory + hashes + (index + 1) * 32);
    return Buffer.compare(createHash("sha256").update(content).digest(), wanted) !== 0;
  });
  return {
    identifier: text(file, directory + names),
    flags: word(3),
    pages,
    broken,
    whole:
      limit === start &&
      pages === Math.ceil(limit / page) &&
      start + size === file.length &&
      linkedit.offset + linkedit.length === file.length &&
      linkedit.room >= linkedit.length,
  };
}

function text(file: Uint8Array, from: number): string {
  return Buffer.from(file.subarray(from, file.indexOf(0, from))).toString("latin1");
}
