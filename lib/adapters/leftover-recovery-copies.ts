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
import { isJsonFault, parseJsonValuesOrFault } from "../core/json/json-with-comments.ts";
import { errorCode } from "../core/problem.ts";

/** A file with the name of a recovery copy, whose contents are not known. */
export interface UnreadRecoveryFile {
  readonly path: string;
  /** The rule by which it was not read, as a clause that fits several files. */
  readonly reason: string;
}

/** Finds the recovery copies that earlier runs have left, and changes or removes them. */
export type LeftoverCopyStore = ReturnType<typeof createLeftoverCopyStore>;

/** @param folders where runs save their copies first; one may have several names. */
export function createLeftoverCopyStore(folders: readonly string[]) {
  const known = new Map<string, CachedRecoveryFile>();
  // The files that this run has edited: a system whose clock is coarse may give them the same times as before.
  const edited = new Set<string>();
  const rememberEdit =
    (edit: (copy: LeftoverRecoveryCopy) => void) =>
    (copy: LeftoverRecoveryCopy): void => {
      edited.add(copy.path);
      edit(copy);
    };
  return {
    /** The copies of clients of a server, and the files that may hold more of them. */
    find(endpoint: string) {
      const paths = new Set(folders.map((folder) => resolve(folder)));
      const unread: UnreadRecoveryFile[] = [];
      const files = selectNewestAndCollectUnread(
        [...paths].flatMap((folder) => listFilesAndCollectUnread(folder, unread)),
        unread,
      );
      const copies = files.flatMap((file) => {
        const name = `${endpoint} ${file.path}`;
        const before = known.get(name);
        if (before?.stamp === file.stamp && !edited.has(file.path)) return before.copies;
        const now = refreshCachedFile(file, endpoint, before);
        if (typeof now !== "string") known.set(name, now);
        else if (now !== REMOVED) unread.push({ path: file.path, reason: now });
        return typeof now === "string" ? [] : now.copies;
      });
      edited.clear();
      return { copies, unread };
    },
    isStillThere,
    /** Removes a copy whose secret was delivered. */
    remove: rememberEdit(eraseLeftoverRecords),
    /** Marks a copy as void, so that no run delivers it: its client has got another secret since. */
    withdraw: rememberEdit(cancelLeftoverDelivery),
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
  readonly spans: readonly SpanWithBytes[];
}

/** A record that a later `hydra apply` is to deliver. */
export type UndeliveredRecord = v.InferOutput<typeof DueRecord>;

/** A part of a file: where it begins, in bytes, and what it was when it was read. */
interface SpanWithBytes {
  readonly start: number;
  readonly bytes: Uint8Array;
}

const MIB = 1024 * 1024;

/** The largest file that is read as a recovery copy. */
const LARGEST_COPY_BYTES = 16 * MIB;

/** The most files that are read, and their largest size together: reading them keeps the program busy. */
const MOST_COPIES = 10_000;
const LARGEST_TOTAL_BYTES = 2 * LARGEST_COPY_BYTES;

const LeftoverRecord = v.object({
  endpoint: v.string(),
  client_id: v.optional(v.string()),
  stack: v.optional(v.string()),
  key: v.optional(v.string()),
});

const DueRecord = v.object({
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

const UNREAD_REASONS = {
  foreign: "files of other users are not read",
  large: `files over ${LARGEST_COPY_BYTES / MIB} MiB are not read`,
  old: `only the newest ${MOST_COPIES.toLocaleString("en")} files, up to ${LARGEST_TOTAL_BYTES / MIB} MiB, are read`,
  failed: "reading failed",
} as const;

/** In place of a reason: another run has removed the file. */
const REMOVED = "removed";

interface ReadableFile {
  readonly path: string;
  readonly size: number;
  readonly changed: number;
  /** Differs once the file is changed, except by two writes at the same time. */
  readonly stamp: string;
}

/** The files that have the name of a recovery copy and may be read. Others may put theirs into a folder such as /tmp. */
function listFilesAndCollectUnread(folder: string, unread: UnreadRecoveryFile[]): readonly ReadableFile[] {
  try {
    const names = readdirSync(folder).filter((name) => /^hydra-rescue-.*\.(?:nd)?json$/.test(name));
    return names.flatMap((name) => checkFileAndCollectUnread(resolve(folder, name), unread));
  } catch {
    // A folder that can't be read has no copies of ours.
    return [];
  }
}

function checkFileAndCollectUnread(path: string, unread: UnreadRecoveryFile[]): readonly ReadableFile[] {
  try {
    const status = lstatSync(path);
    // No run leaves a folder or a link.
    if (!status.isFile()) return [];
    const reason = reasonNotToRead(status);
    const { size, mtimeMs: changed, ctimeMs, ino, mode } = status;
    if (reason === undefined) return [{ path, size, changed, stamp: [size, changed, ctimeMs, ino, mode].join(" ") }];
    unread.push({ path, reason });
    return [];
  } catch {
    // Another run has removed it.
    return [];
  }
}

function reasonNotToRead({ uid, size }: Pick<Stats, "uid" | "size">): string | undefined {
  const owner = process.getuid?.();
  if (owner !== undefined && uid !== owner) return UNREAD_REASONS.foreign;
  return size > LARGEST_COPY_BYTES ? UNREAD_REASONS.large : undefined;
}

/** The newest files, as many as may be read, in the order of the folders. */
function selectNewestAndCollectUnread(
  files: readonly ReadableFile[],
  unread: UnreadRecoveryFile[],
): readonly ReadableFile[] {
  const newest = files.toSorted((a, b) => b.changed - a.changed);
  let total = 0;
  const end = newest.findIndex(({ size }, count) => {
    total += size;
    return count >= MOST_COPIES || total > LARGEST_TOTAL_BYTES;
  });
  if (end < 0) return files;
  const chosen = new Set(newest.slice(0, end));
  for (const { path } of newest.slice(end)) unread.push({ path, reason: UNREAD_REASONS.old });
  return files.filter((file) => chosen.has(file));
}

/** What a file held when it was read last: every client that two runs create at once looks for its copy again. */
interface CachedRecoveryFile {
  readonly stamp: string;
  readonly isOurs: boolean;
  /** By the position of the record. */
  readonly records: ReadonlyMap<number, KnownRecord>;
  readonly copies: readonly LeftoverRecoveryCopy[];
}

type CopyRecord = Omit<LeftoverRecoveryCopy, "spans">;

interface KnownRecord {
  readonly bytes: Uint8Array;
  readonly record: CopyRecord | undefined;
}

/** Reads a file, and parses what has changed since; otherwise returns why it wasn't read. */
function refreshCachedFile(
  { path, stamp }: Pick<ReadableFile, "path" | "stamp">,
  endpoint: string,
  before: CachedRecoveryFile | undefined,
): CachedRecoveryFile | string {
  const file = readContentsOrReason(path);
  if (typeof file === "string") return file;
  const { isOurs } = file;
  const spans = path.endsWith(".ndjson") ? splitIntoLineSpans(file.bytes) : [{ start: 0, bytes: file.bytes }];
  const records = new Map<number, KnownRecord>();
  const found = new Map<string, LeftoverRecoveryCopy>();
  const allSpans = new Map<string, SpanWithBytes[]>();
  for (const span of spans) {
    const old = before?.isOurs === isOurs ? before.records.get(span.start) : undefined;
    const isOld = old !== undefined && Buffer.compare(old.bytes, span.bytes) === 0;
    const record = isOld ? old.record : parseRecordForEndpoint(path, file, span, endpoint);
    records.set(span.start, { bytes: span.bytes, record });
    if (record === undefined) continue;
    const { stack, key } = record;
    const name = key === undefined ? String(span.start) : JSON.stringify([stack, key]);
    const ofClient = allSpans.get(name) ?? [];
    ofClient.push(span);
    allSpans.set(name, ofClient);
    // The last line of a client is its current record, and decides its place in the order.
    found.delete(name);
    found.set(name, { ...record, spans: ofClient });
  }
  return { stamp, isOurs, records, copies: [...found.values()] };
}

/** Opens a file for some work, and closes it again. */
function withFile<T>(path: string, flags: number, work: (file: number) => T): T {
  const file = openSync(path, flags);
  try {
    return work(file);
  } finally {
    closeSync(file);
  }
}

interface RecoveryFileContents {
  readonly bytes: Uint8Array;
  /** Whether nobody else could have written it. */
  readonly isOurs: boolean;
}

/** Reads a file; otherwise returns why not, or that another run has removed it. */
function readContentsOrReason(path: string): RecoveryFileContents | string {
  try {
    return withFile(path, READ_ONLY, (file) => {
      const status = fstatSync(file);
      const reason = status.isFile() ? reasonNotToRead(status) : UNREAD_REASONS.failed;
      if (reason !== undefined) return reason;
      const isOurs = process.getuid === undefined || (status.mode & 0o022) === 0;
      return { bytes: readFileSync(file), isOurs };
    });
  } catch (error) {
    return errorCode(error) === "ENOENT" ? REMOVED : UNREAD_REASONS.failed;
  }
}

function splitIntoLineSpans(bytes: Uint8Array): readonly SpanWithBytes[] {
  const spans: SpanWithBytes[] = [];
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
function parseRecordForEndpoint(
  path: string,
  { isOurs }: RecoveryFileContents,
  span: SpanWithBytes,
  endpoint: string,
): CopyRecord | undefined {
  const values = parseJsonValuesOrFault(utf8.decode(span.bytes));
  const [record] = isJsonFault(values) ? [] : values;
  const read = v.safeParse(LeftoverRecord, record);
  if (!read.success || read.output.endpoint !== endpoint) return undefined;
  const due = isOurs ? v.safeParse(DueRecord, record) : undefined;
  const { client_id: clientId, stack, key } = read.output;
  return { path, clientId, stack, key, due: due?.success === true ? due.output : undefined };
}

/**
 * Removes the records of a client from a file. They are overwritten where they are, because the run that saved them may
 * still add others to the file.
 */
function eraseLeftoverRecords({ path, spans }: LeftoverRecoveryCopy): void {
  overwriteSpans(path, spans, (text) => " ".repeat(text.length));
  const left = readContentsOrReason(path);
  if (typeof left !== "string" && left.bytes.every((byte) => byte === 0x20 || byte === 0x0a)) unlinkSync(path);
}

/** Keeps the records of a client, marked as a secret that no run is to deliver. */
function cancelLeftoverDelivery({ path, spans }: LeftoverRecoveryCopy): void {
  // Inside a string the quotes would be escaped, so this is the member itself.
  overwriteSpans(path, spans, (text) => text.replace(/("delivery": ?)"due"/, '$1"off"'));
}

/** Changes parts of a file without changing their length; a part that has been changed meanwhile is left as it is. */
function overwriteSpans(path: string, spans: readonly SpanWithBytes[], change: (latin1: string) => string): void {
  try {
    withFile(path, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0), (file) => {
      for (const { start, bytes } of spans) {
        if (!isSpanUnchanged(file, { start, bytes })) continue;
        const changed = change(Buffer.from(bytes).toString("latin1"));
        writeSync(file, Buffer.from(changed, "latin1"), 0, bytes.length, start);
      }
    });
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

function isSpanUnchanged(file: number, { start, bytes }: SpanWithBytes): boolean {
  const there = Buffer.alloc(bytes.length);
  return readSync(file, there, 0, there.length, start) === there.length && there.equals(bytes);
}

/** Whether a copy is where it was found, without reading the others. */
function isStillThere({ path, spans }: LeftoverRecoveryCopy): boolean {
  try {
    return withFile(path, READ_ONLY, (file) => spans.some((span) => isSpanUnchanged(file, span)));
  } catch {
    return false;
  }
}
