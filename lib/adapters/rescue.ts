import { accessSync, closeSync, constants, openSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { open, unlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Problem, reasonOf, systemCode, usage } from "../core/problem.ts";
import { printable, quoted } from "../core/text.ts";

/** What is kept of credentials that could not be handed over. */
export interface RescueRecord {
  /** `made`: the server answered that the client is there; `unverified`: it may be there. */
  readonly state: "made" | "unverified";
  readonly reason: string;
  readonly time: string;
  readonly endpoint: string;
  readonly client_id?: string;
  readonly client_secret?: string;
  readonly client_secret_encrypted?: string;
  readonly [more: string]: unknown;
}

/** A folder in which a rescue file can be made; it was tried. */
export interface RescuePlace {
  readonly folder: string;
  /** Writes a new file with mode 0600 and gives its whole path once it is on the disk. */
  keep(record: RescueRecord): Promise<string>;
  /** The same for what would be lost otherwise: where the folder takes no file any more, another one has it. */
  keepSomewhere(record: RescueRecord): Promise<string>;
  /** Removes a file that {@link keep} made, once its content is delivered. */
  drop(path: string): Promise<void>;
}

/** The outside that a rescue place needs. */
export interface RescueOptions {
  /** The only folder that is wanted, and how messages call it; it must be usable then. */
  readonly named?: { readonly folder: string; readonly from: string };
  /** Folders in the order of preference. */
  readonly folders: readonly string[];
  readonly random: (count: number) => Uint8Array;
}

/** Created here and by nobody else, never through a symlink, readable by the owner alone. */
const EXCLUSIVE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

async function writeNew(path: string, text: string): Promise<void> {
  const file = await open(path, EXCLUSIVE, 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    await unlink(path).catch(() => {});
    throw error;
  } finally {
    await file.close();
  }
}

/** As much as a rescue file may need, so that a disk that is nearly full is found before it matters. */
const PROOF = `${" ".repeat(16_384)}\n`;

/**
 * Makes and removes a file. Without waiting for the disk, which costs a create more than all the rest and proves nothing
 * that the write did not, and without the runtime's workers, whose turns cost more than the calls.
 */
function prove(path: string): void {
  const file = openSync(path, EXCLUSIVE, 0o600);
  try {
    // Unlike a bare write, this goes on after a disk took a part and fails when it takes no more.
    writeFileSync(file, PROOF);
  } finally {
    closeSync(file);
    unlinkSync(path);
  }
}

/** Why a folder that was named cannot be used; a usage Problem. */
function unusable({ folder, from }: NonNullable<RescueOptions["named"]>, why: string): Problem {
  return usage(
    `${from} ${quoted(folder)} cannot be used: ${why}`,
    "name a folder that can be written, or leave it out",
    "bad-rescue-dir",
  );
}

function reason(error: unknown): string {
  const code = systemCode(error);
  if (code === "ENOENT") return "there is no such folder";
  if (code === "ENOTDIR") return "it is no folder";
  if (code === "EACCES" || code === "EROFS") return "it cannot be written";
  return code === "ENOSPC" ? "the disk is full" : printable(reasonOf(error));
}

/**
 * Finds the first folder in which a rescue file can be made, by making and removing one; undefined where there is none. A
 * folder that was named is the only one, and a usage Problem is thrown where it cannot be used.
 */
export async function findRescuePlace(options: RescueOptions): Promise<RescuePlace | undefined> {
  const { named } = options;
  const tail = (): string => Array.from(options.random(8), (byte) => byte.toString(16).padStart(2, "0")).join("");
  async function keepIn(folder: string, record: RescueRecord): Promise<string> {
    const name = (record.client_id ?? "client").replace(/[^A-Za-z0-9._-]+/g, "_").slice(0, 80);
    const path = resolve(folder, `hydra-rescue-${name}-${tail()}.json`);
    await writeNew(path, `${JSON.stringify(record, null, 2)}\n`);
    return path;
  }
  if (named?.folder === "") throw unusable(named, "it names no folder");
  for (const folder of named === undefined ? options.folders : [named.folder]) {
    const proof = join(folder, `.hydra-rescue-${tail()}`);
    try {
      prove(proof);
    } catch (error) {
      if (named !== undefined) throw unusable(named, reason(error));
      continue;
    }
    return {
      folder,
      keep: (record) => keepIn(folder, record),
      async keepSomewhere(record) {
        let first: unknown;
        for (const place of new Set([folder, ...options.folders])) {
          try {
            return await keepIn(place, record);
          } catch (error) {
            first ??= error;
          }
        }
        throw first;
      },
      drop: (path) => unlink(path),
    };
  }
  return undefined;
}

/** Throws where the system says that a folder cannot be written; Deno may have to ask for rights to know, and then opening tells. */
function mayWrite(folder: string): void {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = systemCode(error);
    if (code === "EACCES" || code === "EROFS") throw error;
  }
}

/** What can be seen to be wrong with a folder that was named, without making a file in it. */
export function lookAtRescueFolder(named: NonNullable<RescueOptions["named"]>): Problem | undefined {
  try {
    if (named.folder === "") return unusable(named, "it names no folder");
    if (!statSync(named.folder).isDirectory()) return unusable(named, "it is no folder");
    mayWrite(named.folder);
    return undefined;
  } catch (error) {
    return unusable(named, reason(error));
  }
}
