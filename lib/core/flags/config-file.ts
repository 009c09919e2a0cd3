import { isJsonObject, preservedNumberText } from "../json.ts";
import { usageError } from "../problem.ts";
import { escapeControls, quote, suggestWord } from "../text.ts";
import { ACCESS_TOKEN, CONNECTION_FLAGS, FORMAT, HEADER, PUBLIC_URL, REQUIRE_PIN } from "./shared-flags.ts";

/** A config file as read from the disk. */
interface ConfigContent {
  readonly path: string;
  readonly content: unknown;
  /** Whether anyone but its owner can read it. */
  readonly readable: boolean;
  /** Why someone other than the user may have written it. */
  readonly writers?: string;
}

/** Who may have written a config file, as far as its owner and its permission bits show. */
type ConfigFileTrust =
  | { readonly trust: "all" }
  | { readonly trust: "some" | "none"; readonly reason: string; readonly remedy: string };

/**
 * Who other than the user may have written a config file, which decides where credentials go. A file is not trusted if its
 * owner is neither the user nor root, or if everyone can write it. A group that can write it only causes a warning, because
 * many systems give every user a group of their own.
 */
export function configTrustByPermissions(
  file: { readonly mode: number; readonly uid: number },
  user: number | undefined,
): ConfigFileTrust {
  // A system without user IDs has no permission bits either.
  if (user === undefined) return { trust: "all" };
  if (file.uid !== user && file.uid !== 0)
    return { trust: "none", reason: `it belongs to another user (UID ${file.uid})`, remedy: `chown ${user}` };
  if ((file.mode & 0o002) !== 0)
    return { trust: "none", reason: "every user of this machine can write to it", remedy: "chmod 600" };
  if ((file.mode & 0o020) !== 0) return { trust: "some", reason: "its group can write to it", remedy: "chmod 600" };
  return { trust: "all" };
}

/** The settings of a config file. */
export interface ConfigFile {
  readonly file: (key: string) => { readonly texts: readonly string[]; readonly name: string } | undefined;
  /** The endpoint in the file, to which its credentials belong. */
  readonly endpoint: string | undefined;
  readonly unknown: readonly string[];
  readonly path: string;
  readonly warnings: readonly string[];
}

/** The keys that a config file may have, from the flag rows. */
export const CONFIG_KEYS: readonly string[] = [...CONNECTION_FLAGS, PUBLIC_URL, FORMAT, REQUIRE_PIN].flatMap((flag) =>
  flag.file === undefined ? [] : [flag.file],
);

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

/** The texts of a setting; empty for a key without a value, undefined for a value of the wrong type. */
function settingTexts(value: unknown, key: string): readonly string[] | undefined {
  if (value === null || value === undefined) return [];
  // A number can be one that JavaScript would round, so its own text counts.
  const number = preservedNumberText(value);
  if (number !== undefined) return [number];
  if (isScalar(value)) return [String(value)];
  return key === HEADER.file ? headerLines(value) : undefined;
}

/** The header lines of a list or a map. */
function headerLines(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return isJsonObject(value) ? headersOf(value) : undefined;
  const lines: string[] = [];
  for (const item of value) {
    // Without quotes YAML reads an item `Name: value` as a map.
    const found = typeof item === "string" ? [item] : headersOf(item);
    if (found === undefined) return undefined;
    lines.push(...found);
  }
  return lines;
}

function headersOf(item: unknown): readonly string[] | undefined {
  if (!isJsonObject(item) || !Object.values(item).every(isScalar)) return undefined;
  return Object.entries(item).map(([name, header]) => `${name}: ${header}`);
}

function readSettings(
  content: Readonly<Record<string, unknown>>,
  path: string,
): ReadonlyMap<string, readonly string[]> {
  const settings = new Map<string, readonly string[]>();
  for (const key of CONFIG_KEYS) {
    const found = settingTexts(Object.hasOwn(content, key) ? content[key] : undefined, key);
    if (found === undefined)
      throw usageError(
        `Config file ${quote(path)}: ${quote(key)} has a value of the wrong type`,
        key === HEADER.file
          ? "write a list of 'Name: value', or names with their values"
          : "write a string, a number, true or false",
        "config-file",
      );
    if (found.length > 0) settings.set(key, found);
  }
  return settings;
}

/** Names for the endpoint in the settings of other programs, and what people call it. */
const ENDPOINT_NAMES = new Set([
  "url",
  "uri",
  "host",
  "server",
  "address",
  "admin",
  "admin_url",
  "hydra_url",
  "base_url",
]);

/** The key of a config file that was probably meant to be the endpoint. */
export function findMisspelledEndpoint({ unknown }: Pick<ConfigFile, "unknown">): string | undefined {
  return unknown.find((key) => {
    const name = key.toLowerCase().replaceAll("-", "_");
    return ENDPOINT_NAMES.has(name) || /endpoint|admin_url/.test(name) || suggestWord(name, CONFIG_KEYS) === "endpoint";
  });
}

/** Reads the settings in the content of a config file; keys that it doesn't know may be for the server. */
export function interpretParsedConfig({ path, content, readable, writers }: ConfigContent): ConfigFile {
  const record = content ?? {};
  if (!isJsonObject(record))
    throw usageError(
      `Config file ${quote(path)} has no keys with values`,
      "write lines such as endpoint: http://127.0.0.1:4445",
      "config-file",
    );
  const settings = readSettings(record, path);
  const endpoint = settings.get("endpoint")?.[0];
  const hasUserinfo = /^[^/]*\/\/[^/]*@/.test(endpoint ?? "");
  const hasCredentials =
    hasUserinfo || [ACCESS_TOKEN, HEADER].some(({ file }) => file !== undefined && settings.has(file));
  return {
    file(key) {
      const texts = settings.get(key);
      return texts === undefined ? undefined : { texts, name: `${quote(key)} in ${escapeControls(path)}` };
    },
    endpoint,
    path,
    unknown: Object.keys(record).filter((key) => !CONFIG_KEYS.includes(key)),
    warnings: [
      ...(writers === undefined ? [] : [`Config file ${path} may have been written by someone else: ${writers}`]),
      ...(readable && hasCredentials ? [`${path} contains credentials and others can read it: chmod 600 ${path}`] : []),
    ],
  };
}
