import { formatNanoseconds, parseNanoseconds } from "../core/duration.ts";
import { isJsonObject, JsonDepthError, leadingContainerText, parseJsonExactly } from "../core/json/json.ts";
import { trimCharactersAtEnd } from "../core/text.ts";
import { InputFault, jsonKindName, rejectJsonType, rejectTooDeep } from "./input-fault.ts";
import { decodeKeySet } from "./key-set.ts";
import type { FieldKind, ServerField } from "./server-fields.ts";

/** A client under construction: every field of the version, including empty ones. */
export type SandboxClientDraft = Record<string, unknown>;

/** What a body is decoded into. */
export interface BodyShape {
  readonly fields: ReadonlyMap<string, ServerField>;
  /** Its Go type in error messages: `client.Client`. */
  readonly type: string;
  /** The Go type of list fields in error messages. */
  readonly listType: string;
  /** The library that decodes its keys. */
  readonly keyLibrary: string;
  /** The struct that contains the lifespans, with a dot, or nothing. */
  readonly lifespans: string;
}

const LITERALS = ["null", "true", "false"];

/** What is wrong with text that is not JSON, close to the wording of Go's decoder. */
function goJsonErrorText(text: string): string {
  const start = text.trimStart();
  if (start === "") return "EOF";
  if (start.startsWith("{") || start.startsWith("[") || start.startsWith('"')) return "unexpected EOF";
  const literal = LITERALS.find((word) => word[0] === start[0]);
  if (literal === undefined) return `invalid character '${start[0]}' looking for beginning of value`;
  const at = [...literal].findIndex((character, i) => start[i] !== character);
  return start[at] === undefined
    ? "unexpected EOF"
    : `invalid character '${start[at]}' in literal ${literal} (expecting '${literal[at]}')`;
}

/** Parses the first JSON value of a body; like Go's decoder, ignores what follows an object or array. */
export function parseFirstJson(text: string): unknown {
  const whole = tryParseJson(text);
  if (whole !== undefined) return whole;
  const first = /^\s*[{[]/.test(text) ? leadingContainerText(text) : undefined;
  const container = first === undefined ? undefined : tryParseJson(first);
  if (container === undefined) throw new InputFault(goJsonErrorText(text));
  return container;
}

/** Parses a JSON text; undefined if it isn't JSON. */
function tryParseJson(text: string): unknown {
  try {
    return parseJsonExactly(text);
  } catch (error) {
    return error instanceof JsonDepthError ? rejectTooDeep() : undefined;
  }
}

const RFC3339_PATTERN = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** Throws that the value of a field is of a wrong type. */
function rejectFieldType(value: unknown, field: ServerField, shape: BodyShape, wanted: string): never {
  const struct = shape.type.split(".").at(-1) ?? "";
  const group = field.kind === "duration" ? shape.lifespans : "";
  const shown = typeof value === "number" && wanted === "int" ? `number ${value}` : jsonKindName(value);
  throw new InputFault(
    `json: cannot unmarshal ${shown} into Go struct field ${struct}.${group}${field.name} of type ${wanted}`,
  );
}

/** Decodes the value of one field; throws what is wrong with it. */
type FieldDecoder = (value: unknown, field: ServerField, shape: BodyShape) => unknown;

/** How a value other than null is decoded, by the kind of its field. */
const FIELD_DECODERS: Readonly<Record<FieldKind, FieldDecoder>> = {
  // Go replaces a lone surrogate with U+FFFD, except in raw JSON.
  text: (value, field, shape) =>
    typeof value === "string" ? value.toWellFormed() : rejectFieldType(value, field, shape, "string"),
  list: (value, field, shape) => {
    if (!Array.isArray(value)) return rejectFieldType(value, field, shape, shape.listType);
    return value.map((element: unknown) => FIELD_DECODERS.text(element ?? "", field, shape));
  },
  boolean: (value, field, shape) => (typeof value === "boolean" ? value : rejectFieldType(value, field, shape, "bool")),
  choice: (value) => (typeof value === "boolean" ? value : rejectJsonType(value, "value of type bool")),
  integer: (value, field, shape) => (Number.isSafeInteger(value) ? value : rejectFieldType(value, field, shape, "int")),
  raw: (value) => value,
  keys: (value, field, shape) =>
    isJsonObject(value)
      ? decodeKeySet(value, shape.keyLibrary)
      : rejectFieldType(value, field, shape, "x.JoseJSONWebKeySet"),
  time: (value) => {
    if (typeof value !== "string") throw new InputFault("Time.UnmarshalJSON: input is not a JSON string");
    // Go formats a time without the trailing zeros of its fraction.
    const [, start = "", fraction = "", zone = ""] = RFC3339_PATTERN.exec(value) ?? [];
    if (start !== "") return `${start}${trimCharactersAtEnd(trimCharactersAtEnd(fraction, "0"), ".")}${zone}`;
    throw new InputFault(`parsing time "${value}" as "2006-01-02T15:04:05Z07:00": cannot parse "${value}" as "2006"`);
  },
  duration: (value, field, shape) => {
    if (typeof value !== "string") return rejectFieldType(value, field, shape, "string");
    const nanoseconds = parseNanoseconds(value);
    if (nanoseconds === undefined) throw new InputFault(`time: invalid duration "${value}"`);
    return formatNanoseconds(nanoseconds);
  },
};

/** Kinds that null clears; like in Go's decoder, the others keep their value. */
const EMPTIED: ReadonlySet<FieldKind> = new Set<FieldKind>(["list", "keys", "raw"]);

/**
 * Reads a JSON value into a draft like Go's decoder reads into a struct that already has values: names are matched without
 * case, unknown members and nulls are ignored, and the first value of a wrong type is thrown.
 */
export function decodeIntoDraft(
  value: unknown,
  shape: BodyShape,
  base: Readonly<SandboxClientDraft>,
): SandboxClientDraft {
  if (value === null) return { ...base };
  if (!isJsonObject(value)) return rejectJsonType(value, `value of type ${shape.type}`);
  const draft: SandboxClientDraft = { ...base };
  for (const [name, member] of Object.entries(value)) {
    const field = shape.fields.get(name) ?? shape.fields.get(name.toLowerCase());
    if (field === undefined) continue;
    if (member !== null) draft[field.name] = FIELD_DECODERS[field.kind](member, field, shape);
    else if (EMPTIED.has(field.kind)) draft[field.name] = field.kind === "keys" ? undefined : null;
  }
  return draft;
}
