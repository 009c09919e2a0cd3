import type { Context, TextFile } from "../../command.ts";
import { withoutUnsendableFields, withScopeText } from "../../core/client/client.ts";
import { findAllStrayMembers, findListMember } from "../../core/client/client-list-members.ts";
import {
  createFieldNameFinding,
  type FieldNameFinding,
  fieldNameProblem,
  fieldNameWarning,
  findUnknownFields,
  looksLikeClient,
} from "../../core/client/field-name-findings.ts";
import { isKubernetesObject } from "../../core/client/kubernetes-object.ts";
import type { LintFinding } from "../../core/client/rule-types.ts";
import { lintClient } from "../../core/client/rules.ts";
import {
  skippedObjectsNote,
  type TranslatedManifests,
  translateManifests,
} from "../../core/client/translate-manifests.ts";
import { LENIENT_FIELD_NAMES, STRICT } from "../../core/flags/shared-flags.ts";
import { FILE_DEPTH, isJsonObject, type JsonObject } from "../../core/json/json.ts";
import { looksLikeJsonFile, parseJsonFileValues } from "../../core/json/json-with-comments.ts";
import { collectProblem, combineProblems, Problem, type ProblemCode, usageError } from "../../core/problem.ts";
import { X_HYDRA_MEMBER } from "../../core/state/x-hydra-member.ts";
import { escapeControls, quote } from "../../core/text.ts";
import { shortenProblemList } from "../shorten-problem-list.ts";
import { findClientBoundsProblem, findTextSizeProblem } from "./client-bounds.ts";
import { SLASH_RULE } from "./id-checks.ts";

/** What reading client files needs of a command's context. */
export type ClientFileContext = Pick<Context, "readFile" | "parseYaml" | "values" | "warn" | "note">;

type TranslationContext = Pick<ClientFileContext, "values" | "warn" | "note">;

/** What a file of clients holds, not checked yet. */
interface ClientFileContent {
  readonly name: string;
  /** Clients, or Kubernetes objects. */
  readonly values: readonly unknown[];
  /** Whether they are in a list, even if it has only one. */
  readonly isList: boolean;
}

/**
 * The values in a file: JSON values with comments, one or several after each other, or YAML documents; each a client, a
 * list of clients, a list under `clients` or `items`, or a Kubernetes object. Text that starts like JSON is never read as
 * YAML. Throws the problems of what is in objects with lists of clients and would be ignored.
 */
export async function parseClientFileValues(
  { parseYaml }: Pick<Context, "parseYaml">,
  { text, name }: TextFile,
): Promise<{ readonly values: readonly unknown[]; readonly isJson: boolean }> {
  const isJson = looksLikeJsonFile(text, name);
  const values = isJson ? parseJsonFileValues(text, name, FILE_DEPTH) : await parseYaml(text, name);
  const stray = findAllStrayMembers(values).map(({ message, hint }) =>
    usageError(`${escapeControls(name)}: ${message}`, hint, "bad-file"),
  );
  const problem = combineProblems(stray);
  if (problem !== undefined) throw problem;
  return { values, isJson };
}

/** Parses a file; the clients in its lists are values of their own. */
async function parseFileAndFlattenLists(context: ClientFileContext, file: TextFile): Promise<ClientFileContent> {
  const { values, isJson } = await parseClientFileValues(context, file);
  // Between or after the marks of YAML documents there may be nothing.
  const filled = isJson ? values : values.filter((value) => value !== null);
  if (filled.filter(isJsonObject).at(-1)?.["is_last_page"] === false)
    context.warn(
      `${escapeControls(file.name)} is one page of a longer list: the clients of its other pages are not in it`,
    );
  const lists = filled.map((value) => findWrappedList(value) ?? value);
  return { name: file.name, values: lists.flat(), isList: lists.some(Array.isArray) };
}

/** The list in the envelope of `list --format json`, or of a file that groups its clients. */
function findWrappedList(value: unknown): readonly unknown[] | undefined {
  if (!isJsonObject(value) || isKubernetesObject(value)) return undefined;
  const list = value[findListMember(value) ?? ""];
  return Array.isArray(list) ? list : undefined;
}

/**
 * Translates the Kubernetes manifests among the clients in some files; notes, warnings and problems about them are
 * reported.
 */
function translateManifestsAndReport(
  { values, warn, note }: TranslationContext,
  files: readonly ClientFileContent[],
  problems: Problem[],
): TranslatedManifests["entries"] {
  const { entries, notes, unknownKeys, skipped, filesWithoutClient, problems: wrong } = translateManifests(files);
  for (const line of [...notes, ...skipped.map(skippedObjectsNote)]) note(line);
  const lenient = values.bool(LENIENT_FIELD_NAMES);
  const findings = unknownKeys.map(({ location, key, meant }) =>
    createFieldNameFinding(
      `${location}: ${quote(key)}`,
      meant === undefined ? undefined : `did you mean ${meant}?`,
      lenient,
    ),
  );
  reportFieldNameFindings({ values, warn }, findings, problems);
  problems.push(...wrong, ...filesWithoutClient.map(({ problem }) => problem));
  const extended = entries.filter(({ value }) => isJsonObject(value) && Object.hasOwn(value, X_HYDRA_MEMBER)).length;
  if (extended > 0)
    warn(
      `${X_HYDRA_MEMBER} of ${extended === 1 ? "a client" : `${extended} clients`} is ignored: only hydra apply reads it`,
    );
  return entries.map((entry) => ({ ...entry, value: withoutXHydraAndWithScopeText(entry.value) }));
}

/** A client of `hydra apply` as its other readers see it, with its scope as a text. */
function withoutXHydraAndWithScopeText(client: unknown): unknown {
  if (!isJsonObject(client)) return client;
  const { [X_HYDRA_MEMBER]: _, ...rest } = client;
  return withScopeText(rest);
}

/** Shows the keys that are not fields as warnings, or adds them to the problems; under `--strict` all of them. */
export function reportFieldNameFindings(
  { values, warn }: Pick<Context, "values" | "warn">,
  findings: readonly FieldNameFinding[],
  problems: Problem[],
): void {
  const strict = values.bool(STRICT);
  for (const finding of findings)
    if (strict || finding.severity === "error") problems.push(fieldNameProblem(finding));
    else warn(fieldNameWarning(finding));
}

/** The client of `--file` and how messages name the file. Other content than one client is added to the problems. */
export async function readOneClient(
  context: ClientFileContext,
  path: string,
  problems: Problem[],
): Promise<{ readonly client: JsonObject; readonly name: string }> {
  const location = `--file ${quote(path)}`;
  const file = await context.readFile(path, "--file");
  const large = findTextSizeProblem(file.text, location);
  if (large !== undefined) throw large;
  const content = await parseFileAndFlattenLists(context, file);
  const before = problems.length;
  const entries = translateManifestsAndReport(context, [content], problems);
  const [entry] = entries;
  if (problems.length > before) return { client: {}, name: file.name };
  const isOne = entries.length === 1 && (!content.isList || entry?.location !== undefined);
  if (!isOne || !isJsonObject(entry?.value))
    problems.push(
      usageError(
        `${location} does not hold one client`,
        content.isList || entries.length > 1
          ? "create several with hydra clients import"
          : "give a JSON or YAML object",
        "bad-file",
      ),
    );
  else if (
    Object.keys(entry.value).length > 0 &&
    !looksLikeClient(entry.value, context.values.bool(LENIENT_FIELD_NAMES))
  )
    problems.push(usageError(`${location} has no client field`, NO_FIELD_HINT, "bad-file"));
  else return { client: entry.value, name: entry.location ?? file.name };
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
export async function readClientEntries(
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
  const files: ClientFileContent[] = [];
  for (const path of operands.length === 0 ? ["-"] : operands) {
    const read = async (): Promise<ClientFileContent> =>
      parseFileAndFlattenLists(context, await context.readFile(path, "import"));
    const content = await collectProblem(problems, read);
    if (content !== undefined) files.push(content);
  }
  // All together: a manifest may name a Secret of another file.
  return collectClientEntries(context, files, problems);
}

/** The entries of all files; values that can't be clients are added to the problems. */
function collectClientEntries(
  context: TranslationContext,
  files: readonly ClientFileContent[],
  problems: Problem[],
): readonly ClientEntry[] {
  const lenient = context.values.bool(LENIENT_FIELD_NAMES);
  const entries = translateManifestsAndReport(context, files, problems);
  const counts = Map.groupBy(entries, ({ file }) => file);
  const numbers = new Map<string, number>();
  return entries.flatMap(({ file, value, location }) => {
    const number = (numbers.get(file) ?? 0) + 1;
    numbers.set(file, number);
    const name = location ?? (counts.get(file)?.length === 1 ? file : `${file}, client ${number}`);
    const entry = toEntryOrProblem(value, { file, location: name, lenient });
    if (!(entry instanceof Problem)) return [entry];
    problems.push(entry);
    return [];
  });
}

/** The hint for an object that is not a client. */
const NO_FIELD_HINT = "give clients as objects with fields such as client_name and grant_types";

function toEntryOrProblem(
  client: unknown,
  { file, location, lenient }: Omit<ClientEntry, "client"> & { readonly lenient: boolean },
): ClientEntry | Problem {
  const bounds = findClientBoundsProblem(client, location);
  if (bounds !== undefined) return bounds;
  if (!isJsonObject(client))
    return usageError(`${location} is not an object`, "a client is a JSON or YAML object", "bad-file");
  if (looksLikeClient(client, lenient)) return { client, file, location };
  return usageError(`${location} has no client field`, NO_FIELD_HINT, "bad-file");
}

/** How many problems, or warnings, are shown one by one; the others are only counted. */
export const MAX_SHOWN_PROBLEMS = 20;

/** The first lines of many, with the number of the others. */
export function firstLinesAndCount(lines: readonly string[]): readonly string[] {
  return lines.length <= MAX_SHOWN_PROBLEMS
    ? lines
    : [...lines.slice(0, MAX_SHOWN_PROBLEMS), `${lines.length - MAX_SHOWN_PROBLEMS} more`];
}

/** What is wrong with an entry. */
interface EntryFinding extends Pick<LintFinding, "severity" | "message" | "hint"> {
  readonly code: ProblemCode;
  /** The message as a warning. */
  readonly warning: string;
  /** Whether nothing is lost without the warning: a field that isn't known may be dropped by the server. */
  readonly kind?: "advice";
}

/** Checks all entries before anything is sent: unknown fields, rules and duplicate IDs. Warnings are shown. */
export function warnAndReturnEntryErrors(
  { values, warn }: Pick<Context, "values" | "warn">,
  entries: readonly ClientEntry[],
): readonly Problem[] {
  const strict = values.bool(STRICT);
  const locations = new Map<string, string>();
  const findings = entries.flatMap((entry) => [
    ...unknownFieldFindings(entry, values.bool(LENIENT_FIELD_NAMES)),
    ...ruleFindingsOfEntry(entry),
    ...duplicateFindings(entry, locations),
  ]);
  const isError = ({ severity }: EntryFinding): boolean => strict || severity === "error";
  const warnings = findings.filter((finding) => !isError(finding));
  for (const { warning, kind } of warnings.slice(0, MAX_SHOWN_PROBLEMS)) warn(warning, kind);
  if (warnings.length > MAX_SHOWN_PROBLEMS)
    warn(`${warnings.length - MAX_SHOWN_PROBLEMS} more warnings of this kind are not shown`, "advice");
  const problems = findings.filter(isError).map(({ message, hint, code }) => usageError(message, hint, code));
  return shortenProblemList(problems, MAX_SHOWN_PROBLEMS);
}

function unknownFieldFindings({ client, location }: ClientEntry, lenient: boolean): readonly EntryFinding[] {
  return findUnknownFields(client, (key) => `${location}: ${quote(key)}`, lenient).map((finding) => {
    const { message, hint = "", code } = fieldNameProblem(finding);
    return { severity: finding.severity, code, message, hint, warning: fieldNameWarning(finding) };
  });
}

/** The findings of the rules, apart from the one that the server is asked about, in a dry run too. */
function ruleFindingsOfEntry({ client, location }: ClientEntry): readonly EntryFinding[] {
  return lintClient(client, (field) => field)
    .filter(({ rule }) => rule !== SLASH_RULE)
    .map(({ rule, severity, message: found, hint }) => {
      const message = `${location}: ${found}`;
      return { severity, code: rule, message, hint, warning: `${message} [${rule}]: ${hint}`, kind: "advice" };
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
export function clientPayload(client: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(withoutUnsendableFields(client)).filter(([, value]) => value !== null));
}
