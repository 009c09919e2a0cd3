import { parseMilliseconds } from "../duration.ts";
import { longFlag, type SyntaxVersion } from "../flags/flag.ts";
import type { FlagValues, ValueOrigin } from "../flags/parsed-flag-values.ts";
import { isJsonObject, isStringList, type JsonObject } from "../json/json.ts";
import { jsonFaultText, parseJsonOrFault } from "../json/json-with-comments.ts";
import { type Problem, usageError } from "../problem.ts";
import { quoteVisiblePart } from "../redact.ts";
import { quote } from "../text.ts";
import { CLIENT_FIELDS, type ClientField, CREDENTIAL_AND_SERVER_FIELDS, V2_SYNTAX_FLAG_DEFAULTS } from "./fields.ts";

/** A client as a server returns it, unknown fields included. */
export type ClientRecord = JsonObject & { readonly client_id: string };

/** Where the value of a field comes from, which decides how a hint writes another one: a flag, or the client that is updated. */
type FieldSource = { readonly kind: "flag"; readonly name: string } | { readonly kind: "registered client" };

/** What a message calls the source of a field's value: `--callbacks`, `"scope" in client.json`. */
export interface FieldLabeler {
  (field: string): string;
  /** Undefined for a value in a file. */
  readonly sourceOf?: (field: string) => FieldSource | undefined;
  /** The syntax of the command, whose names of flags hints use. */
  readonly syntax?: SyntaxVersion;
}

/** Labels of fields with their sources. */
export function createFieldLabeler(
  label: (field: string) => string,
  sourceOf: (field: string) => FieldSource | undefined,
  syntax: SyntaxVersion = "1.x",
): FieldLabeler {
  return Object.assign((field: string) => label(field), { sourceOf, syntax });
}

/** A client that is about to be sent, with the sources of its values. */
export interface ClientDraft {
  readonly client: JsonObject;
  readonly label: FieldLabeler;
  readonly problems: readonly Problem[];
}

/** What a draft is made from. */
interface DraftInput {
  readonly values: FlagValues;
  readonly grammar: SyntaxVersion;
  /** Whether unset flags count with their defaults: for a create, not for an update. */
  readonly defaults: boolean;
  /** The client of `--file`, which flags override. */
  readonly base?: { readonly client: JsonObject; readonly name: string } | undefined;
  /** The contents of files named by flags such as `--jwks`, by flag value; undefined for a file that couldn't be read. */
  readonly files?: ReadonlyMap<string, string | undefined>;
}

/** Whether a value is absent, null, an empty text or an empty list. */
export function isAbsentOrEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** Whether a value is an object without members. */
export function isEmptyObject(value: unknown): boolean {
  return isJsonObject(value) && Object.keys(value).length === 0;
}

/**
 * Builds a client from flag values, like Hydra's own CLI: lists as they are, scopes joined by spaces, empty values left
 * out of a create. With a base, defaults don't apply and flags override.
 */
export function draftClient(input: DraftInput): ClientDraft {
  const { values, base } = input;
  const client: Record<string, unknown> = { ...base?.client };
  const origins = new Map<string, ValueOrigin>();
  const problems: Problem[] = [];
  const isNew = input.defaults && base === undefined;
  for (const field of CLIENT_FIELDS) {
    const isSet = values.isSet(field.flag);
    if (!isSet && !isNew) continue;
    const read = isSet ? readFieldValue(field, input) : readDefaultFieldValue(field, input);
    if ("problem" in read) {
      problems.push(read.problem);
    } else if (read.value !== undefined && !(isNew && isAbsentOrEmpty(read.value))) {
      client[field.name] = read.value;
      origins.set(field.name, originInSyntax(field, input));
    }
  }
  return {
    client,
    problems,
    label: createFieldLabeler(
      (name) => origins.get(name)?.name ?? (base === undefined ? name : `${quote(name)} in ${base.name}`),
      (field) => flagSource(field, origins.get(field), input.grammar),
      input.grammar,
    ),
  };
}

/** Where a field's value comes from; a default is that of the flag as the syntax of the command names it. */
function originInSyntax({ flag }: ClientField, { values, grammar }: DraftInput): ValueOrigin {
  const origin = values.origin(flag);
  return origin.from === "default" ? { ...origin, name: `the default of ${longFlag(flag, grammar)}` } : origin;
}

/** The flag that a field's value came from, given or as its default; undefined for a value from elsewhere. */
function flagSource(field: string, origin: ValueOrigin | undefined, syntax: SyntaxVersion): FieldSource | undefined {
  if (origin?.from === "flag") return { kind: "flag", name: origin.name };
  const row = origin?.from === "default" ? CLIENT_FIELDS.find(({ name }) => name === field) : undefined;
  return row === undefined ? undefined : { kind: "flag", name: longFlag(row.flag, syntax) };
}

type ValueOrProblem = { readonly value: unknown } | { readonly problem: Problem };

function readDefaultFieldValue(field: ClientField, input: DraftInput): ValueOrProblem {
  if (field.shape === "boolean") return { value: undefined };
  const v2Default = input.grammar === "2.x" ? V2_SYNTAX_FLAG_DEFAULTS.get(field.flag.name) : undefined;
  return v2Default === undefined ? readFieldValue(field, input) : { value: v2Default };
}

function readFieldValue({ flag, shape }: ClientField, { values, files }: DraftInput): ValueOrProblem {
  if (flag.kind === "switch") return { value: values.bool(flag) };
  if (flag.kind === "list") {
    const texts = values.list(flag);
    return { value: shape === "space-separated" ? texts.join(" ") : [...texts] };
  }
  const text = flag.kind === "text" ? values.text(flag) : undefined;
  if (text === undefined) return { value: undefined };
  const { name } = values.origin(flag);
  switch (shape) {
    case "json":
    case "json-or-file":
      return readJsonValue({ flag, shape }, name, text, files);
    case "duration":
      return readLifespanValue(name, text);
    default:
      return { value: text };
  }
}

/** Checks a lifespan as the servers accept it: unlike a Go duration, without signs and fractions. */
function readLifespanValue(name: string, text: string): ValueOrProblem {
  if (text === "") return { value: null };
  if (parseMilliseconds(text) !== undefined && /^([0-9]+(ns|us|ms|s|m|h))*$/.test(text)) return { value: text };
  return {
    problem: usageError(
      `${name} ${quote(text)} is not a valid duration`,
      "use whole numbers with units, such as 1h30m or 720h",
      "bad-value",
    ),
  };
}

/** JSON in the value of a flag or in the file that it names; undefined if reading that failed, which is reported elsewhere. */
function readJsonValue(
  { flag, shape }: Pick<ClientField, "flag" | "shape">,
  name: string,
  text: string,
  files: DraftInput["files"],
): ValueOrProblem {
  const isPath = shape === "json-or-file" && files?.has(text) === true;
  const content = isPath ? files?.get(text) : text;
  if (content === undefined) return { value: undefined };
  if (content === "") return { value: null };
  const read = parseJsonOrFault(content);
  if (!("offset" in read)) return read;
  // Only the beginning: a key set that lacks a bracket may contain a private key.
  const shown = isPath || text.length <= 12 ? text : `${text.slice(0, 11)}…`;
  const what = `${name} ${quoteVisiblePart(shown, flag.secret)} ${isPath ? "names a file that is" : "is"} not JSON`;
  const hint = `write JSON in single quotes: --${flag.name} '{"team": "x"}'`;
  return { problem: usageError(`${what}: ${jsonFaultText(content, read)}`, hint, "bad-json") };
}

/** A text field of a client; undefined if it is absent or not a string. */
export function getTextField(client: JsonObject, name: string): string | undefined {
  const value = client[name];
  return typeof value === "string" ? value : undefined;
}

/** A secret that something between here and the server has masked, as proxies that protect credentials do. */
const MASKED_SECRET_PATTERN = /\*{3}|[\u2022\u25cf\u2588]|^\W*(?:redacted|masked|hidden|filtered)\W*$/i;

/** The secret in a server's response; undefined without one, or if it is masked and so isn't the client's secret. */
export function findReturnedSecret(record: JsonObject): string | undefined {
  const text = getTextField(record, "client_secret") ?? "";
  return text === "" || MASKED_SECRET_PATTERN.test(text) ? undefined : text;
}

/** The strings of a list field; empty if it is absent or not a list. */
export function getListField(client: JsonObject, name: string): readonly string[] {
  const value = client[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** Fields that only a server sets. */
export const FIELDS_SET_BY_SERVER: ReadonlySet<string> = new Set(
  CREDENTIAL_AND_SERVER_FIELDS.filter((field) => field !== "client_id" && field !== "client_secret"),
);

/**
 * A client of a file without what a request shouldn't contain: fields that the server sets itself, an empty ID or secret,
 * and the `{}` that servers return for an absent key set but reject together with a `jwks_uri`.
 */
export function withoutUnsendableFields(client: JsonObject): JsonObject {
  const unset = (field: string, value: unknown): boolean =>
    FIELDS_SET_BY_SERVER.has(field) ||
    ((field === "client_id" || field === "client_secret") && isAbsentOrEmpty(value)) ||
    (field === "jwks" && isEmptyObject(value));
  return Object.fromEntries(Object.entries(client).filter(([field, value]) => !unset(field, value)));
}

/**
 * A client whose scope may be a list of words, as other programs write it, or a text of several lines, such as a block of
 * YAML, with the text that servers expect: they separate words only at spaces.
 */
export function withScopeText(client: JsonObject): JsonObject {
  const scope = isStringList(client["scope"]) ? client["scope"].join(" ") : client["scope"];
  if (typeof scope !== "string") return client;
  return { ...client, scope: /[\t\r\n]/.test(scope) ? scope.trim().split(/\s+/).join(" ") : scope };
}

/** Whether the client is public (RFC 6749, 2.1), so that no secret is generated or sent. */
export function isPublic(client: JsonObject): boolean {
  return client["token_endpoint_auth_method"] === "none";
}

/** Whether the client authenticates with its secret. */
export function usesSecret(client: JsonObject): boolean {
  return !isPublic(client) && client["token_endpoint_auth_method"] !== "private_key_jwt";
}

export function idOf(client: JsonObject): string {
  return getTextField(client, "client_id") ?? "";
}

/** The ID that a client of a file or a command line asks for, if any. */
export function requestedId(client: JsonObject): string | undefined {
  const id = getTextField(client, "client_id");
  return id === "" ? undefined : id;
}
