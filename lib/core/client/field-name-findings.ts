import { isJsonObject, type JsonObject } from "../json.ts";
import { type Problem, usageError } from "../problem.ts";
import { EXTENSION_MEMBER } from "../state/extension-member.ts";
import { joinWords, quote, suggestWord } from "../text.ts";
import { isKubernetesObject } from "./maester.ts";
import { classifyFieldName } from "./misnamed-fields.ts";

/** A key of a client that is not a field. */
export interface FieldNameFinding {
  readonly severity: "error" | "warning";
  /** `"grant_typs" in client.json is not a client field` */
  readonly message: string;
  /** The right field, or how to do what the key means. */
  readonly hint: string | undefined;
}

/** The finding of a key that is not a field; with a `hint` it is a mistake and not an extension. */
export function createFieldNameFinding(name: string, hint: string | undefined, lenient: boolean): FieldNameFinding {
  const severity = hint === undefined || lenient ? "warning" : "error";
  return { severity, message: `${name} is not a client field`, hint };
}

/**
 * The keys of a client that are not fields. Misspelt and wrong names would lose what they say, so they are errors unless
 * `lenient`; extensions, registered or not, are warnings. `nameOf` is what messages call a key.
 */
export function findFieldNameMistakes(
  client: JsonObject,
  nameOf: (key: string) => string,
  lenient: boolean,
): readonly FieldNameFinding[] {
  return Object.keys(client).flatMap((key): readonly FieldNameFinding[] => {
    const found = classifyFieldName(key);
    switch (found.kind) {
      case "field":
        return [];
      case "misspelt":
        return [createFieldNameFinding(nameOf(key), `did you mean ${found.field}?`, lenient)];
      case "wrong-name":
        return [createFieldNameFinding(nameOf(key), found.hint, lenient)];
      default:
        return [createFieldNameFinding(nameOf(key), undefined, lenient)];
    }
  });
}

/** A finding as the text of a warning. */
export function fieldNameWarning({ message, hint }: FieldNameFinding): string {
  return hint === undefined ? message : `${message}; ${hint}`;
}

/** A finding as a usage error. */
export function fieldNameProblem({ severity, message, hint }: FieldNameFinding): Problem {
  return usageError(message, problemHint(severity, hint), "unknown-field");
}

function problemHint(severity: FieldNameFinding["severity"], hint: string | undefined): string {
  if (hint === undefined) return "leave it out, or leave out --strict";
  if (severity === "warning") return hint;
  return `${hint}${hint.endsWith("?") ? " " : "; "}--lenient goes on anyway`;
}

/** Whether an object can be meant as a client: one of its keys is a field, or unless `lenient` is a mistake for one. */
export function looksLikeClient(client: JsonObject, lenient: boolean): boolean {
  const kinds = Object.keys(client).map((key) => classifyFieldName(key).kind);
  return kinds.some((kind) => kind === "field" || (!lenient && (kind === "misspelt" || kind === "wrong-name")));
}

/** The members of an object that can be a list of clients, the first one first. */
const LISTS = ["items", "clients"] as const;

/**
 * What an object with a list of clients may have besides the list, apart from members that begin with `x-`: what
 * Kubernetes lists have, what `list --format json` prints, and the schema for editors.
 */
export const LIST_MEMBERS: readonly string[] = [
  "apiVersion",
  "kind",
  "metadata",
  "next_page_token",
  "is_last_page",
  "$schema",
];

/** The member of an object that is a list of clients or of Kubernetes objects; undefined for an object of another kind. */
export function findListMember(value: JsonObject): string | undefined {
  if (isKubernetesObject(value))
    return Array.isArray(value["items"]) && String(value["kind"]).endsWith("List") ? "items" : undefined;
  return LISTS.find((name) => Array.isArray(value[name]));
}

/** A member of an object with a list of clients that would be ignored. */
interface StrayMember {
  readonly key: string;
  readonly message: string;
  readonly hint: string;
}

/** The members of an object with a list of clients that nothing reads, and whose clients would seem to be in no file. */
export function findStrayMembers(value: JsonObject, list: string): readonly StrayMember[] {
  return Object.keys(value).flatMap((key) => {
    const isAllowed = key === list || LIST_MEMBERS.includes(key) || (key.startsWith("x-") && key !== EXTENSION_MEMBER);
    if (isAllowed) return [];
    const message = `${quote(key)} does not belong to an object with a list of ${list}`;
    return [{ key, message, hint: strayHint(key, list) }];
  });
}

function strayHint(key: string, list: string): string {
  if (LISTS.some((name) => name === key)) return `keep all clients in ${list}`;
  const found = classifyFieldName(key);
  if (found.kind === "field" || key === EXTENSION_MEMBER) return `move it into the clients in ${list}`;
  const near = suggestWord(key, [...LISTS, ...LIST_MEMBERS]);
  if (near !== undefined) return `did you mean ${near}?`;
  if (found.kind === "misspelt") return `did you mean ${found.field}? It belongs into the clients in ${list}`;
  return `remove it; only ${joinWords(LIST_MEMBERS)} and names that begin with x- may be there`;
}

/** {@link findStrayMembers} of all objects with lists among the values of a file, in lists of lists too. */
export function findAllStrayMembers(values: readonly unknown[]): readonly StrayMember[] {
  return values.flatMap((value): readonly StrayMember[] => {
    if (Array.isArray(value)) return findAllStrayMembers(value);
    const list = isJsonObject(value) ? findListMember(value) : undefined;
    if (list === undefined || !isJsonObject(value)) return [];
    const inner = value[list];
    return [...findStrayMembers(value, list), ...findAllStrayMembers(Array.isArray(inner) ? inner : [])];
  });
}
