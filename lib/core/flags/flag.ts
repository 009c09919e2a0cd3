/** The heading under which the help shows a flag. */
export type FlagGroup = "client" | "secret" | "encryption" | "input" | "output" | "connection" | "general";

/**
 * What the values of a flag or the operands of a command are, if completion can offer some. The placeholder in help is only
 * for people.
 */
export type CompletableValueKind =
  | "file"
  | "folder"
  | "client-id"
  | "field"
  | "field-path"
  | "output-format"
  | "pgp-key"
  | "shell";

interface FlagRow {
  /** The long name in the 1.x syntax, without dashes. */
  readonly name: string;
  /** The long name in the 2.x syntax if it differs; both syntaxes accept both names. */
  readonly v2?: string;
  /** Further long names. */
  readonly aliases?: readonly string[];
  /** The letter of the short form. */
  readonly short?: string;
  readonly group: FlagGroup;
  /** What it does, in one sentence without a period. */
  readonly help: string;
  /** The same in a few words, for the short page of a command on which the flag means something of its own. */
  readonly brief?: string;
  /** Environment variables that are read, in this order, when the flag is not given. */
  readonly env?: readonly string[];
  /** The key of the config file that is read when neither flag nor variable is given. */
  readonly file?: string;
  /** The value is a credential: no message, log or help shows it. */
  readonly secret?: boolean;
  /** An empty value is rejected. Treating it as absent would drop a request, as when a shell variable is not set. */
  readonly nonEmpty?: boolean;
}

/** A flag with one text value; with `implicitValue`, the value may be left out (`--dry-run`, `--dry-run=curl`). */
export interface TextFlag extends FlagRow {
  readonly kind: "text";
  readonly value: string;
  readonly completes?: CompletableValueKind;
  readonly default?: string;
  readonly choices?: readonly string[];
  readonly implicitValue?: string;
}

/** A text flag with a fixed set of values, which are the type of what {@link FlagValues.text} returns for it. */
export interface ChoiceFlag<Choice extends string> extends TextFlag {
  readonly choices: readonly Choice[];
  readonly default?: Choice;
  readonly implicitValue?: Choice;
}

/** A flag with a list value: commas separate (CSV with quotes), and repeats add. */
export interface ListFlag extends FlagRow {
  readonly kind: "list";
  readonly value: string;
  readonly completes?: CompletableValueKind;
  readonly default?: readonly string[];
  readonly choices?: readonly string[];
}

/** A flag that may be repeated. Each value is kept whole: commas and colons are part of it. */
export interface RepeatFlag extends FlagRow {
  readonly kind: "each";
  readonly value: string;
  readonly completes?: CompletableValueKind;
}

/** A flag that is on or off; `=false` turns it off, in any of Go's spellings. */
export interface BoolFlag extends FlagRow {
  readonly kind: "switch";
}

/** A flag with a Go duration, read into milliseconds. */
export interface DurationFlag extends FlagRow {
  readonly kind: "duration";
  readonly value: string;
  /** What 0 means, if it has a meaning of its own. */
  readonly zero?: string;
  readonly default?: number;
}

/** A flag with a whole number that is not negative, except for -1 if that has a meaning. */
export interface IntFlag extends FlagRow {
  readonly kind: "count";
  readonly value: string;
  /** What -1 means, if it is accepted. */
  readonly minusOne?: string;
  readonly default?: number;
}

/** One row of the flag table; it feeds the parser, the help, the manual and the completion. */
export type Flag = TextFlag | ListFlag | RepeatFlag | BoolFlag | DurationFlag | IntFlag;

/** A flag that always has a value, because its row has a default. */
export type WithDefault<Row extends { readonly default?: unknown }> = Row & Required<Pick<Row, "default">>;

/** The two spellings of the commands: `clients create` and `create oauth2-client`. */
export type SyntaxVersion = "1.x" | "2.x";

/** The long names of a flag, the one of the given syntax first. */
export function longNames(flag: Flag, syntax: SyntaxVersion = "1.x"): readonly string[] {
  const own = flag.v2 === undefined ? [flag.name] : syntax === "2.x" ? [flag.v2, flag.name] : [flag.name, flag.v2];
  return [...own, ...(flag.aliases ?? [])];
}

/** A flag as messages write it: `--callbacks`, or `--redirect-uri` in 2.x syntax. */
export function longFlag(flag: Flag, syntax: SyntaxVersion): string {
  return `--${longNames(flag, syntax)[0] ?? flag.name}`;
}

/** Whether a flag given without `=` has no value, so that the next word is a word of its own. */
export function neverTakesNextWord(flag: Flag): boolean {
  return flag.kind === "switch" || (flag.kind === "text" && flag.implicitValue !== undefined);
}

/** The operands of a command, as far as messages about its flags need them. */
export interface OperandNames {
  readonly name: string;
  /** What the first one is called, if it is something else. */
  readonly first?: string;
  /** Whether they are credentials. */
  readonly secret?: boolean;
}

/** The flag rows by each of their names. */
export interface FlagIndex {
  readonly long: ReadonlyMap<string, Flag>;
  readonly short: ReadonlyMap<string, Flag>;
}

/** Indexes flag rows by their names, for {@link readWord}. */
export function indexFlags(rows: readonly Flag[]): FlagIndex {
  const long = new Map<string, Flag>();
  const short = new Map<string, Flag>();
  for (const row of rows) {
    long.set(row.name, row);
    if (row.v2 !== undefined) long.set(row.v2, row);
    for (const alias of row.aliases ?? []) long.set(alias, row);
    if (row.short !== undefined) short.set(row.short, row);
  }
  return { long, short };
}
