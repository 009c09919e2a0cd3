import * as v from "valibot";
import { isJsonObject, type JsonObject, preservedNumberText } from "../json/json.ts";
import { AnyJsonObject, parseOrReject } from "../json/schemas.ts";
import { usageError } from "../problem.ts";
import { escapeControls, pathRelativeToFile, quote, suggestWord } from "../text.ts";
import { ACCESS_TOKEN, CA_FILE, CONNECTION_FLAGS, HEADER, PUBLIC_URL } from "./connection-flags.ts";
import { ENCRYPTION_FLAGS, KEY_OUT, REQUIRE_PIN, SECRET_OUT } from "./credential-flags.ts";
import type { Flag } from "./flag.ts";
import { FORMAT } from "./shared-flags.ts";

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

/** The flags that a config file may set, by their keys. */
export const FLAG_BY_CONFIG_KEY: ReadonlyMap<string, Flag> = new Map(
  [...CONNECTION_FLAGS, PUBLIC_URL, FORMAT, REQUIRE_PIN].flatMap((flag) =>
    flag.file === undefined ? [] : [[flag.file, flag]],
  ),
);

/** The keys that a config file may have. */
export const CONFIG_KEYS: readonly string[] = [...FLAG_BY_CONFIG_KEY.keys()];

/** A schema of what a key may contain, as the texts of its setting; empty for a key without a value. */
type SettingSchema = v.GenericSchema<unknown, readonly string[]>;

/** The schemas of all keys, built when a file is read. */
function createSettingsSchema(): v.ObjectSchema<Readonly<Record<string, SettingSchema>>, undefined> {
  const text = v.pipe(
    v.unknown(),
    // A number can be one that JavaScript would round, so its own text counts.
    v.transform((value) => preservedNumberText(value) ?? value),
    v.union([v.string(), v.number(), v.boolean()]),
    v.transform(String),
  );
  const none = v.pipe(
    v.nullish(v.never()),
    v.transform((): readonly string[] => []),
  );
  const single = v.pipe(
    text,
    v.transform((value): readonly string[] => [value]),
  );
  const named = v.pipe(
    AnyJsonObject,
    v.transform((headers) => Object.entries(headers)),
    v.array(v.tuple([v.string(), text])),
    v.transform((headers): readonly string[] => headers.map(([name, value]) => `${name}: ${value}`)),
  );
  // Without quotes YAML reads an item `Name: value` as a map.
  const list = v.pipe(
    v.array(v.union([v.string(), named])),
    v.transform((items): readonly string[] => items.flat()),
  );
  const setting = v.optional(v.union([none, single]), null);
  const headers = v.optional(v.union([none, single, list, named]), null);
  return v.object(Object.fromEntries(CONFIG_KEYS.map((key) => [key, key === HEADER.file ? headers : setting])));
}

function parseConfigSettings(content: JsonObject, path: string): ReadonlyMap<string, readonly string[]> {
  // A copy has own keys only.
  const settings = parseOrReject(createSettingsSchema(), { ...content }, (key): never => {
    throw usageError(
      `Config file ${quote(path)}: ${quote(key)} has a value of the wrong type`,
      key === HEADER.file
        ? "write a list of 'Name: value', or names with their values"
        : "write a string, a number, true or false",
      "config-file",
    );
  });
  // An empty text counts as unset, as in a variable; for a switch it could hide that a check was meant to be on.
  const isSet = (key: string, texts: readonly string[]): boolean =>
    texts.some((text) => text !== "" || FLAG_BY_CONFIG_KEY.get(key)?.kind === "switch");
  return new Map(Object.entries(settings).filter(([key, texts]) => isSet(key, texts)));
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

/**
 * A warning for each key that someone trusts to have an effect: a setting in another spelling, and a flag that keeps a secret
 * from being printed.
 */
function ineffectiveKeyWarnings(unknown: readonly string[], path: string): readonly string[] {
  const squeezed = (name: string): string => name.toLowerCase().replace(/[-_]/g, "");
  const protecting = [...ENCRYPTION_FLAGS, SECRET_OUT, KEY_OUT].map(({ name }) => name);
  return unknown.flatMap((key) => {
    const sameName = (name: string): boolean => squeezed(name) === squeezed(key);
    const [meant, flag] = [CONFIG_KEYS.find(sameName), protecting.find(sameName)];
    // Where the endpoint is missing, the error names its key.
    if (meant === "endpoint" || (meant ?? flag) === undefined) return [];
    const instead = meant === undefined ? `use the flag --${flag}` : `write ${meant}`;
    return [`${quote(key)} in ${path} has no effect: ${instead}`];
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
  const settings = parseConfigSettings(record, path);
  const unknown = Object.keys(record).filter((key) => !CONFIG_KEYS.includes(key));
  const endpoint = settings.get("endpoint")?.[0];
  const hasUserinfo = /^[^/]*\/\/[^/]*@/.test(endpoint ?? "");
  const hasCredentials =
    hasUserinfo || [ACCESS_TOKEN, HEADER].some(({ file }) => file !== undefined && settings.has(file));
  return {
    file(key) {
      const texts = settings.get(key);
      if (texts === undefined) return undefined;
      // A file in the working directory must not change who is trusted.
      const found = key === CA_FILE.file ? texts.map((text) => pathRelativeToFile(text, path)) : texts;
      return { texts: found, name: `${quote(key)} in ${escapeControls(path)}` };
    },
    endpoint,
    path,
    unknown,
    warnings: [
      ...(writers === undefined ? [] : [`Config file ${path} may have been written by someone else: ${writers}`]),
      ...(readable && hasCredentials ? [`${path} contains credentials and others can read it: chmod 600 ${path}`] : []),
      ...ineffectiveKeyWarnings(unknown, path),
    ],
  };
}
