import { CLIENT_FIELDS, FIELD_NAMES, GRANT_TYPES } from "../client/fields.ts";
import { LIST_EDIT_FLAGS } from "../client/list-edit-flags.ts";
import { RESPONSE_TYPES, STANDARD_SCOPES } from "../client/protocol-names.ts";
import type { CompletableValueKind, Flag } from "../flags/flag.ts";
import { FORMAT_HELP_ROWS } from "../help/formats-topic.ts";
import { ASSERTION_ALGORITHMS } from "../jwk/assertion-algorithms.ts";
import { FORMAT_CHOICES } from "../output/formats.ts";
import { SHELLS } from "./shells.ts";

/** A candidate for the text at the cursor. */
export interface Candidate {
  readonly text: string;
  /** What it is, in a few words; perhaps nothing. */
  readonly about: string;
  /** Whether the word continues after it. */
  readonly open: boolean;
}

/** What a value can be: a choice of texts, or something that is looked up. */
export type PossibleValues =
  | { readonly kind: "words"; readonly candidates: readonly Candidate[] }
  | { readonly kind: "files" | "folders" | "ids" };

function possibleValuesFromTexts(texts: readonly string[]): PossibleValues {
  return { kind: "words", candidates: texts.map((text) => ({ text, about: "", open: false })) };
}

const NONE = possibleValuesFromTexts([]);

/** Values that a field usually has; others are valid too. */
export const USUAL_FIELD_VALUES: ReadonlyMap<string, readonly string[]> = new Map([
  ["grant_types", GRANT_TYPES],
  ["response_types", RESPONSE_TYPES],
  ["scope", STANDARD_SCOPES],
  ["token_endpoint_auth_signing_alg", ASSERTION_ALGORITHMS],
  ["request_object_signing_alg", ["none", ...ASSERTION_ALGORITHMS]],
  ["userinfo_signed_response_alg", ["none", "RS256"]],
]);

/** The flags that set fields with usual values, or edit them. */
function findUsualFlagValues(flag: Flag): readonly string[] | undefined {
  const field =
    CLIENT_FIELDS.find((known) => known.flag.name === flag.name) ??
    LIST_EDIT_FLAGS.find((known) => known.flag === flag)?.field;
  return field === undefined ? undefined : USUAL_FIELD_VALUES.get(field.name);
}

const OUTPUT_FORMATS: PossibleValues = {
  kind: "words",
  candidates: FORMAT_CHOICES.map((format) => {
    const text = format.replace(/=.*$/, "=");
    const about =
      Object.values(FORMAT_HELP_ROWS).find(([term]) => term === format)?.[1] ??
      (format === "auto" ? "The default of the command" : "");
    return { text, about: about.replaceAll("`", ""), open: text.endsWith("=") };
  }),
};

const FIELD_PATHS: PossibleValues = {
  kind: "words",
  candidates: FIELD_NAMES.map((name) => ({ text: `${name}=`, about: "", open: true })),
};

/** What a text can be at the cursor; the first `skip` characters of what is typed are not part of a file name. */
type ValuesAtCursor = PossibleValues & { readonly skip?: number };

/** Keys: in a file after `@`, or by a kind of URL. */
function possiblePgpKeyValues(typed: string): ValuesAtCursor {
  if (typed.startsWith("@")) return { kind: "files", skip: 1 };
  return {
    kind: "words",
    candidates: [
      { text: "@", about: "A key in a file", open: true },
      { text: "wkd:", about: "A key of a Web Key Directory", open: true },
      { text: "github:", about: "The key of a GitHub user", open: true },
      { text: "keybase:", about: "The key of a Keybase user", open: true },
    ],
  };
}

const VALUES: Readonly<Record<CompletableValueKind, (typed: string) => ValuesAtCursor>> = {
  file: () => ({ kind: "files" }),
  folder: () => ({ kind: "folders" }),
  "client-id": () => ({ kind: "ids" }),
  field: () => possibleValuesFromTexts(CLIENT_FIELDS.map((field) => field.name)),
  "field-path": () => FIELD_PATHS,
  "output-format": () => OUTPUT_FORMATS,
  "pgp-key": possiblePgpKeyValues,
  shell: () => possibleValuesFromTexts(SHELLS),
};

/** The possible values of operands. */
export function possibleOperandValues(completes: CompletableValueKind | undefined, typed: string): ValuesAtCursor {
  return completes === undefined ? NONE : VALUES[completes](typed);
}

/** The possible values of a flag. */
export function possibleFlagValues(flag: Flag, typed: string): ValuesAtCursor {
  if (flag.kind === "switch") return possibleValuesFromTexts(["true", "false"]);
  if (flag.kind === "duration" || flag.kind === "count") return NONE;
  if (flag.completes !== undefined) return VALUES[flag.completes](typed);
  if (flag.kind !== "each" && flag.choices !== undefined)
    return possibleValuesFromTexts(flag.choices.filter((choice) => choice !== ""));
  return possibleValuesFromTexts(findUsualFlagValues(flag) ?? []);
}
