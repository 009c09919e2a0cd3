import { FIELD_BY_NAME } from "../client/fields.ts";
import { isKubernetesObject } from "../client/kubernetes-object.ts";
import { isJsonObject } from "../json/json.ts";
import { parseJsonOrFault } from "../json/json-with-comments.ts";

/** The name of a variable. */
const VARIABLE_NAME_PATTERN = "[A-Za-z_][A-Za-z0-9_]*";

/** A placeholder for a variable in a text of a client file: `${{ name }}`. */
export const PLACEHOLDER_PATTERN = new RegExp(`\\$\\{\\{\\s*(${VARIABLE_NAME_PATTERN})\\s*\\}\\}`, "g");

/** A text that is nothing but one placeholder. */
export const WHOLE_PLACEHOLDER_PATTERN = new RegExp(`^\\s*\\$\\{\\{\\s*(${VARIABLE_NAME_PATTERN})\\s*\\}\\}\\s*$`);

export function isVariableName(text: string): boolean {
  return new RegExp(`^${VARIABLE_NAME_PATTERN}$`).test(text);
}

type PlaceholderPath = readonly (string | number)[];

/** A placeholder without a value. */
interface MissingVariable {
  readonly name: string;
  readonly path: PlaceholderPath;
}

/** A value whose placeholders are replaced. */
interface ReplacedValueAndFaults {
  readonly value: unknown;
  readonly missing: readonly MissingVariable[];
  /** Where texts begin something that is not a valid placeholder: its name is wrong, or its end is missing. */
  readonly malformed: readonly PlaceholderPath[];
}

/** The texts that are no field of a client: settings, and what a manifest says to its controller. */
const TEXTS: ReadonlySet<string> = new Set([
  "client_id",
  "x-hydra.key",
  "x-hydra.secret.env",
  "x-hydra.secret.file",
  "spec.secretName",
]);

/** The shape of what a path is in: a field of a client or of a manifest's `spec`, or a text of something else. */
function fieldShapeAtPath(path: PlaceholderPath, isKubernetes: boolean): string | undefined {
  const [top, key] = path;
  // The name of an object, and the values of a Secret.
  if (TEXTS.has(path.join(".")) || (isKubernetes && top !== "spec")) return "text";
  const name = top === "spec" && typeof key === "string" ? key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`) : top;
  return typeof name === "string" ? FIELD_BY_NAME.get(name)?.shape : undefined;
}

/** Converts a variable that is the whole value: text, unless the field takes a list or a boolean, or any JSON. */
function convertVariableValue(text: string, path: PlaceholderPath, isKubernetes: boolean): unknown {
  const read = parseJsonOrFault(text);
  if ("offset" in read) return text;
  const { value } = read;
  const shape = fieldShapeAtPath(path, isKubernetes);
  const isWhole = path.length === (path[0] === "spec" ? 2 : 1);
  switch (shape) {
    case "list":
    case "space-separated":
      return isWhole && Array.isArray(value) ? value : text;
    case "boolean":
      return typeof value === "boolean" ? value : text;
    case "text":
    case "duration":
      return text;
    default:
      return Array.isArray(value) || ["number", "boolean"].includes(typeof value) ? value : text;
  }
}

/**
 * Replaces `${{ name }}` in the strings of a parsed value, never in its text, so that a value can't change the structure of
 * a file. A string that is only one placeholder may become a list, a number or a boolean. Values are not searched again.
 * Strings become well-formed Unicode, as servers store them.
 */
export function replacePlaceholdersAndFindFaults(
  value: unknown,
  lookup: (name: string) => string | undefined,
): ReplacedValueAndFaults {
  const missing: MissingVariable[] = [];
  const malformed: PlaceholderPath[] = [];
  const isKubernetes = isKubernetesObject(value);
  const replacement = (name: string, path: PlaceholderPath): string => {
    const found = lookup(name);
    if (found === undefined) missing.push({ name, path });
    return found ?? "";
  };
  const text = (source: string, path: PlaceholderPath): unknown => {
    if (!source.includes("${{")) return source.toWellFormed();
    if (source.replace(PLACEHOLDER_PATTERN, "").includes("${{")) malformed.push(path);
    const name = WHOLE_PLACEHOLDER_PATTERN.exec(source)?.[1];
    if (name !== undefined) return convertVariableValue(replacement(name, path), path, isKubernetes);
    return source.replace(PLACEHOLDER_PATTERN, (_, inner: string) => replacement(inner, path)).toWellFormed();
  };
  const replace = (part: unknown, path: PlaceholderPath): unknown => {
    if (typeof part === "string") return text(part, path);
    if (Array.isArray(part)) return part.map((item, i) => replace(item, [...path, i]));
    if (!isJsonObject(part)) return part;
    return Object.fromEntries(
      Object.entries(part).map(([key, member]) => [key.toWellFormed(), replace(member, [...path, key])]),
    );
  };
  return { value: replace(value, []), missing, malformed };
}
