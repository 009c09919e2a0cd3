import { parseDuration } from "../duration.ts";
import { describeValue, type Flag, type FlagValues, type Origin, type Syntax } from "../flags/parse.ts";
import { isJsonObject, type JsonObject, MAX_DEPTH, numberText, readJson } from "../json.ts";
import { faultText, readOneJson } from "../json-text.ts";
import { type Problem, usageError } from "../problem.ts";
import { quote, suggest } from "../text.ts";
import { FIELD_NAMES, FIELDS, type Field, SERVER_FIELDS, V2_DEFAULTS } from "./fields.ts";

/** A client as a server returns it, unknown fields included. */
export type ClientRecord = JsonObject & { readonly client_id: string };

/** How a message names the place that a field's value came from: `--callbacks`, `"scope" in client.json`. */
export type Label = (field: string) => string;

/** A payload on its way, with the origin of its values. */
export interface Draft {
  readonly client: JsonObject;
  readonly label: Label;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** What a draft is made from. */
export interface DraftInput {
  readonly values: FlagValues;
  readonly grammar: Syntax;
  /** Whether flags that were not given count with their defaults: for a create, not for an update. */
  readonly defaults: boolean;
  /** The client of `--file`, which flags override. */
  readonly base?: { readonly client: JsonObject; readonly name: string };
  /** The text of the file that a flag such as `--jwks` names, by the flag's value; undefined where that was told to fail. */
  readonly files?: ReadonlyMap<string, string | undefined>;
}

/** Whether a value is nothing: absent, null, an empty text or an empty list. */
export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** Whether a value is an object without members. */
export function isEmptyObject(value: unknown): boolean {
  return isJsonObject(value) && Object.keys(value).length === 0;
}

/**
 * Makes a client's payload from flag values, as the reference does: lists as they are, scopes joined by blanks, empty
 * values left out of a create. With a base, the defaults do not apply and flags override.
 */
export function draftClient(input: DraftInput): Draft {
  const { values, base } = input;
  const client: Record<string, unknown> = { ...base?.client };
  const origins = new Map<string, Origin>();
  const problems: Problem[] = [];
  const warnings: string[] = [];
  for (const field of FIELDS) {
    const given = values.isSet(field.flag);
    if (!given && (base !== undefined || !input.defaults)) continue;
    const read = given ? fieldValue(field, input) : defaultValue(field, input);
    if ("problem" in read) {
      problems.push(read.problem);
    } else if (read.value !== undefined && !(input.defaults && base === undefined && isEmpty(read.value))) {
      client[field.name] = read.value;
      origins.set(field.name, values.origin(field.flag));
    }
  }
  return {
    client,
    problems,
    warnings,
    label: (name) => origins.get(name)?.name ?? (base === undefined ? name : `${quote(name)} in ${base.name}`),
  };
}

type Read = { readonly value: unknown } | { readonly problem: Problem };

function defaultValue(field: Field, input: DraftInput): Read {
  if (field.shape === "boolean") return { value: undefined };
  const own = input.grammar === "2.x" ? V2_DEFAULTS.get(field.flag.name) : undefined;
  return own === undefined ? fieldValue(field, input) : { value: own };
}

function fieldValue(field: Field, input: DraftInput): Read {
  const { values } = input;
  const { flag } = field;
  if (flag.kind === "switch") return { value: values.bool(flag) };
  if (flag.kind === "list") {
    const texts = values.list(flag);
    return { value: field.shape === "words" ? texts.join(" ") : [...texts] };
  }
  if (flag.kind !== "text") return { value: undefined };
  const text = values.text(flag);
  if (text === undefined) return { value: undefined };
  const name = values.origin(flag).name;
  switch (field.shape) {
    case "json":
      return json(flag, name, text, text);
    case "json-or-file":
      if (input.files?.has(text) === true && input.files.get(text) === undefined) return { value: undefined };
      return json(flag, name, text, input.files?.get(text) ?? text);
    case "duration":
      return text === "" || (parseDuration(text) !== undefined && /^([0-9]+(ns|us|ms|s|m|h))*$/.test(text))
        ? { value: text === "" ? null : text }
        : {
            problem: usageError(
              `${name} ${quote(text)} is not a valid duration`,
              "use whole numbers with units, such as 1h30m or 720h",
              "bad-value",
            ),
          };
    default:
      return { value: text };
  }
}

function json(flag: Flag, name: string, given: string, text: string): Read {
  if (text === "") return { value: null };
  const read = readOneJson(text);
  if (!("offset" in read)) return read;
  // Only how an inline text begins: a key set that lacks a bracket may hold a private key.
  const shown = given === text && given.length > 12 ? `${given.slice(0, 11)}…` : given;
  return {
    problem: usageError(
      `${name} ${describeValue(flag, shown)} ${given === text ? "is not JSON" : "names a file that is not JSON"}: ${faultText(text, read)}`,
      `write JSON in single quotes: --${flag.name} '{"team": "x"}'`,
      "bad-json",
    ),
  };
}

/** Reads JSON without an exception; undefined for a text that is none, or that nests deeper. */
export function parseJson(text: string, depth = MAX_DEPTH): { readonly value: unknown } | undefined {
  try {
    return { value: readJson(text, depth) };
  } catch {
    return undefined;
  }
}

/** A text field of a client; undefined where it is absent or no text. */
export function textField(client: JsonObject, name: string): string | undefined {
  const value = client[name];
  return typeof value === "string" ? value : undefined;
}

/** The texts of a list field; empty where it is absent or null. */
export function listField(client: JsonObject, name: string): readonly string[] {
  const value = client[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** What is odd about the keys of a client in a file: each unknown one, with the name that was likely meant. */
export function unknownKeys(
  client: JsonObject,
): readonly { readonly key: string; readonly meant: string | undefined }[] {
  return Object.keys(client)
    .filter((key) => !FIELD_NAMES.includes(key))
    .map((key) => ({ key, meant: suggest(key.toLowerCase().replaceAll(/[-:. ]/g, "_"), FIELD_NAMES) }));
}

const SET_BY_SERVER = new Set(SERVER_FIELDS.filter((field) => field !== "client_id" && field !== "client_secret"));

/**
 * A client of a file as a request may carry it: what a server sets by itself is no wish, an empty id or secret is none,
 * and servers tell an absent key set as `{}`, which they refuse beside an address of keys.
 */
export function withoutServerFields(client: JsonObject): JsonObject {
  const unset = (field: string, value: unknown): boolean =>
    SET_BY_SERVER.has(field) ||
    ((field === "client_id" || field === "client_secret") && isEmpty(value)) ||
    (field === "jwks" && isEmptyObject(value));
  return Object.fromEntries(Object.entries(client).filter(([field, value]) => !unset(field, value)));
}

/** Whether the client proves itself without a secret, so that none is made or sent. */
export function isPublic(client: JsonObject): boolean {
  return client["token_endpoint_auth_method"] === "none";
}

/** Whether the client proves itself with its secret. */
export function usesSecret(client: JsonObject): boolean {
  return !isPublic(client) && client["token_endpoint_auth_method"] !== "private_key_jwt";
}

/** Whether two JSON values are the same; the order of an object's keys does not matter, that of a list does. */
export function sameJson(a: unknown, b: unknown): boolean {
  // Not Object.is(): a -0 is written as 0.
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (!isJsonObject(a) || !isJsonObject(b)) return numberText(a) !== undefined && numberText(a) === numberText(b);
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  );
}
