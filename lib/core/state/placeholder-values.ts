import { isJsonObject, parseJsonOrUndefined } from "../json/json.ts";
import { PLACEHOLDER_PATTERN, WHOLE_PLACEHOLDER_PATTERN } from "./placeholders.ts";

/** The value of a variable; undefined if it isn't set. */
export type VariableLookup = (name: string) => string | undefined;

/** The names of the variables in a value of a file. */
export function placeholderNames(value: unknown): readonly string[] {
  const names = new Set<string>();
  const pending: unknown[] = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next === "string") for (const [, name = ""] of next.matchAll(PLACEHOLDER_PATTERN)) names.add(name);
    else if (Array.isArray(next)) pending.push(...next);
    else if (isJsonObject(next)) pending.push(...Object.values(next));
  }
  return [...names];
}

/** A value of a file with its placeholders replaced; texts stay texts. */
export function replaceKnownPlaceholders(value: unknown, variables: VariableLookup): unknown {
  if (typeof value === "string")
    return value.replace(PLACEHOLDER_PATTERN, (all, name: string) => variables(name) ?? all);
  if (Array.isArray(value)) return value.map((item: unknown) => replaceKnownPlaceholders(item, variables));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, replaceKnownPlaceholders(member, variables)]),
  );
}

/**
 * What a value of a file can mean: itself with its placeholders replaced, and if it is nothing but one placeholder, also
 * the list, number or boolean that the variable contains as JSON.
 */
export function possibleReplacedValues(value: unknown, variables: VariableLookup): readonly unknown[] {
  const replaced = replaceKnownPlaceholders(value, variables);
  if (typeof value !== "string" || typeof replaced !== "string" || !WHOLE_PLACEHOLDER_PATTERN.test(value))
    return [replaced];
  const parsed = parseJsonOrUndefined(replaced);
  return parsed === undefined ? [replaced] : [replaced, parsed.value];
}
