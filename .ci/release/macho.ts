import { createHash } from "node:crypto";

const CODE_SIGNATURE = 0x1d;

const SEGMENT_64 = 0x19;

/** Bytes of the file that one hash covers. */
const PAGE = 4096;

/** Bytes of a page in memory on Apple silicon, a multiple of those on Intel. */
const MEMORY_PAGE = 16_384;

/**
 * Gives a Mach-O file an ad-hoc signature that fits its bytes, in place of the one that it has.
 *
 * A compiled program for Intel Macs keeps the signature of the runtime, whose hashes its own bytes break; a system that
 * checks it ends the program at once. One for Apple silicon has hashes that fit, and the identifier `a.out`. The result holds one code directory (version 0x20400) of SHA-256 hashes.
 */
export function signAdHoc(file: Uint8Array, identifier: string): Uint8Array {
  const view = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const commands = loadCommands(view);
  const signature = commands.find(({ kind }) => kind === CODE_SIGNATURE);
  const segment = (name: string) =>
    commands.find(
      ({ kind, at }) => kind === SEGMENT_64 && view.toString("latin1", at + 8, at + 24).replace(/\0+$/, "") === name,
    );
  const linkedit = segment("__LINKEDIT");
  const text = segment("__TEXT");
  if (signature === undefined || linkedit === undefined || text === undefined) {
    throw new TypeError("the file is not a signed Mach-O program");
  }
  const limit = view.readUInt32LE(signature.at + 8);
  const size = signatureSize(limit, identifier);
  const signed = Buffer.alloc(limit + size);
  view.copy(signed, 0, 0, limit);
  const start = Number(view.readBigUInt64LE(linkedit.at + 40));
  const length = limit + size - start;
  signed.writeUInt32LE(size, signature.at + 12);
  signed.writeBigUInt64LE(BigInt(Math.ceil(length / MEMORY_PAGE) * MEMORY_PAGE), linkedit.at + 32);
  signed.writeBigUInt64LE(BigInt(length), linkedit.at + 48);
  codeDirectory(signed.subarray(0, limit), identifier, {
    offset: view.readBigUInt64LE(text.at + 40),
    length: view.readBigUInt64LE(text.at + 48),
  }).copy(signed, limit);
  return signed;
}

interface LoadCommand {
  readonly kind: number;
  readonly at: number;
}

function loadCommands(file: Buffer): readonly LoadCommand[] {
  if (file.readUInt32LE(0) !== 0xfeedfacf) throw new TypeError("the file is not a 64-bit Mach-O file");
  const found: LoadCommand[] = [];
  let at = 32;
  for (let left = file.readUInt32LE(16); left > 0; left--) {
    found.push({ kind: file.readUInt32LE(at), at });
    at += file.readUInt32LE(at + 4);
  }
  return found;
}

/** Bytes before the first hash: the blob's index, the code directory's fields, the identifier. */
function hashesAt(identifier: string): number {
  return 20 + 88 + identifier.length + 1;
}

function signatureSize(limit: number, identifier: string): number {
  return Math.ceil((hashesAt(identifier) + Math.ceil(limit / PAGE) * 32) / 16) * 16;
}

function codeDirectory(
  code: Uint8Array,
  identifier: string,
  text: { readonly offset: bigint; readonly length: bigint },
): Buffer {
  const pages = Math.ceil(code.length / PAGE);
  const hashes = hashesAt(identifier);
  const blob = Buffer.alloc(signatureSize(code.length, identifier));
  const length = hashes + pages * 32;
  const words = [
    ...[0xfade0cc0, length, 1, 0, 20],
    ...[0xfade0c02, length - 20, 0x20400, 0x2, hashes - 20, 88, 0, pages, code.length],
  ];
  for (const [index, word] of words.entries()) blob.writeUInt32BE(word, index * 4);
  blob.set([32, 2, 0, Math.log2(PAGE)], 56);
  blob.writeBigUInt64BE(text.offset, 84);
  blob.writeBigUInt64BE(text.length, 92);
  // The segment belongs to a main program.
  blob.writeBigUInt64BE(1n, 100);
  blob.write(identifier, 108, "latin1");
  for (let page = 0; page < pages; page++) {
    const bytes = code.subarray(page * PAGE, (page + 1) * PAGE);
    createHash("sha256")
      .update(bytes)
      .digest()
      .copy(blob, hashes + page * 32);
  }
  return blob;
}
