import { isJsonObject, numberText } from "../json.ts";
import { usageError } from "../problem.ts";
import { escapeControls, quote } from "../text.ts";
import { ACCESS_TOKEN, CONNECTION_FLAGS, FORMAT, HEADER, REQUIRE_PIN } from "./flag-table.ts";
import type { FlagValues } from "./parse.ts";

/** A config file as it was read. */
export interface ConfigContent {
  readonly path: string;
  readonly content: unknown;
  /** Whether others than its owner can read it. */
  readonly readable: boolean;
  /** Why others than the user may have written it, where that is so. */
  readonly writers?: string;
}

/** Who can have written a config file, as far as its owner and its permission bits show. */
export type Writers =
  | { readonly trust: "all" }
  | { readonly trust: "some" | "none"; readonly reason: string; readonly remedy: string };

/**
 * Who else than the user can have written a config file, which steers where credentials go: none is trusted whose owner
 * is neither the user nor root or which everyone can write. A group is worth a warning, for many systems give every
 * user a group of their own.
 */
export function writersOf(file: { readonly mode: number; readonly uid: number }, user: number | undefined): Writers {
  // A system without numbers for its users has no such bits either.
  if (user === undefined) return { trust: "all" };
  if (file.uid !== user && file.uid !== 0)
    return { trust: "none", reason: `it belongs to another user (UID ${file.uid})`, remedy: `chown ${user}` };
  if ((file.mode & 0o002) !== 0)
    return { trust: "none", reason: "every user of this machine can write it", remedy: "chmod 600" };
  if ((file.mode & 0o020) !== 0) return { trust: "some", reason: "its group can write it", remedy: "chmod 600" };
  return { trust: "all" };
}

/** What the settings of a config file are, by key. */
export interface ConfigFile {
  readonly file: (key: string) => { readonly texts: readonly string[]; readonly name: string } | undefined;
  /** The endpoint that stands in the file, to which its credentials belong. */
  readonly endpoint: string | undefined;
  readonly unknown: readonly string[];
  readonly warnings: (values: FlagValues) => readonly string[];
}

/** The keys that a config file may have, from the flag rows. */
export const CONFIG_KEYS: readonly string[] = [...CONNECTION_FLAGS, FORMAT, REQUIRE_PIN].flatMap((flag) =>
  flag.file === undefined ? [] : [flag.file],
);

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function texts(value: unknown, key: string, path: string): readonly string[] {
  const number = numberText(value);
  if (number !== undefined) return [number];
  if (isScalar(value)) return [String(value)];
  if (value === null || value === undefined) return [];
  if (key === HEADER.file) {
    const items: readonly unknown[] = Array.isArray(value) ? value : isJsonObject(value) ? [value] : [];
    const lines = items.map(headerLines);
    if (items.length > 0 && lines.every((found) => found !== undefined)) return lines.flat();
    if (Array.isArray(value) && items.length === 0) return [];
  }
  throw usageError(
    `Config file ${quote(path)}: ${quote(key)} has a value of the wrong kind`,
    key === HEADER.file
      ? "write a list of 'Name: value', or names with their values"
      : "write one text, number or true or false",
    "config-file",
  );
}

/** The header lines that one entry of a list stands for: a text, or the map that YAML makes of `Name: value` without quotes. */
function headerLines(item: unknown): readonly string[] | undefined {
  if (typeof item === "string") return [item];
  if (!isJsonObject(item) || !Object.values(item).every(isScalar)) return undefined;
  return Object.entries(item).map(([name, header]) => `${name}: ${header}`);
}

/** Reads the settings out of a config file's content; keys that it does not know may belong to the server. */
export function readConfigFile({ path, content, readable, writers }: ConfigContent): ConfigFile {
  const record = content === null || content === undefined ? {} : content;
  if (!isJsonObject(record))
    throw usageError(
      `Config file ${quote(path)}: it holds no keys with values`,
      "write lines such as endpoint: http://127.0.0.1:4445",
      "config-file",
    );
  const settings = new Map<string, readonly string[]>();
  for (const key of CONFIG_KEYS) {
    const found = Object.hasOwn(record, key) ? texts(record[key], key, path) : [];
    if (found.length > 0) settings.set(key, found);
  }
  const name = (key: string): string => `${quote(key)} in ${escapeControls(path)}`;
  return {
    file(key) {
      const found = settings.get(key);
      return found === undefined ? undefined : { texts: found, name: name(key) };
    },
    endpoint: settings.get("endpoint")?.[0],
    unknown: Object.keys(record).filter((key) => !CONFIG_KEYS.includes(key)),
    warnings() {
      const userinfo = /^[^/]*\/\/[^/]*@/.test(settings.get("endpoint")?.[0] ?? "");
      const credentials =
        userinfo || [ACCESS_TOKEN, HEADER].some((flag) => flag.file !== undefined && settings.has(flag.file));
      return [
        ...(writers === undefined ? [] : [`Config file ${path} may have been written by someone else: ${writers}`]),
        ...(readable && credentials ? [`${path} holds credentials and others can read it: chmod 600 ${path}`] : []),
      ];
    },
  };
}
