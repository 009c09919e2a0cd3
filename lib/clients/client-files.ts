import type { Context } from "../command.ts";
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
import { Problem, usageError } from "../core/problem.ts";
import { quote } from "../core/text.ts";

/** The most bytes of one client in what a person hands over: 1 MiB. */
const CLIENT_BYTES = 1024 * 1024;

/**
 * The values in a file of clients: JSON, one value or several after each other, with comments; or the documents of YAML.
 * A text that begins as JSON is JSON, and does not become YAML by a mistake in it.
 */
export async function readValues(context: Context, text: string, name: string): Promise<readonly unknown[]> {
  return isJsonText(text, name) ? readJsonFile(text, name, FILE_DEPTH) : context.parseYaml(text, name);
}

/** What is wrong with a text that holds one client, or one field of it, by its size. */
export function textProblem(text: string, location: string): Problem | undefined {
  return isLargerThan(text, CLIENT_BYTES) ? tooLarge(location) : undefined;
}

/** What is wrong with a client by its size or its depth; undefined where a request may carry it. */
export function clientProblem(client: unknown, location: string): Problem | undefined {
  // Sizes first: a value that YAML aliases repeat may be too large to be walked through.
  if (isLargerThan(client, CLIENT_BYTES)) return tooLarge(location);
  if (!isTooDeep(client)) return undefined;
  return usageError(`${location} nests more than ${MAX_DEPTH} levels deep`, "keep such data elsewhere", TOO_DEEP_CODE);
}

function tooLarge(location: string): Problem {
  return usageError(`${location} is larger than 1 MiB`, "keep such data elsewhere", "too-large");
}

/** One client of the input. */
export interface ClientEntry {
  readonly client: JsonObject;
  /** The file it came from, and its location there: `clients.json, client 3`. */
  readonly file: string;
  readonly location: string;
}

/** How many violations are told before the rest is only counted. */
export const MOST_TOLD = 20;

/** The values in a file; what stands between the marks of YAML documents, or behind the last one, may be nothing. */
async function valuesOf(context: Context, text: string, name: string): Promise<readonly unknown[]> {
  const values = await readValues(context, text, name);
  return isJsonText(text, name) ? values : values.filter((value) => value !== null);
}

/** Whether an object can be meant as a client: one of its keys is a field, or looks like one. */
function isMeant(client: JsonObject): boolean {
  const strange = unknownKeys(client);
  return strange.length < Object.keys(client).length || strange.some(({ meant }) => meant !== undefined);
}

/** The clients in the values of a file: objects, arrays of them, or the envelope of a list. */
function entriesOf(values: readonly unknown[], file: string, problems: Problem[]): readonly ClientEntry[] {
  const found = values.flatMap((value): readonly unknown[] => {
    if (Array.isArray(value)) return value;
    return isJsonObject(value) && Array.isArray(value["items"]) ? value["items"] : [value];
  });
  return found.flatMap((client, at): readonly ClientEntry[] => {
    const location = found.length === 1 ? file : `${file}, client ${at + 1}`;
    const bounds = clientProblem(client, location);
    if (bounds !== undefined) {
      problems.push(bounds);
      return [];
    }
    if (isJsonObject(client) && isMeant(client)) return [{ client, file, location }];
    if (isJsonObject(client)) {
      problems.push(
        usageError(
          `${location} has no field of a client`,
          "give clients as objects, in a list or one a line",
          "bad-file",
        ),
      );
      return [];
    }
    problems.push(usageError(`${location} is not an object`, "a client is a JSON or YAML object", "bad-file"));
    return [];
  });
}

export async function readEntries(context: Context, problems: Problem[]): Promise<readonly ClientEntry[]> {
  const files = context.operands.length === 0 ? ["-"] : context.operands;
  if (context.operands.length === 0 && context.host.stdinIsTerminal) {
    problems.push(
      usageError(
        "There is nothing to import: no file is named and standard input is a terminal",
        "name a file, or pipe clients in",
        "missing-argument",
      ),
    );
    return [];
  }
  const entries: ClientEntry[] = [];
  for (const file of files) {
    try {
      const { text, name } = await context.readFile(file, "import");
      entries.push(...entriesOf(await valuesOf(context, text, name), name, problems));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push(error);
    }
  }
  return entries;
}

/** Looks at every entry before anything is sent: keys, rules and ids that stand there twice. */
export function entryProblems(context: Context, entries: readonly ClientEntry[]): readonly Problem[] {
  const strict = context.values.bool(STRICT);
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const locations = new Map<string, string>();
  for (const { client, location } of entries) {
    for (const { key, meant } of unknownKeys(client)) {
      const message = `${location}: ${quote(key)} is no field of a client${meant === undefined ? "" : `; did you mean ${meant}?`}`;
      if (strict) problems.push(usageError(message, "mend the file, or leave out --strict", "unknown-field"));
      else warnings.push(message);
    }
    for (const { rule, severity, message: found, hint } of lint(client, (field) => `${location}: ${field}`)) {
      const message = found.startsWith(location) ? found : `${location}: ${found}`;
      if (severity === "error" || strict) problems.push(usageError(message, hint, rule));
      else warnings.push(`${message} [${rule}]`);
    }
    const id = client["client_id"];
    if (typeof id !== "string" || id === "") continue;
    const before = locations.get(id);
    if (before !== undefined)
      problems.push(
        usageError(`${location} has the same client_id ${quote(id)} as ${before}`, "keep one of the two", "id-twice"),
      );
    locations.set(id, location);
  }
  for (const warning of warnings.slice(0, MOST_TOLD)) context.warn(warning);
  if (warnings.length > MOST_TOLD)
    context.warn(`${warnings.length - MOST_TOLD} more warnings of this kind are not shown`);
  const told = problems.slice(0, MOST_TOLD);
  if (problems.length > MOST_TOLD)
    told.push(usageError(`${problems.length - MOST_TOLD} more problems are not shown`, "mend these first", "more"));
  return told;
}

export function payloadOf(client: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(withoutServerFields(client)).filter(([, value]) => value !== null));
}
