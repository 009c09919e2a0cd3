import { readdirSync, statSync } from "node:fs";

/** The path of an entry of a folder, in the form of the folder's own path. */
function joined(folder: string, name: string): string {
  return /[/\\]$/.test(folder) ? `${folder}${name}` : `${folder}/${name}`;
}

/**
 * The files in a folder and its subfolders, sorted; undefined for a path that isn't a folder. Entries that begin with a dot
 * and `node_modules` are left out, and links to folders are not followed, so that no loop is endless.
 */
export function listFolder(path: string): readonly string[] | undefined {
  if (!statSync(path).isDirectory()) return undefined;
  const files: string[] = [];
  const pending = [path];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const entry of readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !isHidden(name))) {
      const inner = joined(folder, entry.name);
      if (entry.isDirectory()) pending.push(inner);
      else if (entry.isFile() || (entry.isSymbolicLink() && isFile(inner))) files.push(inner);
    }
  }
  return files.sort();
}

function isHidden(name: string): boolean {
  return name.startsWith(".") || name === "node_modules";
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
