import { crc32, deflateRawSync, gzipSync } from "node:zlib";

/** A file of an archive. */
export interface Entry {
  /** Path in the archive, with `/`, at most 100 bytes. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly executable?: boolean;
}

/** How hard zlib compresses: a release takes the time for the smallest archives. */
export const SMALLEST = 9;

function byPath(entries: readonly Entry[]): readonly Entry[] {
  return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function mode(entry: Entry): number {
  return entry.executable === true ? 0o755 : 0o644;
}

/**
 * Packs files as a compressed tar archive (POSIX ustar) whose bytes depend on nothing but what is handed in: the files
 * are sorted, belong to root and have one time.
 *
 * @param seconds the time of every file, since 1970
 */
export function tarGz(entries: readonly Entry[], seconds: number, level = SMALLEST): Uint8Array {
  const parts = byPath(entries).flatMap((entry) => {
    const padding = (512 - (entry.content.length % 512)) % 512;
    return [tarHeader(entry, seconds), entry.content, Buffer.alloc(padding)];
  });
  return gzip(Buffer.concat([...parts, Buffer.alloc(1024)]), level);
}

/** Compresses to the same bytes on every system. */
export function gzip(content: Uint8Array, level = SMALLEST): Uint8Array {
  const packed = gzipSync(content, { level });
  // zlib sets this byte to the system that it runs on (RFC 1952, OS): 255 is unknown.
  packed[9] = 255;
  return packed;
}

function tarHeader(entry: Entry, seconds: number): Uint8Array {
  const path = Buffer.from(entry.path);
  if (path.length > 100) throw new RangeError(`the path ${entry.path} is too long for the archive`);
  const header = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number): void => {
    header.write(value.toString(8).padStart(length - 1, "0"), at, "latin1");
  };
  path.copy(header);
  octal(mode(entry), 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(entry.content.length, 124, 12);
  octal(seconds, 136, 12);
  header.write("        0", 148, "latin1");
  header.write("ustar\0" + "00", 257, "latin1");
  header.write("root", 265, "latin1");
  header.write("root", 297, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

/**
 * Packs files as a zip archive (PKWARE appnote 6.3) under the rules of {@link tarGz}.
 *
 * @param seconds the time of every file, since 1970
 */
export function zip(entries: readonly Entry[], seconds: number, level = SMALLEST): Uint8Array {
  const bodies: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const entry of byPath(entries)) {
    const name = Buffer.from(entry.path);
    const content = deflateRawSync(entry.content, { level });
    const shared = zipFields(entry, content.length, name.length, seconds);
    // The time to the second and free of time zones, which the field of DOS is not.
    const extra = Buffer.alloc(9);
    extra.write("UT", 0, "latin1");
    extra.writeUInt16LE(5, 2);
    extra.writeUInt8(1, 4);
    extra.writeUInt32LE(seconds, 5);
    bodies.push(Buffer.from("PK\x03\x04", "latin1"), shared, name, extra, content);
    const more = Buffer.alloc(14);
    // The upper half of the external attributes is the mode of the file on Unix.
    more.writeUInt32LE((0o100000 | mode(entry)) * 0x10000, 6);
    more.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\x03", "latin1"), shared, more, name, extra);
    offset += 4 + shared.length + name.length + extra.length + content.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...bodies, listing, end]);
}

/** The fields that a file's own header and the directory have in common. */
function zipFields(entry: Entry, packed: number, name: number, seconds: number): Uint8Array {
  const at = new Date(seconds * 1000);
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(0x0800, 2);
  fields.writeUInt16LE(8, 4);
  fields.writeUInt16LE((at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1), 6);
  fields.writeUInt16LE(((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(), 8);
  fields.writeUInt32LE(crc32(entry.content), 10);
  fields.writeUInt32LE(packed, 14);
  fields.writeUInt32LE(entry.content.length, 18);
  fields.writeUInt16LE(name, 22);
  fields.writeUInt16LE(9, 24);
  return fields;
}
