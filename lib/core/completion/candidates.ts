import { splitCsv } from "../flags/csv.ts";
import { type Flag, type FlagIndex, indexFlags, longNames, type Syntax } from "../flags/parse.ts";
import { type Candidate, operandValues, type Values, valuesOf } from "./values.ts";

/** What could stand at the cursor. */
export interface Completion {
  readonly kind: Values["kind"];
  /** What of the word that is being typed stands before that which is completed: `--format=`, `a,b,`, `@`. */
  readonly head: string;
  readonly candidates: readonly Candidate[];
}

/** A command as far as its completion needs it. */
export interface Target {
  readonly flags: readonly Flag[];
  readonly grammar: Syntax;
  readonly operands: { readonly name: string; readonly most: number } | undefined;
}

/** Words that are texts without more to them. */
export function plainWords(rows: readonly (readonly [text: string, about: string])[]): Completion {
  return { kind: "words", head: "", candidates: rows.map(([text, about]) => ({ text, about, open: false })) };
}

/** Nothing could stand here that is known. */
export const NOTHING_KNOWN: Completion = plainWords([]);

interface LetterFlag {
  readonly flag: Flag;
  /** What of the word stands before the value. */
  readonly head: string;
  readonly hasValue: boolean;
}

function takesValue(flag: Flag): boolean {
  return flag.kind !== "switch" && !(flag.kind === "text" && flag.implicitValue !== undefined);
}

/** The flag in a word such as `-vg` or `-g=a` that takes what stands behind it. */
function letterFlag(word: string, index: FlagIndex): LetterFlag | undefined {
  for (let at = 1; at < word.length; at++) {
    const flag = index.short.get(word.charAt(at));
    if (flag === undefined) return undefined;
    const equals = word.charAt(at + 1) === "=";
    if (equals) return { flag, head: word.slice(0, at + 2), hasValue: true };
    if (takesValue(flag)) return { flag, head: word.slice(0, at + 1), hasValue: at + 1 < word.length };
  }
  return undefined;
}

/** The flag whose value is the word behind this one. */
export function awaiting(word: string, index: FlagIndex): Flag | undefined {
  if (word.startsWith("--")) {
    const flag = index.long.get(word.slice(2));
    return flag !== undefined && takesValue(flag) ? flag : undefined;
  }
  if (!word.startsWith("-")) return undefined;
  const found = letterFlag(word, index);
  return found === undefined || found.hasValue ? undefined : found.flag;
}

interface Before {
  /** The flag whose value is being typed. */
  readonly pending: Flag | undefined;
  /** Whether `--` has ended the flags. */
  readonly ended: boolean;
  readonly operands: readonly string[];
  readonly given: ReadonlySet<Flag>;
}

/** Reads the words before the cursor, by the rules of the parser. */
export function readBefore(words: readonly string[], index: FlagIndex): Before {
  const operands: string[] = [];
  const given = new Set<Flag>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") {
      return { pending: undefined, ended: true, operands: [...operands, ...words.slice(at + 1)], given };
    }
    if (word.length < 2 || !word.startsWith("-")) {
      operands.push(word);
      continue;
    }
    const flag = word.startsWith("--")
      ? index.long.get(word.slice(2).split("=", 1)[0] ?? "")
      : (letterFlag(word, index)?.flag ?? index.short.get(word.slice(-1)));
    if (flag !== undefined) given.add(flag);
    const next = awaiting(word, index);
    if (next === undefined) continue;
    at++;
    if (at === words.length) return { pending: next, ended: false, operands, given };
  }
  return { pending: undefined, ended: false, operands, given };
}

/** Where the last element of a list begins: behind the last comma outside of quotes. */
function lastElement(text: string): number {
  let quoted = false;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text.charAt(at);
    if (letter === '"') quoted = !quoted;
    else if (letter === "," && !quoted) start = at + 1;
  }
  return start;
}

/** The elements of a list that stand before its last one. */
function elementsIn(text: string): readonly string[] {
  const line = splitCsv(text.replace(/,$/, ""));
  return "fault" in line ? [] : line.fields;
}

function beginningWith({ kind, head, candidates }: Completion, typed: string): Completion {
  return { kind, head, candidates: candidates.filter(({ text }) => text.startsWith(typed)) };
}

/** What the value of a flag could be, of which `typed` stands behind `head`. */
export function completeValue(flag: Flag, typed: string, head = ""): Completion {
  const start = flag.kind === "list" ? lastElement(typed) : 0;
  const before = typed.slice(0, start);
  const element = typed.slice(start);
  const values = valuesOf(flag, element);
  if (values.kind !== "words") {
    return { kind: values.kind, head: head + before + element.slice(0, values.skip ?? 0), candidates: [] };
  }
  const there = new Set(start === 0 ? [] : elementsIn(before));
  const candidates = values.candidates.filter(({ text }) => !there.has(text));
  return beginningWith({ kind: "words", head: head + before, candidates }, element);
}

/** The names of flags that could still be given. The other names of a flag count where its first one does not fit. */
export function completeFlagName(
  flags: readonly Flag[],
  grammar: Syntax,
  given: ReadonlySet<Flag>,
  typed: string,
): Completion {
  const rest = flags.filter((flag) => !given.has(flag) || flag.kind === "list" || flag.kind === "each");
  const named = (flag: Flag, name: string): Candidate => ({ text: name, about: flag.help, open: false });
  const first = rest.map((flag) => named(flag, `--${longNames(flag, grammar)[0] ?? flag.name}`));
  const others = rest.flatMap((flag) =>
    longNames(flag, grammar)
      .slice(1)
      .map((name) => named(flag, `--${name}`)),
  );
  const letters = rest.flatMap((flag) => (flag.short === undefined ? [] : [named(flag, `-${flag.short}`)]));
  const pick = (candidates: readonly Candidate[]): Completion =>
    beginningWith({ kind: "words", head: "", candidates }, typed);
  if (typed === "-") return pick([...letters, ...first]);
  if (!typed.startsWith("--") && typed !== "") return pick(letters);
  const found = pick(first);
  // A name that is whole already stays what it is, also where a first name begins with it.
  return pick(found.candidates.length > 0 ? [...first, ...others.filter(({ text }) => text === typed)] : others);
}

/** A flag and the value that is typed in the same word: `--format=j`, `-gim`. */
function attached(typed: string, index: FlagIndex): { readonly flag: Flag; readonly head: string } | undefined {
  if (!typed.startsWith("--")) {
    const found = letterFlag(typed, index);
    return found?.hasValue === true ? found : undefined;
  }
  const equals = typed.indexOf("=");
  const flag = equals < 0 ? undefined : index.long.get(typed.slice(2, equals));
  return flag === undefined ? undefined : { flag, head: typed.slice(0, equals + 1) };
}

/** What could stand at the cursor, behind a command: `words` stand between the two, and `typed` is of the word itself. */
export function complete(target: Target, words: readonly string[], typed: string): Completion {
  const index = indexFlags(target.flags);
  const before = readBefore(words, index);
  if (before.pending !== undefined) return completeValue(before.pending, typed);
  if (!before.ended && typed.startsWith("-")) {
    const found = attached(typed, index);
    return found === undefined
      ? completeFlagName(target.flags, target.grammar, before.given, typed)
      : completeValue(found.flag, typed.slice(found.head.length), found.head);
  }
  const { operands } = target;
  if (operands !== undefined && before.operands.length < operands.most) {
    const values = operandValues(operands.name, typed);
    if (values.kind !== "words") return { kind: values.kind, head: typed.slice(0, values.skip ?? 0), candidates: [] };
    return beginningWith({ kind: "words", head: "", candidates: values.candidates }, typed);
  }
  // Where nothing but a flag can follow, all of them help more than nothing.
  return typed === "" && !before.ended
    ? completeFlagName(target.flags, target.grammar, before.given, typed)
    : NOTHING_KNOWN;
}
