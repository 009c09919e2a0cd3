import type { Context, TextFile } from "../command.ts";
import { unknownKeys, withoutServerFields } from "../core/client/client.ts";
import { lint } from "../core/client/rules.ts";
import { STRICT } from "../core/flags/flag-table.ts";
import {
  FILE_DEPTH,
  isJsonObject,
  isLargerThan,
  isTooDeep,
  type JsonObject,
  MAX_DEPTH,
  TOO_DEEP_CODE,
} from "../core/json.ts";
import { isJsonText, readJsonFile } from "../core/json-text.ts";
import { Problem, type ProblemCode, usageError } from "../core/problem.ts";
import { quote } from "../core/text.ts";

/** The largest client that is accepted from a file or a flag: 1 MiB. */
const CLIENT_BYTES = 1024 * 1024;

/** The problem of a text with one client, or one field of it, that is too large. */
export function textProblem(text: string, location: string): Problem | undefined {
  return isLargerThan(text, CLIENT_BYTES) ? tooLarge(location) : undefined;
}

/** The problem of a client that is too large or too deep to be sent. */
export function clientProblem(client: unknown, location: string): Problem | undefined {
  // The size first: a value that YAML aliases repeat may be too large to be walked through.
  if (isLargerThan(client, CLIENT_BYTES)) return tooLarge(location);
  if (!isTooDeep(client)) return undefined;
  return usageError(
    `${location} nests more than ${MAX_DEPTH} levels deep`,
    "store such data outside the client",
    TOO_DEEP_CODE,
  );
}

function tooLarge(location: string): Problem {
  return usageError(`${location} is larger than 1 MiB`, "store such data outside the client", "too-large");
}

/** What reading client files needs of a command's context. */
export type ClientFileContext = Pick<Context, "readFile" | "parseYaml">;

/** What a file of clients holds, not checked yet. */
interface FileContent {
  readonly clients: readonly unknown[];
  /** Whether they are in a list, even if it has only one. */
  readonly isList: boolean;
}

/**
 * The clients in a file: JSON values with comments, one or several after each other, or YAML documents; each a client, a
 * list of clients, or the envelope of `list --format json`. Text that starts like JSON is never read as YAML.
 */
async function clientsIn({ parseYaml }: ClientFileContext, { text, name }: TextFile): Promise<FileContent> {
  const values = isJsonText(text, name)
    ? readJsonFile(text, name, FILE_DEPTH)
    : // Between or after the marks of YAML documents there may be nothing.
      (await parseYaml(text, name)).filter((value) => value !== null);
  const lists = values.map((value) => (isJsonObject(value) && Array.isArray(value["items"]) ? value["items"] : value));
  return { clients: lists.flat(), isList: lists.some(Array.isArray) };
}

/** The client of `--file` and how messages name the file. Other content than one client is added to the problems. */
export async function readOneClient(
  context: ClientFileContext,
  path: string,
  problems: Problem[],
): Promise<{ readonly client: JsonObject; readonly name: string }> {
  const location = `--file ${quote(path)}`;
  const file = await context.readFile(path, "--file");
  const large = textProblem(file.text, location);
  if (large !== undefined) throw large;
  const { clients, isList } = await clientsIn(context, file);
  const [client] = clients;
  if (clients.length === 1 && !isList && isJsonObject(client)) return { client, name: file.name };
  problems.push(
    usageError(
      `${location} does not hold one client`,
      isList || clients.length > 1 ? "create several with hydra clients import" : "give a JSON or YAML object",
      "bad-file",
    ),
  );
  return { client: {}, name: file.name };
}

/** One client of an import. */
export interface ClientEntry {
  readonly client: JsonObject;
  /** The file that it is from, and its location there: `clients.json, client 3`. */
  readonly file: string;
  readonly location: string;
}

/** The clients of the files that the command line names, or of standard input; what can't be read is added to the problems. */
export async function readEntries(
  context: ClientFileContext & Pick<Context, "operands" | "host">,
  problems: Problem[],
): Promise<readonly ClientEntry[]> {
  const { operands, host } = context;
  if (operands.length === 0 && host.stdinIsTerminal) {
    problems.push(
      usageError(
        "Nothing to import: no file was given and standard input is a terminal",
        "name a file, or pipe clients in",
        "missing-argument",
      ),
    );
    return [];
  }
  const entries: ClientEntry[] = [];
  for (const path of operands.length === 0 ? ["-"] : operands) {
    try {
      entries.push(...(await entriesIn(context, path, problems)));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push(error);
    }
  }
  return entries;
}

async function entriesIn(
  context: ClientFileContext,
  path: string,
  problems: Problem[],
): Promise<readonly ClientEntry[]> {
  const file = await context.readFile(path, "import");
  const { clients } = await clientsIn(context, file);
  return clients.flatMap((client, at) => {
    const location = clients.length === 1 ? file.name : `${file.name}, client ${at + 1}`;
    const entry = entryOf(client, file.name, location);
    if (!(entry instanceof Problem)) return [entry];
    problems.push(entry);
    return [];
  });
}

function entryOf(client: unknown, file: string, location: string): ClientEntry | Problem {
  const bounds = clientProblem(client, location);
  if (bounds !== undefined) return bounds;
  if (!isJsonObject(client))
    return usageError(`${location} is not an object`, "a client is a JSON or YAML object", "bad-file");
  if (looksLikeClient(client)) return { client, file, location };
  return usageError(
    `${location} has no client field`,
    "give clients as objects, in a list or one per line",
    "bad-file",
  );
}

/** Whether an object can be meant as a client: one of its keys is a field, or is similar to one. */
function looksLikeClient(client: JsonObject): boolean {
  const unknown = unknownKeys(client);
  return unknown.length < Object.keys(client).length || unknown.some(({ meant }) => meant !== undefined);
}

/** How many problems, or warnings, are shown one by one; the others are only counted. */
export const MAX_SHOWN = 20;

/** What is wrong with an entry. */
interface EntryFinding {
  readonly severity: "error" | "warning";
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint: string;
  /** The message as a warning. */
  readonly warning: string;
  /** Whether nothing is lost without the warning: a field that isn't known may be dropped by the server. */
  readonly kind?: "advice";
}

/** Checks all entries before anything is sent: unknown fields, rules and duplicate IDs. Warnings are shown. */
export function entryProblems(
  { values, warn }: Pick<Context, "values" | "warn">,
  entries: readonly ClientEntry[],
): readonly Problem[] {
  const strict = values.bool(STRICT);
  const locations = new Map<string, string>();
  const findings = entries.flatMap((entry) => [
    ...unknownFieldFindings(entry),
    ...lintFindings(entry),
    ...duplicateFindings(entry, locations),
  ]);
  const isError = ({ severity }: EntryFinding): boolean => strict || severity === "error";
  const warnings = findings.filter((finding) => !isError(finding));
  for (const { warning, kind } of warnings.slice(0, MAX_SHOWN)) warn(warning, kind);
  if (warnings.length > MAX_SHOWN)
    warn(`${warnings.length - MAX_SHOWN} more warnings of this kind are not shown`, "advice");
  const problems = findings.filter(isError).map(({ message, hint, code }) => usageError(message, hint, code));
  if (problems.length <= MAX_SHOWN) return problems;
  const more = `${problems.length - MAX_SHOWN} more problems are not shown`;
  return [...problems.slice(0, MAX_SHOWN), usageError(more, "fix these first", "more")];
}

function unknownFieldFindings({ client, location }: ClientEntry): readonly EntryFinding[] {
  return unknownKeys(client).map(({ key, meant }) => {
    const message = `${location}: ${unknownField(quote(key), meant)}`;
    const hint = "fix the file, or leave out --strict";
    return { severity: "warning", code: "unknown-field", message, hint, warning: message };
  });
}

/** Says that a name isn't a client field, with the field that was probably meant. */
export function unknownField(name: string, meant: string | undefined): string {
  return `${name} is not a client field${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

function lintFindings({ client, location }: ClientEntry): readonly EntryFinding[] {
  return lint(client, (field) => field).map(({ rule, severity, message: found, hint }) => {
    const message = `${location}: ${found}`;
    return { severity, code: rule, message, hint, warning: `${message} [${rule}]`, kind: "advice" };
  });
}

/** The finding of an ID that an earlier entry has; `locations` collects the IDs. */
function duplicateFindings({ client, location }: ClientEntry, locations: Map<string, string>): readonly EntryFinding[] {
  const id = client["client_id"];
  if (typeof id !== "string" || id === "") return [];
  const earlier = locations.get(id);
  locations.set(id, location);
  if (earlier === undefined) return [];
  const message = `${location} has the same client_id ${quote(id)} as ${earlier}`;
  return [{ severity: "error", code: "id-twice", message, hint: "keep one of the two", warning: message }];
}

/** A client of a file as it is sent: without fields that only the server sets, and without nulls. */
export function payloadOf(client: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(withoutServerFields(client)).filter(([, value]) => value !== null));
}
