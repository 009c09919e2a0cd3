import { closeSync, constants, openSync, unlinkSync, writeFileSync } from "node:fs";
import { open, unlink } from "node:fs/promises";
import { join, resolve } from "node:path";

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
  /** Removes a file that {@link keep} made, once its content is delivered. */
  drop(path: string): Promise<void>;
}

/** The outside that a rescue place needs. */
export interface RescueOptions {
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

/**
 * Finds the first folder in which a rescue file can be made, by making and removing one; undefined where there is none.
 */
export async function findRescuePlace(options: RescueOptions): Promise<RescuePlace | undefined> {
  const tail = (): string => Array.from(options.random(8), (byte) => byte.toString(16).padStart(2, "0")).join("");
  for (const folder of options.folders) {
    const proof = join(folder, `.hydra-rescue-${tail()}`);
    try {
      prove(proof);
    } catch {
      continue;
    }
    return {
      folder,
      async keep(record) {
        const name = (record.client_id ?? "client").replace(/[^A-Za-z0-9._-]+/g, "_").slice(0, 80);
        const path = resolve(folder, `hydra-rescue-${name}-${tail()}.json`);
        await writeNew(path, `${JSON.stringify(record, null, 2)}\n`);
        return path;
      },
      drop: (path) => unlink(path),
    };
  }
  return undefined;
}
