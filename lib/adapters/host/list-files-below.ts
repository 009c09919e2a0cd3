import { type Dirent, readdirSync, realpathSync, statSync } from "node:fs";
import { errorCode } from "../../core/problem.ts";

/** What is in a folder and its subfolders. */
export interface FilesBelowFolder {
  /** The wanted files, sorted. */
  readonly files: readonly string[];
  /** What may hold wanted files but can't be read, sorted. */
  readonly unreadable: readonly UnreadableEntry[];
}

/** An entry of a folder that can't be read: the error, or what it is instead of a file. */
interface UnreadableEntry {
  readonly path: string;
  readonly why: "dangling-link" | "folder" | "special" | Error;
}

/** The path of an entry of a folder, in the form of the folder's own path. */
function joinPath(folder: string, name: string): string {
  return /[/\\]$/.test(folder) ? `${folder}${name}` : `${folder}/${name}`;
}

/** A walk through a folder and its subfolders, which visits each folder once, also if several links lead to it. */
class FolderWalk {
  readonly files: string[] = [];
  readonly unreadable: UnreadableEntry[] = [];
  readonly #isWanted: (name: string) => boolean;
  readonly #visited = new Set<string>();
  readonly #folders: string[];
  /** Visited after all others, so that a file that has a path without links is listed under it. */
  readonly #linkedFolders: string[] = [];

  constructor(root: string, isWanted: (name: string) => boolean) {
    this.#folders = [root];
    this.#isWanted = isWanted;
  }

  run(): FilesBelowFolder {
    for (let next = this.#next(); next !== undefined; next = this.#next()) this.#attempt(next, () => this.#visit(next));
    const unreadable = this.unreadable.sort((a, b) => (a.path < b.path ? -1 : 1));
    return { files: this.files.sort(), unreadable };
  }

  #next(): string | undefined {
    return this.#folders.shift() ?? this.#linkedFolders.shift();
  }

  #attempt(path: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const isDangling = ["ENOENT", "ELOOP"].includes(errorCode(error) ?? "");
      this.unreadable.push({ path, why: isDangling ? "dangling-link" : error });
    }
  }

  #visit(folder: string): void {
    const real = realpathSync(folder);
    if (this.#visited.has(real)) return;
    this.#visited.add(real);
    // In order, so that of several links to one folder it is always the same that counts.
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      const path = joinPath(folder, entry.name);
      this.#attempt(path, () => this.#enter(path, entry));
    }
  }

  #enter(path: string, entry: Dirent): void {
    const isWanted = this.#isWanted(entry.name);
    // What a link leads to; also where the file system doesn't say what an entry is.
    const kind = entry.isDirectory() || entry.isFile() ? entry : statSync(path);
    if (kind.isDirectory()) {
      if (isWanted) this.unreadable.push({ path, why: "folder" });
      else (kind === entry ? this.#folders : this.#linkedFolders).push(path);
    } else if (!isWanted) return;
    else if (kind.isFile()) this.files.push(path);
    else this.unreadable.push({ path, why: "special" });
  }
}

/**
 * The wanted files in a folder and its subfolders; undefined for a path that isn't a folder. Links are followed. Entries
 * that begin with a dot and `node_modules` are left out. Nothing is opened, so that no pipe or device is read.
 */
export function listFilesBelow(path: string, isWanted: (name: string) => boolean): FilesBelowFolder | undefined {
  return statSync(path).isDirectory() ? new FolderWalk(path, isWanted).run() : undefined;
}
