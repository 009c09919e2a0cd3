import type { Context } from "../../command.ts";
import { type PathAssignment, withValueAtPath } from "../../core/client/changes.ts";
import { CLIENT_FIELDS, ID_FLAG } from "../../core/client/fields.ts";
import { SECRET, SECRET_FILE, SECRET_PROMPT } from "../../core/flags/credential-flags.ts";
import { SET } from "../../core/flags/shared-flags.ts";
import { type JsonObject, MAX_DEPTH } from "../../core/json/json.ts";
import { unescapePointerToken } from "../../core/json/json-pointer.ts";
import { jsonFaultText, parseJsonOrFault } from "../../core/json/json-with-comments.ts";
import { Problem, usageError } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";

/** A client with the values of `--set`. */
export interface ClientAfterSetFlag {
  readonly client: JsonObject;
  /** Values inside fields that nothing else sets. */
  readonly nested: readonly PathAssignment[];
  readonly origins: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

/** Applies `--set` to a client. Without `defaults`, values inside a field that only the existing client has are kept apart. */
export function applySetFlag(
  { values }: Pick<Context, "values">,
  draft: JsonObject,
  defaults: boolean,
): ClientAfterSetFlag {
  let client = draft;
  const whole = new Set<string>();
  const known = new Set(Object.keys(client));
  const nested: PathAssignment[] = [];
  const origins = new Map<string, string>();
  const problems: Problem[] = [];
  for (const text of values.list(SET)) {
    const assignment = parseAssignmentOrProblem(text);
    if (assignment instanceof Problem) {
      problems.push(assignment);
      continue;
    }
    const { path } = assignment;
    const [top = ""] = path;
    if (path.length === 1) whole.add(top);
    const set = withValueAtPath(client, assignment);
    const isOpen = !defaults && !known.has(top);
    if (set === undefined && !isOpen) problems.push(invalidSetPathProblem(path));
    if (path.length > 1 && isOpen) nested.push(assignment);
    else known.add(top);
    client = set ?? client;
    origins.set(top, `--set ${path.join(".")}`);
  }
  problems.push(...setByFlagTooProblems(values, whole));
  return { client, nested: nested.filter(({ path: [top = ""] }) => !known.has(top)), origins, problems };
}

/** The problems of fields that `--set` replaces as a whole though another flag sets them too: one value would be ignored. */
function setByFlagTooProblems(values: Context["values"], fields: ReadonlySet<string>): readonly Problem[] {
  // An empty secret counts as not given.
  const isGivenText = (flag: typeof SECRET): boolean => (values.text(flag) ?? "") !== "";
  const secrets = [
    ...[SECRET, SECRET_FILE].filter(isGivenText),
    ...(values.bool(SECRET_PROMPT) ? [SECRET_PROMPT] : []),
  ];
  const given = [
    ...CLIENT_FIELDS.filter(({ flag }) => values.origin(flag).from === "flag"),
    ...(values.isSet(ID_FLAG) ? [{ name: "client_id", flag: ID_FLAG }] : []),
    ...secrets.map((flag) => ({ name: "client_secret", flag })),
  ];
  return given
    .filter(({ name }) => fields.has(name))
    .map(({ name, flag }) =>
      usageError(
        `${values.origin(flag).name} and --set ${name} cannot be used together`,
        `set ${name} in one way`,
        "field-twice",
      ),
    );
}

/** Parses a value of `--set`: a path, an equals sign and JSON. */
function parseAssignmentOrProblem(assignment: string): PathAssignment | Problem {
  const equals = assignment.indexOf("=");
  const path = parseSetPath(assignment.slice(0, Math.max(0, equals)));
  if (path.length > MAX_DEPTH)
    return usageError(`A path of --set has more than ${MAX_DEPTH} parts`, "use a shorter path", "bad-set");
  if (equals < 1 || path.includes(""))
    return usageError(
      `--set ${quote(/^[\w.~/-]*/.exec(assignment)?.[0] ?? "")} has no path before an equals sign`,
      "write it as --set metadata.team='\"x\"'",
      "bad-set",
    );
  const text = assignment.slice(equals + 1);
  const read = parseJsonOrFault(text);
  if (!("offset" in read)) return { path, value: read.value };
  return usageError(
    `The value of --set ${quote(assignment.slice(0, equals))} is not JSON: ${jsonFaultText(text, read)}`,
    `strings need double quotes inside single ones: --set ${path.join(".")}='"x"'`,
    "bad-set",
  );
}

/** The path of `--set PATH=JSON`: separated by dots, or a JSON Pointer (RFC 6901). */
function parseSetPath(text: string): readonly string[] {
  if (!text.startsWith("/")) return text.split(".");
  return text
    .slice(1)
    .split("/")
    .map((part) => unescapePointerToken(part));
}

/** The problem of a path of `--set` that the client doesn't have. */
export function invalidSetPathProblem(path: readonly string[]): Problem {
  return usageError(
    `--set ${quote(path.join("."))} does not exist in the client`,
    "list positions count from 0, and - appends to a list; strings have no members",
    "bad-set",
  );
}
