import { constants, lstatSync, readdirSync, readFileSync, statSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { toHex } from "../../core/bytes.ts";
import { errorCode } from "../../core/problem.ts";
import { MAX_SECRET_FILE_BYTES, RESERVED_BYTES } from "./target.ts";

/** The name of the draft of a file: hidden, with a random end. */
export function draftNameOf(name: string, random: (count: number) => Uint8Array): string {
  return `.${name}.${toHex(random(8))}`;
}

const DRAFT_NAME_PATTERN = /^\.(.+)\.[0-9a-f]{16}$/;

/** A draft with contents that a run which was killed has left. */
export interface LeftoverDraft {
  readonly path: string;
  /** The name that the file would have got. */
  readonly name: string;
  /** The path of that file, and whether there is one. */
  readonly file: string;
  readonly fileExists: boolean;
  /** Whether reserved bytes follow the text. */
  readonly isPadded: boolean;
}

/** The drafts with contents of a target: of every file in a folder, or of one file. */
export function findNonEmptyDrafts(target: string): readonly LeftoverDraft[] {
  return draftsOf(target).flatMap(({ folder, path, name }) => {
    const contents = classifyDraftContents(path);
    if (contents === undefined || contents === "none") return [];
    const file = join(folder, name);
    return [{ path, name, file, fileExists: exists(file), isPadded: contents === "padded text" }];
  });
}

/** How long a run may keep a draft empty: that of a file for all clients gets its text at the end of the run. */
const LONGEST_EMPTY_MS = 24 * 60 * 60_000;

/** Removes the drafts of a target that hold nothing, unless a run that still goes on may have opened them. */
export function removeOldEmptyDrafts(target: string, now: number): void {
  for (const { path } of draftsOf(target)) {
    try {
      if (lstatSync(path).mtimeMs < now - LONGEST_EMPTY_MS && classifyDraftContents(path) === "none") unlinkSync(path);
    } catch {
      // It is empty, so nothing is lost if it stays.
    }
  }
}

function draftsOf(target: string) {
  try {
    const isFolder = statSync(target, { throwIfNoEntry: false })?.isDirectory() === true;
    const folder = isFolder ? target : dirname(target);
    return readdirSync(folder).flatMap((entry) => {
      const name = DRAFT_NAME_PATTERN.exec(entry)?.[1];
      const isOurs = name !== undefined && (isFolder || name === basename(target));
      return isOurs ? [{ folder, path: join(folder, entry), name }] : [];
    });
  } catch {
    // A folder that can't be read has no drafts of ours.
    return [];
  }
}

function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** Waits for no writer if something else takes the place of the file. */
const READ_ONLY = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** What a draft contains; undefined if there is no such file. A file that can't be read may contain a secret. */
function classifyDraftContents(path: string): "none" | "text" | "padded text" | undefined {
  try {
    const status = lstatSync(path);
    if (!status.isFile()) return undefined;
    if (status.size > MAX_SECRET_FILE_BYTES + RESERVED_BYTES) return "text";
    const bytes = readFileSync(path, { flag: READ_ONLY });
    const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
    if (end === 0) return "none";
    return end < bytes.length ? "padded text" : "text";
  } catch (error) {
    return errorCode(error) === "ENOENT" ? undefined : "text";
  }
}
