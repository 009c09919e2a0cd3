import { quoteVisiblePart } from "../redact.ts";
import { withoutFinalLineBreak } from "../text.ts";
import { type Flag, indexFlags, type OperandNames, type TextFlag } from "./flag.ts";
import { FlagValues, type FlagValueWithOrigin, type ValueOrigin } from "./parsed-flag-values.ts";
import { BOOLEAN_BY_SPELLING, type OptionalValueText, ValueReader } from "./read-value.ts";
import type { FlagWithValue } from "./read-word.ts";
import { type SplitCommandLine, splitFlagsFromOperands } from "./split-command-line.ts";

/** Where values come from that the command line does not give. */
export interface ValueSources {
  environment(name: string): string | undefined;
  /** The text, or texts of a list, that the config file has for a key, and what a message calls the place. */
  file(key: string): { readonly texts: readonly string[]; readonly name: string } | undefined;
}

/** No environment and no config file: only the command line counts. */
export const NO_VALUE_SOURCES: ValueSources = { environment: () => undefined, file: () => undefined };

/** A command line that was read: the values as far as they are valid, and all that is wrong. */
export interface ParsedLine extends Omit<SplitCommandLine, "flags"> {
  readonly values: FlagValues;
}

/**
 * Reads the words of one command line by its flag rows, then fills in what is missing from the environment and the config
 * file: flag, environment, file, default, in this order. It throws nothing: all problems are returned together.
 */
export function parseFlagsWithFallbacks(
  words: readonly string[],
  rows: readonly Flag[],
  command: string,
  sources: ValueSources,
  wanted?: OperandNames,
): ParsedLine {
  const { flags, operands, maybeSecret, ...scanned } = splitFlagsFromOperands(words, indexFlags(rows), command, wanted);
  const problems = [...scanned.problems];
  const warnings = [...scanned.warnings];
  const values = new Map<string, FlagValueWithOrigin>();
  const tokens = groupByFlag(flags);
  for (const row of rows) {
    const given = findGivenValue(row, tokens.get(row) ?? [], sources);
    if (given === undefined) continue;
    const value = new ValueReader(given.origin, problems, warnings).read(row, given.texts);
    if (value !== undefined) values.set(row.name, value);
  }
  return { values: new FlagValues(values), operands, maybeSecret, problems, warnings };
}

/** The words of each flag. `Map.groupBy` would cost a hundredth of a start: the engine compiles it on its first use. */
function groupByFlag(words: readonly FlagWithValue[]): ReadonlyMap<Flag, readonly FlagWithValue[]> {
  const groups = new Map<Flag, FlagWithValue[]>();
  for (const word of words) {
    const group = groups.get(word.flag);
    if (group === undefined) groups.set(word.flag, [word]);
    else group.push(word);
  }
  return groups;
}

/** An operand as messages show it: not at all if it may be the rest of a credential. */
export function redactOperand(word: string, { maybeSecret }: Pick<ParsedLine, "maybeSecret">): string {
  return quoteVisiblePart(word, maybeSecret.has(word));
}

interface GivenValue {
  readonly texts: readonly OptionalValueText[];
  readonly origin: ValueOrigin;
}

/**
 * The value of a variable without what its source left around it: a file with Windows line ends a carriage return, `set A=b && …`
 * a space. A space may be part of a credential.
 */
function trimVariable({ secret }: Flag, text: string): string {
  return secret === true ? withoutFinalLineBreak(text) : text.trim();
}

/** The texts of a flag from the first place that has any. */
function findGivenValue(row: Flag, tokens: readonly FlagWithValue[], sources: ValueSources): GivenValue | undefined {
  const last = tokens[tokens.length - 1];
  if (last !== undefined)
    return { texts: tokens.map(({ value }) => value), origin: { from: "flag", name: last.spelled } };
  for (const variable of row.env ?? []) {
    const set = sources.environment(variable);
    const text = set === undefined ? "" : trimVariable(row, set);
    if (text !== "")
      return { texts: [text], origin: { from: "environment", name: `environment variable ${variable}` } };
  }
  const entry = row.file === undefined ? undefined : sources.file(row.file);
  return entry === undefined ? undefined : { texts: entry.texts, origin: { from: "file", name: entry.name } };
}

/** Whether the words ask for help before `--` ends the flags, as `-h`, `--help`, `--help=all` or `--help=true` in any of Go's spellings. */
export function asksForHelp(words: readonly string[], rows: readonly Flag[], help: TextFlag): boolean {
  // Parsing costs part of a start, so only words that can hold the flag lead to it.
  const mayHold = words.some((word) => (word.startsWith("--") ? word.startsWith("--h") : /^-[A-Za-z]*h/.test(word)));
  const value = mayHold ? parseFlagsWithFallbacks(words, rows, "", NO_VALUE_SOURCES).values.text(help) : undefined;
  return value !== undefined && BOOLEAN_BY_SPELLING.get(value) !== false;
}
