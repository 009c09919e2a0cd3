import type { JsonObject } from "../json/json.ts";
import { type Problem, usageError } from "../problem.ts";
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
 * The keys of a client that are not fields. Misspelled and wrong names would lose what they say, so they are errors unless
 * `lenient`; extensions, registered or not, are warnings. `nameOf` is what messages call a key.
 */
export function findUnknownFields(
  client: JsonObject,
  nameOf: (key: string) => string,
  lenient: boolean,
): readonly FieldNameFinding[] {
  return Object.keys(client).flatMap((key): readonly FieldNameFinding[] => {
    const found = classifyFieldName(key);
    switch (found.kind) {
      case "field":
        return [];
      case "misspelled":
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
  // biome-ignore lint/plugin: only its punctuation depends on it
  return `${hint}${hint.endsWith("?") ? " " : "; "}--lenient accepts it`;
}

/** Whether an object can be meant as a client: one of its keys is a field, or unless `lenient` is a mistake for one. */
export function looksLikeClient(client: JsonObject, lenient: boolean): boolean {
  const kinds = Object.keys(client).map((key) => classifyFieldName(key).kind);
  return kinds.some((kind) => kind === "field" || (!lenient && (kind === "misspelled" || kind === "wrong-name")));
}
