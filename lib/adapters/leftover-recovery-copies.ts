import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  type Stats,
  unlinkSync,
  writeSync,
} from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import * as v from "valibot";
import { isJsonFault, parseJsonValuesOrFault } from "../core/json-with-comments.ts";
import { errorCode } from "../core/problem.ts";

/** The recovery copies that earlier runs have left. */
export interface LeftoverRecoveryCopies {
  /** The copies of clients of a server. */
  find(endpoint: string): readonly LeftoverRecoveryCopy[];
  /** Removes a copy whose secret was delivered. */
  remove(copy: LeftoverRecoveryCopy): void;
  /** Keeps a copy whose client has got another secret since, so that no run delivers it. */
  withdraw(copy: LeftoverRecoveryCopy): void;
}

/** @param folders where runs save their copies first; one may have several names. */
export function openLeftoverRecoveryCopies(folders: readonly string[]): LeftoverRecoveryCopies {
  return {
    find(endpoint) {
      const paths = new Set(folders.map((folder) => resolve(folder)));
      return withinBounds([...paths].flatMap(ownFilesIn)).flatMap(({ path }) => copiesIn(path, endpoint));
    },
    remove: removeLeftover,
    withdraw: withdrawLeftover,
  };
}

/** A recovery copy of an earlier run. */
export interface LeftoverRecoveryCopy {
  readonly path: string;
  readonly clientId: string | undefined;
  /** The stack of the client, if `hydra apply` saved it. */
  readonly stack: string | undefined;
  /** Its name in that stack. */
  readonly key: string | undefined;
  /** The secret, if a later `hydra apply` is to deliver it. */
  readonly due: UndeliveredRecord | undefined;
  /** Where the records of this client are in the file. */
  readonly spans: readonly Span[];
}

/** A record that a later `hydra apply` is to deliver. */
export type UndeliveredRecord = v.InferOutput<typeof DUE>;

/** A part of a file: where it begins, in bytes, and what it was when it was read. */
interface Span {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** The largest file that is read as a recovery copy. */
const LARGEST_COPY = 16 * 1024 * 1024;

/** The most files that are read, and their largest size together: reading them keeps the program busy. */
const MOST_COPIES = 10_000;
const LARGEST_TOTAL = 2 * LARGEST_COPY;

const LEFTOVER = v.object({
  endpoint: v.string(),
  client_id: v.optional(v.string()),
  stack: v.optional(v.string()),
  key: v.optional(v.string()),
});

const DUE = v.object({
  state: v.picklist(["made", "unverified"]),
  time: v.string(),
  client_id: v.optional(v.string()),
  stack: v.string(),
  key: v.string(),
  request: v.optional(v.literal("change")),
  updated_at: v.optional(v.string()),
  delivery: v.literal("due"),
  client_secret: v.optional(v.string()),
  client_secret_encrypted: v.optional(v.string()),
});

/** Never through a symbolic link, and without waiting for a writer if something else has the name. */
const READ_ONLY = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

interface OwnFile {
  readonly path: string;
  readonly size: number;
  readonly changed: number;
}

/** The files of the user that have the name of a recovery copy. Others may put theirs into a folder such as /tmp. */
function ownFilesIn(folder: string): readonly OwnFile[] {
  try {
    const names = readdirSync(folder).filter((name) => /^hydra-rescue-.*\.(?:nd)?json$/.test(name));
    return names.flatMap((name) => ownFileAt(resolve(folder, name)));
  } catch {
    // A folder that can't be read has no copies of ours.
    return [];
  }
}

function ownFileAt(path: string): readonly OwnFile[] {
  try {
    const status = lstatSync(path);
    return isReadable(status) ? [{ path, size: status.size, changed: status.mtimeMs }] : [];
  } catch {
    // Another run has removed it.
    return [];
  }
}

function isReadable(status: Stats): boolean {
  const owner = process.getuid?.();
  return status.isFile() && (owner === undefined || status.uid === owner) && status.size <= LARGEST_COPY;
}

/** The newest files, as many as may be read, in the order of the folders. */
function withinBounds(files: readonly OwnFile[]): readonly OwnFile[] {
  const newest = files.toSorted((a, b) => b.changed - a.changed);
  let total = 0;
  const end = newest.findIndex(({ size }, count) => {
    total += size;
    return count >= MOST_COPIES || total > LARGEST_TOTAL;
  });
  if (end < 0) return files;
  const chosen = new Set(newest.slice(0, end));
  return files.filter((file) => chosen.has(file));
}

function copiesIn(path: string, endpoint: string): readonly LeftoverRecoveryCopy[] {
  const file = readCopies(path);
  if (file === undefined) return [];
  const spans = path.endsWith(".ndjson") ? linesOf(file.bytes) : [{ start: 0, bytes: file.bytes }];
  const found = new Map<string, LeftoverRecoveryCopy>();
  const allSpans = new Map<string, Span[]>();
  for (const span of spans) {
    const copy = copyAt(path, file, span, endpoint);
    if (copy === undefined) continue;
    const { stack, key } = copy;
    const name = key === undefined ? String(span.start) : JSON.stringify([stack, key]);
    const ofClient = allSpans.get(name) ?? [];
    ofClient.push(span);
    allSpans.set(name, ofClient);
    // The last line of a client is its current record, and decides its place in the order.
    found.delete(name);
    found.set(name, { ...copy, spans: ofClient });
  }
  return [...found.values()];
}

interface CopyFile {
  readonly bytes: Uint8Array;
  /** Whether nobody else could have written it. */
  readonly isOurs: boolean;
}

function readCopies(path: string): CopyFile | undefined {
  try {
    const file = openSync(path, READ_ONLY);
    try {
      const status = fstatSync(file);
      if (!isReadable(status)) return undefined;
      const isOurs = process.getuid === undefined || (status.mode & 0o022) === 0;
      return { bytes: readFileSync(file), isOurs };
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

function linesOf(bytes: Uint8Array): readonly Span[] {
  const spans: Span[] = [];
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(0x0a, start);
    const end = feed < 0 ? bytes.length : feed;
    if (end > start) spans.push({ start, bytes: bytes.subarray(start, end) });
    start = end + 1;
  }
  return spans;
}

const utf8 = new TextDecoder();

/** The record in a part of a file; undefined if it is not one about the server, such as a line that was cut short. */
function copyAt(path: string, { isOurs }: CopyFile, span: Span, endpoint: string): LeftoverRecoveryCopy | undefined {
  const values = parseJsonValuesOrFault(utf8.decode(span.bytes));
  const [record] = isJsonFault(values) ? [] : values;
  const read = v.safeParse(LEFTOVER, record);
  if (!read.success || read.output.endpoint !== endpoint) return undefined;
  const due = isOurs ? v.safeParse(DUE, record) : undefined;
  const { client_id: clientId, stack, key } = read.output;
  return { path, clientId, stack, key, due: due?.success === true ? due.output : undefined, spans: [span] };
}

/**
 * Removes the records of a client from a file. They are overwritten where they are, because the run that saved them may
 * still add others to the file.
 */
function removeLeftover({ path, spans }: LeftoverRecoveryCopy): void {
  edit(path, spans, (text) => " ".repeat(text.length));
  const left = readCopies(path);
  if (left?.bytes.every((byte) => byte === 0x20 || byte === 0x0a) === true) unlinkSync(path);
}

/** Keeps the records of a client, as a secret that no run is to deliver. */
function withdrawLeftover({ path, spans }: LeftoverRecoveryCopy): void {
  // Inside a string the quotes would be escaped, so this is the member itself.
  edit(path, spans, (text) => text.replace(/("delivery": ?)"due"/, '$1"off"'));
}

/** Changes parts of a file without changing their length; a part that has been changed meanwhile is left as it is. */
function edit(path: string, spans: readonly Span[], change: (latin1: string) => string): void {
  let file: number;
  try {
    file = openSync(path, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return;
    throw error;
  }
  try {
    for (const { start, bytes } of spans) {
      const there = Buffer.alloc(bytes.length);
      if (readSync(file, there, 0, there.length, start) !== there.length || !there.equals(bytes)) continue;
      writeSync(file, Buffer.from(change(there.toString("latin1")), "latin1"), 0, there.length, start);
    }
  } finally {
    closeSync(file);
  }
}
