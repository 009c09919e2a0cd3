import { formatNanoseconds, parseNanoseconds } from "../core/duration.ts";
import {
  isJsonObject,
  isStringList,
  JsonDepthError,
  leadingContainerText,
  parseJsonExactly,
} from "../core/json/json.ts";
import { trimCharactersAtEnd } from "../core/text.ts";
import { jsonKindName } from "./json-kind.ts";
import { decodeKeySet, type KeySet } from "./key-set.ts";
import { TOO_DEEP_FAULT } from "./limits.ts";
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

/** A value, or what is wrong with what was to be read. */
export type DecodeOutcome<T> = { readonly value: T } | { readonly fault: string };

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
export function parseFirstJson(text: string): DecodeOutcome<unknown> {
  const whole = tryParseJson(text);
  if (whole !== undefined) return whole;
  const first = /^\s*[{[]/.test(text) ? leadingContainerText(text) : undefined;
  return (first === undefined ? undefined : tryParseJson(first)) ?? { fault: goJsonErrorText(text) };
}

/** Parses a JSON text; gives a fault if it is too deep, and undefined if it isn't JSON. */
function tryParseJson(text: string): DecodeOutcome<unknown> | undefined {
  try {
    return { value: parseJsonExactly(text) };
  } catch (error) {
    return error instanceof JsonDepthError ? TOO_DEEP_FAULT : undefined;
  }
}

const TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

function wrongFieldTypeFault(
  value: unknown,
  field: ServerField,
  shape: BodyShape,
  wanted: string,
): { readonly fault: string } {
  const struct = shape.type.split(".").at(-1) ?? "";
  const group = field.kind === "duration" ? shape.lifespans : "";
  const shown = typeof value === "number" && wanted === "int" ? `number ${value}` : jsonKindName(value);
  return {
    fault: `json: cannot unmarshal ${shown} into Go struct field ${struct}.${group}${field.name} of type ${wanted}`,
  };
}

/** Decodes the value of one field, or gives what is wrong with it. */
type FieldDecoder = (value: unknown, field: ServerField, shape: BodyShape) => DecodeOutcome<unknown>;

/** How a value other than null is decoded, by the kind of its field. */
const FIELD_DECODERS: Readonly<Record<FieldKind, FieldDecoder>> = {
  // Go replaces a lone surrogate with U+FFFD, except in raw JSON.
  text: (value, field, shape) =>
    typeof value === "string" ? { value: value.toWellFormed() } : wrongFieldTypeFault(value, field, shape, "string"),
  list: (value, field, shape) => {
    if (!Array.isArray(value)) return wrongFieldTypeFault(value, field, shape, shape.listType);
    const elements: readonly unknown[] = value.map((element: unknown) => element ?? "");
    if (isStringList(elements)) return { value: elements.map((element) => element.toWellFormed()) };
    const stray = elements.find((element) => typeof element !== "string");
    return wrongFieldTypeFault(stray, field, shape, "string");
  },
  boolean: (value, field, shape) =>
    typeof value === "boolean" ? { value } : wrongFieldTypeFault(value, field, shape, "bool"),
  choice: (value) =>
    typeof value === "boolean"
      ? { value }
      : { fault: `json: cannot unmarshal ${jsonKindName(value)} into Go value of type bool` },
  integer: (value, field, shape) =>
    typeof value === "number" && Number.isSafeInteger(value)
      ? { value }
      : wrongFieldTypeFault(value, field, shape, "int"),
  raw: (value) => ({ value }),
  keys: (value, field, shape) => {
    if (!isJsonObject(value)) return wrongFieldTypeFault(value, field, shape, "x.JoseJSONWebKeySet");
    const keys: KeySet | { readonly fault: string } = decodeKeySet(value, shape.keyLibrary);
    return "fault" in keys ? keys : { value: keys };
  },
  time: (value) => {
    if (typeof value !== "string") return { fault: "Time.UnmarshalJSON: input is not a JSON string" };
    // Go formats a time without the trailing zeros of its fraction.
    const [, start = "", fraction = "", zone = ""] = TIME.exec(value) ?? [];
    if (start !== "")
      return { value: `${start}${trimCharactersAtEnd(trimCharactersAtEnd(fraction, "0"), ".")}${zone}` };
    return {
      fault: `parsing time "${value}" as "2006-01-02T15:04:05Z07:00": cannot parse "${value}" as "2006"`,
    };
  },
  duration: (value, field, shape) => {
    if (typeof value !== "string") return wrongFieldTypeFault(value, field, shape, "string");
    const nanoseconds = parseNanoseconds(value);
    return nanoseconds === undefined
      ? { fault: `time: invalid duration "${value}"` }
      : { value: formatNanoseconds(nanoseconds) };
  },
};

/** Kinds that null clears; like in Go's decoder, the others keep their value. */
const EMPTIED: ReadonlySet<FieldKind> = new Set<FieldKind>(["list", "keys", "raw"]);

/**
 * Reads a JSON value into a draft like Go's decoder reads into a struct that already has values: names are matched without
 * case, unknown members and nulls are ignored, and the first value of a wrong type is reported.
 */
export function decodeIntoDraft(
  value: unknown,
  shape: BodyShape,
  base: Readonly<SandboxClientDraft>,
): DecodeOutcome<SandboxClientDraft> {
  if (value === null) return { value: { ...base } };
  if (!isJsonObject(value))
    return { fault: `json: cannot unmarshal ${jsonKindName(value)} into Go value of type ${shape.type}` };
  const draft: SandboxClientDraft = { ...base };
  for (const [name, member] of Object.entries(value)) {
    const field = shape.fields.get(name) ?? shape.fields.get(name.toLowerCase());
    if (field === undefined) continue;
    const read = member === null ? decodeNull(field, draft) : FIELD_DECODERS[field.kind](member, field, shape);
    if ("fault" in read) return read;
    draft[field.name] = read.value;
  }
  return { value: draft };
}

function decodeNull({ name, kind }: ServerField, draft: Readonly<SandboxClientDraft>): { readonly value: unknown } {
  if (!EMPTIED.has(kind)) return { value: draft[name] };
  return { value: kind === "keys" ? undefined : null };
}
