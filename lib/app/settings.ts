import type { Host, InputFile } from "../adapters/host.ts";
import type { Leaf, OperandSpec, TextFile } from "../command.ts";
import { decodeUtf8OrUtf16 } from "../core/bytes.ts";
import { configFilesAndRecoveryFolders } from "../core/environment/config-and-recovery-paths.ts";
import { unreadableFileReason } from "../core/file-errors.ts";
import type { ConfigFile } from "../core/flags/config-file.ts";
import { type Connection, type ConnectionReading, readConnection, type ServerSide } from "../core/flags/connection.ts";
import { ACCESS_TOKEN_FILE, CA_FILE, ENDPOINT, PAIRED_ADMIN_URL } from "../core/flags/connection-flags.ts";
import { KEYBASE, PGP_FINGERPRINT, PGP_KEY, PGP_KEY_URL } from "../core/flags/credential-flags.ts";
import { indexFlags } from "../core/flags/flag.ts";
import {
  NO_VALUE_SOURCES,
  type ParsedLine,
  parseFlagsWithFallbacks,
  redactOperand,
  type ValueSources,
} from "../core/flags/parse.ts";
import type { FlagValues } from "../core/flags/parsed-flag-values.ts";
import { withHyphens } from "../core/flags/read-word.ts";
import { CONFIG, FORMAT } from "../core/flags/shared-flags.ts";
import { DEFAULT_INPUT_LIMIT_AND_HINT, formatSize, InputTooLarge } from "../core/input-limits.ts";
import { type Format, isJsonFormat } from "../core/output/formats.ts";
import { shellQuoted } from "../core/output/shell-quote.ts";
import { collectProblem, errorCode, Problem, usageError, withMessage } from "../core/problem.ts";
import { escapeControls, quote } from "../core/text.ts";
import { CombinedProblems } from "./combined-problems.ts";
import type { InputFiles } from "./input-files.ts";
import { areErrorsJson, credentialFormatProblems, requireOutputFormat } from "./read-format.ts";
import { isWebUrl, type ResolvedLeaf, STRAY_URL_HINT } from "./resolve-command.ts";
import type { RunState } from "./run-state.ts";

/** What the command line, the environment and the config file say together, and all that is wrong with it. */
export interface Settings {
  readonly line: ParsedLine;
  readonly format: Format | undefined;
  /** Undefined for a command without a server, or if its settings are wrong. */
  readonly connection: Connection | undefined;
  /** The admin API of a command that calls the public side; undefined if none is set, or its settings are wrong. */
  readonly adminConnection: Connection | undefined;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  /** Warnings without which nothing is lost. */
  readonly advice: readonly string[];
  /** Keys of the config file that this program doesn't know. */
  readonly unknownKeys: readonly string[];
}

/** Reads the settings of one command; it sets `run.json` as soon as it is known. */
export async function readSettings(
  run: Pick<RunState, "host" | "json">,
  called: ResolvedLeaf,
  input: InputFiles,
): Promise<Settings> {
  const { spec } = called.command;
  const { line, config, environment } = await readCommandLineAndConfig(run, called);
  const { values } = line;
  const problems = [...line.problems, ...operandProblems(called.path.join(" "), spec, line)];
  const format = await collectProblem(problems, () => requireOutputFormat(values, spec.format[called.syntax]));
  problems.push(...credentialFormatProblems(format, values, spec.credentials));
  if (format !== undefined) run.json = values.isSet(FORMAT) && isJsonFormat(format);
  const side = spec.server === "public" ? "public" : "admin";
  const needsServer = spec.server === "if-asked" ? values.isSet(ENDPOINT) : spec.server !== false;
  const server = needsServer ? await readServerConnection(input, values, problems, { config, side }) : undefined;
  const adminSide = spec.flags.includes(PAIRED_ADMIN_URL)
    ? (await import("./paired-admin-connection.ts")).readPairedAdminConnection(environment, values, config)
    : undefined;
  problems.push(...(await recipientFlagProblems(values)), ...(server?.problems ?? []), ...(adminSide?.problems ?? []));
  const caFile = server?.connection === undefined ? undefined : values.text(CA_FILE);
  // Also where plain http does not need the certificates: a wrong path would show up too late.
  if (caFile !== undefined) await collectProblem(problems, () => input.readAuthorities(caFile, values.origin(CA_FILE)));
  return {
    line,
    format,
    connection: server?.connection,
    adminConnection: adminSide?.connection,
    problems,
    warnings: [...(config?.warnings ?? []), ...(server?.warnings ?? [])],
    advice: line.warnings,
    unknownKeys: config?.unknown ?? [],
  };
}

/** Reads the flags, and what the environment and the config file say if a flag is not given. */
async function readCommandLineAndConfig(
  run: Pick<RunState, "host" | "json">,
  called: ResolvedLeaf,
): Promise<Pick<Settings, "line"> & Pick<Host, "environment"> & { readonly config: ConfigFile | undefined }> {
  const { host } = run;
  const { spec } = called.command;
  const name = called.path.slice(1).join(" ");
  const parse = (sources: ValueSources): ParsedLine =>
    parseFlagsWithFallbacks(called.words, spec.flags, name, sources, spec.operands);
  const usesOnlyFlags = spec.usesOnlyFlags?.(parse(NO_VALUE_SOURCES).values) === true;
  const { environment } = usesOnlyFlags ? NO_VALUE_SOURCES : host;
  const line = parse({ ...NO_VALUE_SOURCES, environment });
  // The config file may be wrong too, so it is known from the command line how to report that.
  run.json = line.values.origin(FORMAT).from === "flag" && areErrorsJson(line.values);
  const readsConfig = !usesOnlyFlags && (spec.server !== false || spec.flags.includes(FORMAT));
  if (!readsConfig) return { line, config: undefined, environment };
  const config = await readConfig(host, line.values).catch(async (error: unknown) => {
    if (!(error instanceof Problem)) throw error;
    const problems = [...line.problems, ...operandProblems(called.path.join(" "), spec, line)];
    await collectProblem(problems, () => requireOutputFormat(line.values, spec.format[called.syntax]));
    throw new CombinedProblems([...problems, error]);
  });
  return { line: config === undefined ? line : parse({ environment, file: config.file }), config, environment };
}

/** The problems of the recipient flags. Their checks are loaded only if one is given. */
async function recipientFlagProblems(values: FlagValues): Promise<readonly Problem[]> {
  if (![PGP_KEY, PGP_KEY_URL, KEYBASE, PGP_FINGERPRINT].some((flag) => values.isSet(flag))) return [];
  const { pgpRecipientFlagProblems } = await import("../core/pgp/recipient-flag-checks.ts");
  return pgpRecipientFlagProblems(values);
}

/** Reads the config file, which must exist only if `--config` names it. */
async function readConfig(
  host: Pick<Host, "environment" | "platform" | "readFile" | "uid">,
  values: FlagValues,
): Promise<ConfigFile | undefined> {
  const named = values.text(CONFIG);
  const found = await findConfigFile(host, named);
  if (found === undefined) return undefined;
  const { path, file } = found;
  const { interpretParsedConfig, configTrustByPermissions } = await import("../core/flags/config-file.ts");
  const trust = configTrustByPermissions(file, host.uid());
  // The user did not choose this file on the command line, so it counts only if nobody else can have written it.
  if (named === undefined && trust.trust === "none")
    throw usageError(
      `Config file ${quote(path)} is not used: ${trust.reason}`,
      `check that nobody else changed its contents, then ${trust.remedy} ${shellQuoted(path)}, or name it with --config`,
      "untrusted-config",
    );
  const text = decodeUtf8OrUtf16(file.bytes);
  const { looksLikeJsonFile, parseJsonFileValues } = await import("../core/json/json-with-comments.ts");
  const { parseYaml } = await import("../adapters/yaml.ts");
  return interpretParsedConfig({
    path,
    // A token of digits must stay a text: as a number it would lose leading zeros and its last digits.
    content: looksLikeJsonFile(text, path) ? parseJsonFileValues(text, path)[0] : await parseYaml(text, path, "texts"),
    // Without user IDs, as on Windows, the bits say nothing about other users.
    readable: host.uid() !== undefined && (file.mode & 0o044) !== 0,
    ...(trust.trust === "all" ? {} : { writers: trust.reason }),
  });
}

/** A missing endpoint with the key of the config file that was probably meant. */
async function withMisspelledEndpointHint(problem: Problem, config: ConfigFile | undefined): Promise<Problem> {
  if (problem.code !== "no-endpoint" || config === undefined) return problem;
  const { findMisspelledEndpoint } = await import("../core/flags/config-file.ts");
  const key = findMisspelledEndpoint(config);
  if (key === undefined) return problem;
  return withMessage(problem, `${problem.message}: ${quote(key)} in ${escapeControls(config.path)} is not a setting`, {
    hint: `rename ${quote(key)} to endpoint in ${escapeControls(config.path)}`,
  });
}

/** The config file that `--config` names, or the first default one that exists. */
async function findConfigFile(
  host: Pick<Host, "environment" | "platform" | "readFile">,
  named: string | undefined,
): Promise<{ readonly path: string; readonly file: InputFile } | undefined> {
  const paths =
    named === undefined ? configFilesAndRecoveryFolders(host.platform, host.environment).configFiles : [named];
  for (const path of paths) {
    const file = await readConfigInputFile(host, path, named === undefined);
    if (file !== undefined) return { path, file };
  }
  return undefined;
}

async function readConfigInputFile(
  host: Pick<Host, "readFile">,
  path: string,
  optional: boolean,
): Promise<InputFile | undefined> {
  try {
    return await host.readFile(path, DEFAULT_INPUT_LIMIT_AND_HINT.bytes);
  } catch (error) {
    if (optional && (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR")) return undefined;
    const why =
      error instanceof InputTooLarge
        ? `it is larger than ${formatSize(DEFAULT_INPUT_LIMIT_AND_HINT.bytes)}`
        : unreadableFileReason(error);
    throw usageError(
      `Cannot read the config file ${quote(path)}: ${escapeControls(why)}`,
      optional ? "fix or remove the file" : "check the path after --config",
      "config-file",
    );
  }
}

/** The connection that the settings describe, with the token of `--access-token-file`. */
async function readServerConnection(
  input: InputFiles,
  values: FlagValues,
  problems: Problem[],
  { config, side }: { readonly config: ConfigFile | undefined; readonly side: ServerSide },
): Promise<ConnectionReading> {
  const path = values.text(ACCESS_TOKEN_FILE);
  const tokenFile = path === undefined ? undefined : await collectProblem(problems, () => readTokenFile(input, path));
  const reading = readConnection(values, config?.endpoint, tokenFile, side);
  // Only commands for the admin API read the endpoint of the config file.
  if (side === "public" || reading.problems.length === 0) return reading;
  const explained = reading.problems.map(async (problem) => withMisspelledEndpointHint(problem, config));
  return { ...reading, problems: await Promise.all(explained) };
}

async function readTokenFile(input: InputFiles, path: string): Promise<TextFile> {
  const text = decodeUtf8OrUtf16(await input.readBytes(path, "--access-token-file"));
  return { text, name: `--access-token-file ${quote(path)}` };
}

/** How many arguments a command takes, in words. */
function operandLimitText({ name, first, most }: OperandSpec): string {
  const others = first === undefined ? most : most - 1;
  const start = first === undefined ? "" : `one ${first} and `;
  return `${start}${others === 1 ? "one" : `at most ${others}`} ${name}`;
}

/** What to write instead of an argument that a command doesn't take. */
function strayArgumentHint(
  path: string,
  word: string,
  { operands: wanted, flags }: Pick<Leaf["spec"], "operands" | "flags">,
): string {
  if (isWebUrl(word) && flags.some(({ name }) => name === ENDPOINT.name)) return STRAY_URL_HINT;
  const [name = ""] = withHyphens(word).split("=", 1);
  if (name !== word.split("=", 1)[0] && indexFlags(flags).long.has(name.slice(2)))
    return `write two hyphens instead of the dash: ${name}`;
  return wanted === undefined
    ? `${path} takes only flags; put quotes around a value with spaces`
    : `${path} takes ${operandLimitText(wanted)}`;
}

function operandProblems(
  path: string,
  spec: Pick<Leaf["spec"], "operands" | "flags">,
  line: ParsedLine,
): readonly Problem[] {
  const { operands } = line;
  const wanted = spec.operands;
  const problems = operands
    .slice(wanted?.most ?? 0)
    .map((word) =>
      usageError(
        `Unexpected argument ${redactOperand(word, line)}`,
        strayArgumentHint(path, word, spec),
        "stray-argument",
      ),
    );
  // The word after an unknown flag was read as its value, and may be the argument.
  const mayBeTaken = line.problems.some(({ code }) => code === "unknown-flag");
  if (wanted !== undefined && operands.length < wanted.least && !mayBeTaken) {
    const { name, first = name } = wanted;
    const missing = operands.length === 0 ? first : name;
    const hint = `${path} --help shows the usage`;
    problems.push(usageError(`Missing ${missing} after ${path}`, hint, "missing-argument"));
  }
  return problems;
}
