import type { Host, InputFile } from "../adapters/host.ts";
import { type Connection, type ConnectionReading, readConnection } from "../core/flags/connection.ts";
import { ACCESS_TOKEN_FILE, CONFIG } from "../core/flags/flag-table.ts";
import type { FlagValues } from "../core/flags/parse.ts";
import { INPUT_LIMIT, InputTooLarge, sizeText, whyUnreadable } from "../core/input-limits.ts";
import { shellQuoted } from "../core/output/shell.ts";
import { errorCode, Problem, usageError } from "../core/problem.ts";
import { escapeControls, quote } from "../core/text.ts";

/** What the config file says. */
export interface Config {
  readonly file: (key: string) => { readonly texts: readonly string[]; readonly name: string } | undefined;
  readonly endpoint: string | undefined;
  readonly unknown: readonly string[];
  readonly warnings: (values: FlagValues) => readonly string[];
}

/** No config file, or none that matters. */
export const NO_CONFIG: Config = { file: () => undefined, endpoint: undefined, unknown: [], warnings: () => [] };

/** Reads the config file where a command has settings; a file that the flag names must be there. */
export async function readConfig(host: Host, values: FlagValues, wanted: boolean): Promise<Config> {
  const named = values.text(CONFIG);
  const home = host.environment("HOME") ?? "";
  if (!wanted || (named === undefined && home === "")) return NO_CONFIG;
  const path = named ?? `${home}/.hydra.yaml`;
  let read: InputFile;
  try {
    read = await host.readFile(path, INPUT_LIMIT.bytes);
  } catch (error) {
    if (named === undefined && (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR")) return NO_CONFIG;
    const why =
      error instanceof InputTooLarge ? `it is larger than ${sizeText(INPUT_LIMIT.bytes)}` : whyUnreadable(error);
    throw usageError(
      `Cannot read the config file ${quote(path)}: ${escapeControls(why)}`,
      named === undefined ? "fix or remove the file" : "check the path after --config",
      "config-file",
    );
  }
  const { readConfigFile, writersOf } = await import("../core/flags/config-file.ts");
  const writers = writersOf(read, host.uid());
  // Nobody chose this file on the command line, so it counts only where nobody else can have chosen its content.
  if (named === undefined && writers.trust === "none")
    throw usageError(
      `Config file ${quote(path)} is not used: ${writers.reason}`,
      `make sure that its content is yours, then ${writers.remedy} ${shellQuoted(path)}, or name it with --config`,
      "untrusted-config",
    );
  const text = new TextDecoder().decode(read.bytes);
  const { isJsonText, readJsonFile } = await import("../core/json-text.ts");
  const { parseYaml } = await import("../adapters/yaml.ts");
  return readConfigFile({
    path,
    // A token of digits alone is no number, which would lose its leading zeros and its last digits.
    content: isJsonText(text, path) ? readJsonFile(text, path)[0] : await parseYaml(text, path, "texts"),
    readable: (read.mode & 0o044) !== 0,
    ...(writers.trust === "all" ? {} : { writers: writers.reason }),
  });
}

/** The connection that the settings describe, its token read from a file where one is named. */
export async function readServer(
  host: Host,
  values: FlagValues,
  config: Config,
  problems: Problem[],
): Promise<ConnectionReading> {
  const path = values.text(ACCESS_TOKEN_FILE);
  if (path === undefined) return readConnection(values, config.endpoint);
  const { readBytes } = await import("./input.ts");
  try {
    const token = new TextDecoder().decode(await readBytes(host, path, "--access-token-file"));
    return readConnection(values, config.endpoint, { text: token, name: `--access-token-file ${quote(path)}` });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    problems.push(error);
    return readConnection(values, config.endpoint);
  }
}

/** The certificates of `--ca-file` are looked at before anything is sent, and for https alone. */
export async function caProblems(host: Host, connection: Connection, values: FlagValues): Promise<readonly Problem[]> {
  if (connection.caFile === undefined) return [];
  const { readAuthorities } = await import("./input.ts");
  try {
    await readAuthorities(host, connection.caFile, values);
    return [];
  } catch (error) {
    if (error instanceof Problem) return [error];
    throw error;
  }
}
