import type { Context } from "../command.ts";
import { type PathAssignment, setPath } from "../core/client/changes.ts";
import {
  type Client,
  type Draft,
  draftClient,
  isRecord,
  textField,
  unknownKeys,
  withoutServerFields,
} from "../core/client/client.ts";
import { sameValue } from "../core/client/equality.ts";
import { FIELDS, ID } from "../core/client/fields.ts";
import { findingProblem, type LintFinding, lint } from "../core/client/rules.ts";
import { FILE, SECRET, SET, STRICT } from "../core/flags/flag-table.ts";
import { MAX_DEPTH } from "../core/json.ts";
import { faultText, readOneJson } from "../core/json-text.ts";
import { Problem, usageError } from "../core/problem.ts";
import { quote } from "../core/text.ts";
import { clientProblem, readValues, textProblem } from "./client-files.ts";

/** A client read from the flags and files of a command line. */
export interface ReadDraft extends Draft {
  /** Names of the fields that flags name, and not the file alone. */
  readonly fromFlags: ReadonlySet<string>;
  /** What `--set` puts inside fields that nothing else names, for an update to put into the client that is there. */
  readonly nested: readonly PathAssignment[];
}

async function baseOf(context: Context, problems: Problem[]): Promise<{ client: Client; name: string } | undefined> {
  const path = context.values.text(FILE);
  if (path === undefined) return undefined;
  const { text, name } = await context.readFile(path, "--file");
  const large = textProblem(text, `--file ${quote(path)}`);
  if (large !== undefined) throw large;
  const documents = await readValues(context, text, name);
  const [client] = documents;
  const listed = isRecord(client) && Array.isArray(client["items"]);
  if (documents.length === 1 && isRecord(client) && !listed) return { client, name };
  problems.push(
    usageError(
      `--file ${quote(path)} does not hold one client`,
      Array.isArray(client) || listed ? "hydra clients import takes several" : "give a JSON or YAML object",
      "bad-file",
    ),
  );
  return { client: {}, name };
}

/** The problem of a path into a list that is shorter. */
export function invalidPath(path: readonly string[]): Problem {
  return usageError(
    `--set ${quote(path.join("."))} names no place in what the client has there`,
    "in a list positions count from 0, and - stands for the place behind the last; a text has no places",
    "bad-set",
  );
}

/** The path of `--set PATH=JSON`: dots separate, or a JSON Pointer. */
function pathOf(text: string): readonly string[] {
  if (!text.startsWith("/")) return text.split(".");
  return text
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/**
 * Reads the client that a command line describes: the file of `--file`, over it the flags, over them `--set`. All that
 * is wrong is collected; nothing is thrown but what cannot be read at all.
 */
export async function readDraft(context: Context, defaults: boolean): Promise<ReadDraft> {
  const { values, syntax } = context;
  const problems: Problem[] = [];
  const read = await attempt(problems, () => baseOf(context, problems));
  const files = new Map<string, string | undefined>();
  for (const { shape, flag } of FIELDS) {
    const text = shape === "json-or-file" && flag.kind === "text" ? values.text(flag) : undefined;
    if (text === undefined || text === "" || /^\s*[[{]/.test(text)) continue;
    files.set(text, undefined);
    await attempt(problems, async () => {
      const file = await context.readFile(text, `--${flag.name}`);
      const large = textProblem(file.text, `--${flag.name} ${quote(text)}`);
      if (large !== undefined) throw large;
      files.set(text, file.text);
    });
  }
  const base = read === undefined ? undefined : { name: read.name, client: withoutServerFields(read.client) };
  const made = draftClient({ values, grammar: syntax, defaults, files, ...(base === undefined ? {} : { base }) });
  let client: Client = made.client;
  const origins = new Map<string, string>();
  for (const flag of [ID, SECRET]) {
    const text = values.text(flag) ?? "";
    const field = flag === ID ? "client_id" : "client_secret";
    if (text === "") continue;
    client = { ...client, [field]: text };
    origins.set(field, values.origin(flag).name);
  }
  const set = assigned(context, client, defaults);
  problems.push(...set.problems);
  const { nested } = set;
  client = set.client;
  for (const [top, name] of set.origins) origins.set(top, name);
  const bounds = clientProblem(client, "The client that the command line describes");
  if (bounds !== undefined) {
    problems.push(bounds);
    // Nothing that looks at a client can go on with one that is too deep or too large.
    client = {};
  }
  const warnings: string[] = [];
  for (const { key, meant } of unknownKeys(client)) {
    const where = origins.get(key) ?? (base === undefined ? quote(key) : `${quote(key)} in ${base.name}`);
    const message = `${where} is no field of a client${meant === undefined ? "" : `; did you mean ${meant}?`}`;
    if (values.bool(STRICT)) problems.push(usageError(message, "leave it out, or leave out --strict", "unknown-field"));
    else warnings.push(message);
  }
  return {
    client,
    label: (field) => origins.get(field) ?? made.label(field),
    problems: [...problems, ...made.problems],
    warnings: [...warnings, ...made.warnings],
    fromFlags: new Set([...FIELDS.filter(({ flag }) => values.isSet(flag)).map(({ name }) => name), ...origins.keys()]),
    nested,
  };
}

/** A client with what `--set` puts into it. */
interface Assigned {
  readonly client: Client;
  /** What goes inside fields that nothing else names. */
  readonly nested: readonly PathAssignment[];
  readonly origins: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

/** Puts the values of `--set` into a client; what goes inside a field that an update does not know is kept apart. */
function assigned(context: Context, draft: Client, defaults: boolean): Assigned {
  let client = draft;
  const whole = new Set(Object.keys(client));
  const nested: PathAssignment[] = [];
  const origins = new Map<string, string>();
  const problems: Problem[] = [];
  for (const assignment of context.values.list(SET)) {
    const placed = placedBy(assignment);
    if (placed instanceof Problem) {
      problems.push(placed);
      continue;
    }
    const { path } = placed;
    const [top = ""] = path;
    const set = setPath(client, placed);
    const open = !defaults && !whole.has(top);
    if (set === undefined && !open) problems.push(invalidPath(path));
    if (path.length > 1 && open) nested.push(placed);
    else whole.add(top);
    client = set ?? client;
    origins.set(top, `--set ${path.join(".")}`);
  }
  return { client, nested: nested.filter(({ path: [top = ""] }) => !whole.has(top)), origins, problems };
}

/** Reads one value of `--set`: a path, an equals sign and JSON. */
function placedBy(assignment: string): PathAssignment | Problem {
  const equals = assignment.indexOf("=");
  const path = pathOf(assignment.slice(0, Math.max(0, equals)));
  if (path.length > MAX_DEPTH)
    return usageError(
      `A path of --set has more than ${MAX_DEPTH} parts`,
      "put the value less deep inside the client",
      "bad-set",
    );
  if (equals < 1 || path.includes(""))
    return usageError(
      `--set ${quote(/^[\w.~/-]*/.exec(assignment)?.[0] ?? "")} has no path before an equals sign`,
      "write it as --set metadata.team='\"x\"'",
      "bad-set",
    );
  const text = assignment.slice(equals + 1);
  const read = readOneJson(text);
  if (!("offset" in read)) return { path, value: read.value };
  return usageError(
    `--set ${quote(assignment.slice(0, equals))} is followed by something that is not JSON: ${faultText(text, read)}`,
    `put a text in double quotes inside single ones: --set ${path.join(".")}='"x"'`,
    "bad-set",
  );
}

async function attempt<T>(problems: Problem[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    problems.push(error);
    return undefined;
  }
}

/** Applies the rules to a draft: gives errors, and warnings as errors under `--strict`; tells the other warnings. */
export function lintDraft(context: Context, draft: Draft): readonly Problem[] {
  const strict = context.values.bool(STRICT);
  const found = lint(draft.client, draft.label);
  const refused = (finding: LintFinding): boolean => finding.severity === "error" || strict;
  for (const warning of draft.warnings) context.warn(warning);
  for (const finding of found) {
    if (!refused(finding)) context.warn(`${finding.message} [${finding.rule}]: ${finding.hint}`);
  }
  return [...draft.problems, ...found.filter(refused).map(findingProblem)];
}

/** Refuses fields that no server of the family at hand knows; asks for the family only when one of them is there. */
export async function refuseUnknownFields(
  context: Context,
  client: Client,
  label: (field: string) => string,
): Promise<void> {
  const rare = Object.keys(client).filter(
    (field) => context.rareFields.has(field) && !sameValue(field, client[field], undefined),
  );
  if (rare.length === 0) return;
  const family = await context.admin.family();
  const [first, ...others] = rare.filter((field) => family.unknownFields.has(field));
  if (first === undefined) return;
  const say = (field: string): string => `${label(field)}: ${family.label} has no field ${field}`;
  throw new Problem(say(first), {
    code: "field-unknown-to-server",
    exit: "usage",
    hint: "leave it out for this server",
    details: others.map(say),
  });
}

/** Tells which of the fields that were sent the server did not keep as they were. */
export function warnDropped(context: Context, sent: Client, answer: Client): void {
  for (const [field, value] of Object.entries(sent)) {
    if (field === "client_id" || field === "client_secret" || sameValue(field, answer[field], value)) continue;
    const kept = answer[field] === undefined ? "this server does not keep the field" : "the server keeps another value";
    context.warn(`${field}: ${kept}`);
  }
}

/** The id that a client in a file has, if any. */
export function idIn(client: Client): string | undefined {
  const id = textField(client, "client_id");
  return id === "" ? undefined : id;
}
