import { parseDuration } from "../duration.ts";
import { capitalize, type Problem, usageError } from "../problem.ts";
import { joined, quote, suggest } from "../text.ts";
import { splitCsv } from "./csv.ts";

/** Under which heading the help shows a flag. */
export type FlagGroup = "client" | "secret" | "encryption" | "input" | "output" | "connection" | "general";

interface FlagRow {
  /** The long name in the 1.x grammar, without dashes. */
  readonly name: string;
  /** The long name in the 2.x grammar where it differs; either grammar takes either name. */
  readonly v2?: string;
  /** Further long names. */
  readonly aliases?: readonly string[];
  /** The letter of the short form. */
  readonly short?: string;
  readonly group: FlagGroup;
  /** What it does, in one sentence without a period. */
  readonly help: string;
  /** Environment variables that are read, in this order, when the flag is not given. */
  readonly env?: readonly string[];
  /** The key of the config file that is read when neither flag nor variable is given. */
  readonly file?: string;
  /** The value is a credential: no message, log or help shows it. */
  readonly secret?: boolean;
  /** An empty value is refused: taken for none, it would drop what was asked for, as where a shell variable is not set. */
  readonly nonEmpty?: boolean;
}

/** A flag with one text value; with `bare`, the value may be left out (`--dry-run`, `--dry-run=curl`). */
export interface TextFlag extends FlagRow {
  readonly kind: "text";
  readonly value: string;
  readonly default?: string;
  readonly choices?: readonly string[];
  readonly implicitValue?: string;
}

/** A flag with a list value: commas separate (CSV with quotes), and repeats add. */
export interface ListFlag extends FlagRow {
  readonly kind: "list";
  readonly value: string;
  readonly default?: readonly string[];
  readonly choices?: readonly string[];
}

/** A flag that may be repeated, each value taken whole: commas and colons are part of it. */
export interface RepeatFlag extends FlagRow {
  readonly kind: "each";
  readonly value: string;
}

/** A flag that is on or off; `=false` turns it off, in any of Go's spellings. */
export interface BoolFlag extends FlagRow {
  readonly kind: "switch";
}

/** A flag with a Go duration, read into milliseconds. */
export interface DurationFlag extends FlagRow {
  readonly kind: "duration";
  readonly value: string;
  readonly default?: number;
}

/** A flag with a whole number that is not negative. */
export interface IntFlag extends FlagRow {
  readonly kind: "count";
  readonly value: string;
  readonly default?: number;
}

/** One row of the flag table; it feeds the parser, the help, the manual and the completion. */
export type Flag = TextFlag | ListFlag | RepeatFlag | BoolFlag | DurationFlag | IntFlag;

/** Where a value came from, and the name that a message calls it by. */
export interface Origin {
  readonly from: "flag" | "environment" | "file" | "default";
  /** `--callbacks`, `environment variable HYDRA_ADMIN_URL`, `"endpoint" in /etc/hydra.yaml`. */
  readonly name: string;
}

interface FlagValue {
  readonly texts: readonly string[];
  readonly on?: boolean;
  readonly number?: number;
  readonly origin: Origin;
}

/** Values outside the command line, offered to {@link parseFlags}. */
export interface ValueSources {
  environment(name: string): string | undefined;
  /** The text, or texts of a list, that the config file has under a key, and how a message names the place. */
  file(key: string): { readonly texts: readonly string[]; readonly name: string } | undefined;
}

/** The values of one command line, each with its origin. */
export class FlagValues {
  readonly #held: ReadonlyMap<string, FlagValue>;

  constructor(held: ReadonlyMap<string, FlagValue>) {
    this.#held = held;
  }

  /** The value of a text flag, its default included. */
  text(flag: TextFlag): string | undefined {
    return this.#held.get(flag.name)?.texts[0] ?? flag.default;
  }

  /** The values of a list flag, its default included; empty when there is none. */
  list(flag: ListFlag | RepeatFlag): readonly string[] {
    return this.#held.get(flag.name)?.texts ?? (flag.kind === "list" ? flag.default : undefined) ?? [];
  }

  /** Whether a switch is on. */
  bool(flag: BoolFlag): boolean {
    return this.#held.get(flag.name)?.on ?? false;
  }

  /** Milliseconds of a duration flag, or the number of a count flag, default included. */
  number(flag: DurationFlag | IntFlag): number | undefined {
    return this.#held.get(flag.name)?.number ?? flag.default;
  }

  /** Whether a flag, a variable or the file gave this value; false for a default. */
  isSet(flag: Flag): boolean {
    return this.#held.has(flag.name);
  }

  /** Where the value came from. */
  origin(flag: Flag): Origin {
    return this.#held.get(flag.name)?.origin ?? { from: "default", name: `the default of --${flag.name}` };
  }
}

/** What reading a command line gave: values as far as they could be read, and all that is wrong with it. */
export interface ParsedLine {
  readonly values: FlagValues;
  readonly operands: readonly string[];
  /** Operands that stand behind the value of a credential and may be the rest of it, which no message shows. */
  readonly maybeSecret: ReadonlySet<string>;
  readonly problems: readonly Problem[];
  /** Oddities that are let through, for stderr. */
  readonly warnings: readonly string[];
}

/** The long names of a flag, the one of the grammar at hand first. */
export function longNames(flag: Flag, grammar: Syntax = "1.x"): readonly string[] {
  const own = flag.v2 === undefined ? [flag.name] : grammar === "2.x" ? [flag.v2, flag.name] : [flag.name, flag.v2];
  return [...own, ...(flag.aliases ?? [])];
}

/** The two spellings of the commands: `clients create` and `create oauth2-client`. */
export type Syntax = "1.x" | "2.x";

const BOOLEANS = new Map<string, boolean>([
  ...["1", "t", "T", "TRUE", "true", "True"].map((word) => [word, true] as const),
  ...["0", "f", "F", "FALSE", "false", "False"].map((word) => [word, false] as const),
]);

interface FlagToken {
  readonly flag: Flag;
  readonly spelled: string;
  /** undefined: the flag stood without a value where one may be left out. */
  readonly value: string | undefined;
}

/** An index of flag rows by each of their names. */
export interface FlagIndex {
  readonly long: ReadonlyMap<string, Flag>;
  readonly short: ReadonlyMap<string, Flag>;
}

/** Makes the index that {@link scan} looks names up in. */
export function indexFlags(rows: readonly Flag[]): FlagIndex {
  const long = new Map<string, Flag>();
  const short = new Map<string, Flag>();
  for (const row of rows) {
    for (const name of longNames(row)) long.set(name, row);
    if (row.short !== undefined) short.set(row.short, row);
  }
  return { long, short };
}

interface Tokens {
  readonly found: readonly FlagToken[];
  readonly operands: readonly string[];
  readonly maybeSecret: ReadonlySet<string>;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

function takesNoValue(flag: Flag): boolean {
  return flag.kind === "switch" || (flag.kind === "text" && flag.implicitValue !== undefined);
}

/** Splits words into flags and operands by the rules of pflag: `--f v`, `--f=v`, `-fv`, `-f=v`, `-f v`, `--` ends flags. */
function scan(words: readonly string[], index: FlagIndex, command: string): Tokens {
  const found: FlagToken[] = [];
  const operands: string[] = [];
  const maybeSecret = new Set<string>();
  const problems: Problem[] = [];
  const warnings: string[] = [];
  let at = 0;
  let afterSecretFlag = false;

  function take(flag: Flag, spelled: string, value: string | undefined): void {
    found.push({ flag, spelled, value });
    afterSecretFlag = flag.secret === true;
  }

  function withNext(flag: Flag, spelled: string): void {
    const next = words[at];
    if (next === undefined) {
      const what = "value" in flag ? flag.value : "value";
      problems.push(
        usageError(
          `${spelled} needs a value`,
          `write ${spelled} ${what}; ${helpOf(command)} shows it`,
          "missing-value",
        ),
      );
      return;
    }
    at++;
    if (next.startsWith("--") && index.long.has(next.slice(2).split("=", 1)[0] ?? "")) {
      warnings.push(`${spelled} took ${flag.secret === true ? "the flag after it" : describeWord(next)} as its value`);
    }
    take(flag, spelled, next);
    afterSecretFlag ||= isCredentialFlag(next, index);
  }

  while (at < words.length) {
    const word = words[at] ?? "";
    at++;
    if (word === "--") {
      afterSecretFlag = false;
      for (const operand of words.slice(at)) {
        operands.push(operand);
        if (afterSecretFlag) maybeSecret.add(operand);
        afterSecretFlag ||= isCredentialFlag(operand, index);
      }
      break;
    }
    // An armored key begins with dashes too, and is no flag whose name could be told.
    const isArmor = word.startsWith("-----BEGIN ");
    if (word.startsWith("--") && !isArmor) {
      const equals = word.indexOf("=");
      const name = word.slice(2, equals < 0 ? undefined : equals);
      const flag = index.long.get(name);
      if (flag === undefined) {
        problems.push(unknownFlag(`--${name}`, index, command));
        // The word after an unknown flag is most likely its value; calling it a stray argument too would only add noise.
        if (equals < 0 && words[at] !== undefined && !(words[at] ?? "").startsWith("-")) at++;
      } else if (equals >= 0) {
        take(flag, `--${name}`, word.slice(equals + 1));
      } else if (takesNoValue(flag)) {
        take(flag, `--${name}`, undefined);
      } else {
        withNext(flag, `--${name}`);
      }
    } else if (word.startsWith("-") && word.length > 1 && !isArmor) {
      for (let letters = word.slice(1); letters !== ""; ) {
        const letter = letters[0] ?? "";
        const rest = letters.slice(1);
        const flag = index.short.get(letter);
        if (flag === undefined) {
          problems.push(unknownFlag(letters.length === word.length - 1 ? word : `-${letter}`, index, command));
          if (words[at] !== undefined && !(words[at] ?? "").startsWith("-")) at++;
          break;
        }
        if (rest.startsWith("=")) {
          take(flag, `-${letter}`, rest.slice(1));
          break;
        }
        if (takesNoValue(flag)) {
          take(flag, `-${letter}`, undefined);
          letters = rest;
        } else if (rest !== "") {
          take(flag, `-${letter}`, rest);
          break;
        } else {
          withNext(flag, `-${letter}`);
          break;
        }
      }
    } else {
      operands.push(word);
      if (afterSecretFlag) maybeSecret.add(word);
    }
  }
  return { found, operands, maybeSecret, problems, warnings };
}

/** Whether a word is the name of a credential's flag, so that the word behind it is the credential. */
function isCredentialFlag(word: string, index: FlagIndex): boolean {
  const flag = word.startsWith("--") ? index.long.get(word.slice(2)) : index.short.get(/^-(.)$/s.exec(word)?.[1] ?? "");
  return flag?.secret === true;
}

function helpOf(command: string): string {
  return command === "" ? "hydra help" : `hydra help ${command}`;
}

function unknownFlag(spelled: string, index: FlagIndex, command: string): Problem {
  // Only the name is told: after "=" or a short letter a secret may follow.
  const shown = spelled.startsWith("--") ? spelled : spelled.slice(0, 2);
  const meant = spelled.startsWith("--")
    ? suggest(spelled.slice(2), index.long.keys())
    : suggest(spelled.slice(1), index.long.keys());
  return usageError(
    `Unknown flag ${quote(shown).slice(1, -1)}`,
    meant === undefined ? `${helpOf(command)} lists the flags` : `did you mean --${meant}?`,
    "unknown-flag",
  );
}

/** The words before a command name: which of them are flags, so that a parent's flags may stand before the subcommand. */
export function splitBeforeCommand(
  words: readonly string[],
  index: FlagIndex,
): { readonly flags: readonly string[]; readonly command: string | undefined; readonly rest: readonly string[] } {
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? "";
    if (word === "--" || !word.startsWith("-") || word === "-") break;
    at += takesNextWord(word, index) ? 2 : 1;
  }
  const end = Math.min(at, words.length);
  const command = words[end];
  // Behind it no word is a command, and yet it is told that there was one.
  if (command === "--") return { flags: words, command: undefined, rest: [] };
  return { flags: words.slice(0, end), command, rest: words.slice(end + 1) };
}

/** Whether the value of a flag, or of the last flag of a cluster, is the word after it. */
function takesNextWord(word: string, index: FlagIndex): boolean {
  if (word.startsWith("--")) {
    const flag = index.long.get(word.slice(2));
    return flag !== undefined && !takesNoValue(flag);
  }
  for (let letters = word.slice(1); letters !== ""; letters = letters.slice(1)) {
    const flag = index.short.get(letters[0] ?? "");
    if (flag === undefined || letters[1] === "=") return false;
    if (!takesNoValue(flag)) return letters.length === 1;
  }
  return false;
}

/** How a message shows a word of the command line: quoted, and of a flag with its value only the name, for it may hold a secret. */
export function describeWord(word: string): string {
  const name = /^--[^=]*=|^-[A-Za-z](?=.)/s.exec(word)?.[0];
  return quote(name === undefined ? word : `${name}…`);
}

/** How a message shows the value of a flag: as a word, or not at all for a credential. */
export function describeValue(flag: Flag, value: string): string {
  return flag.secret === true ? "(not shown)" : describeWord(value);
}

type Single = Exclude<Flag, ListFlag | RepeatFlag>;

type Refuse = (value: string, why: string, hint: string) => undefined;

/** How a hint writes a value for a flag: with the flag on a command line, alone for the environment or the file. */
function written(flag: Flag, value: string, { from }: Origin): string {
  return from === "flag" ? `--${flag.name} ${value}` : value;
}

/** Reads the one value that a flag stood with; undefined and a refusal for one that it cannot have. */
function single(flag: Single, value: string | undefined, origin: Origin, refuse: Refuse): FlagValue | undefined {
  const text = value ?? "";
  switch (flag.kind) {
    case "switch": {
      const on = value === undefined ? true : BOOLEANS.get(value);
      return on === undefined
        ? refuse(
            text,
            "is neither true nor false",
            origin.from === "flag" ? `write --${flag.name} or --${flag.name}=false` : "write true or false",
          )
        : { texts: [], on, origin };
    }
    case "text": {
      const chosen = value ?? flag.implicitValue ?? "";
      return isChoice(flag, chosen, origin, refuse) ? { texts: [chosen], origin } : undefined;
    }
    case "duration": {
      const number = parseDuration(text);
      if (number === undefined)
        return refuse(text, "is not a duration", "write a number with a unit, such as 30s, 1m30s or 500ms");
      return number < 0
        ? refuse(text, "is a negative duration", "write 0 for a single try")
        : { texts: [], number, origin };
    }
    case "count":
      return /^\d{1,15}$/.test(text)
        ? { texts: [], number: Number(text), origin }
        : refuse(
            text,
            "is not a whole number",
            `write ${written(flag, String(flag.default ?? 10), origin)}, for example`,
          );
  }
}

function isChoice(flag: TextFlag | ListFlag, text: string, origin: Origin, refuse: Refuse): boolean {
  const { choices } = flag;
  if (choices === undefined || choices.includes(text)) return true;
  const named = choices.filter((choice) => choice !== "");
  const meant = suggest(text, named);
  refuse(
    text,
    `is not one of ${joined(named, "or")}`,
    meant === undefined ? `write ${written(flag, named[0] ?? "", origin)}, for example` : `did you mean ${meant}?`,
  );
  return false;
}

function readValue(
  flag: Flag,
  values: readonly (string | undefined)[],
  origin: Origin,
  problems: Problem[],
  warnings: string[],
): FlagValue | undefined {
  function refuse(value: string, why: string, hint: string): undefined {
    problems.push(usageError(`${capitalize(origin.name)} ${describeValue(flag, value)} ${why}`, hint, "bad-value"));
    return undefined;
  }
  function isFilled(value: string, parts: readonly string[]): boolean {
    if (flag.nonEmpty !== true || (parts.length > 0 && parts.every((part) => part.trim() !== ""))) return true;
    refuse(
      value,
      parts.length > 1 ? "has an empty value" : "is empty",
      "give a value or leave the flag out; a shell variable that is not set looks like this",
    );
    return false;
  }
  if (flag.kind === "each") {
    const texts = values.map((value) => value ?? "");
    // The flag counts as given all the same, so that nothing else is told of a wish that was made.
    return { texts: texts.every((text) => isFilled(text, [text])) ? texts : [], origin };
  }
  if (flag.kind !== "list") {
    // The last one counts, and yet each must be one that the flag can have, as with pflag.
    const read = values.map((value) => single(flag, value, origin, refuse));
    return read.includes(undefined) ? undefined : read[read.length - 1];
  }
  const texts: string[] = [];
  for (const value of values) {
    const line = splitCsv(value ?? "");
    if ("fault" in line)
      return refuse(
        value ?? "",
        `is not a list: ${line.fault}`,
        `quote a value that holds a comma: --${flag.name} '"a,b",c'`,
      );
    if (!isFilled(value ?? "", line.fields)) return { texts: [], origin };
    texts.push(...line.fields);
  }
  if (!texts.every((text) => isChoice(flag, text, origin, refuse))) return undefined;
  const blank = texts.find((text) => text !== text.trim());
  if (blank !== undefined)
    warnings.push(`${origin.name}: the blank at an end of ${quote(blank)} is a part of the value`);
  return { texts, origin };
}

/**
 * Reads the words of one command line over its flag rows, then fills what is missing from the environment and the config
 * file: flag, environment, file, default, in this order. Nothing is thrown: all that is wrong comes back together.
 */
export function parseFlags(
  words: readonly string[],
  rows: readonly Flag[],
  command: string,
  surroundings: ValueSources,
): ParsedLine {
  const index = indexFlags(rows);
  const scanned = scan(words, index, command);
  const problems = [...scanned.problems];
  const warnings = [...scanned.warnings];
  const values = new Map<string, FlagValue>();
  for (const row of rows) {
    const hits = scanned.found.filter((hit) => hit.flag === row);
    const spelled = hits[hits.length - 1]?.spelled;
    if (spelled !== undefined) {
      const value = readValue(
        row,
        hits.map((hit) => hit.value),
        { from: "flag", name: spelled },
        problems,
        warnings,
      );
      if (value !== undefined) values.set(row.name, value);
      continue;
    }
    const variable = row.env?.find((name) => (surroundings.environment(name) ?? "") !== "");
    if (variable !== undefined) {
      const text = surroundings.environment(variable) ?? "";
      const origin = { from: "environment", name: `environment variable ${variable}` } as const;
      const value = readValue(row, [text], origin, problems, warnings);
      if (value !== undefined) values.set(row.name, value);
      continue;
    }
    const filed = row.file === undefined ? undefined : surroundings.file(row.file);
    if (filed !== undefined) {
      const value = readValue(row, filed.texts, { from: "file", name: filed.name }, problems, warnings);
      if (value !== undefined) values.set(row.name, value);
    }
  }
  const { operands, maybeSecret } = scanned;
  return { values: new FlagValues(values), operands, maybeSecret, problems, warnings };
}

/** Whether the words ask for help before `--` ends the flags, as `-h`, `--help` or one of Go's spellings of true. */
export function asksForHelp(words: readonly string[], rows: readonly Flag[], help: BoolFlag): boolean {
  return parseFlags(words, rows, "", { environment: () => undefined, file: () => undefined }).values.bool(help);
}
