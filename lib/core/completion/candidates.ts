import { splitCsvOrFault } from "../flags/csv.ts";
import {
  type CompletableValueKind,
  type Flag,
  type FlagIndex,
  indexFlags,
  longNames,
  type SyntaxVersion,
} from "../flags/flag.ts";
import { readWord } from "../flags/read-word.ts";
import { isLifespanFlag, isOnShortPage } from "../help/short-help-page.ts";
import { type Candidate, type PossibleValues, possibleFlagValues, possibleOperandValues } from "./possible-values.ts";

/** What can be completed at the cursor: candidates, or that it is a file, a folder or a client ID. */
export interface CompletionCandidates {
  readonly kind: PossibleValues["kind"];
  /** The part of the typed word before the part to complete: `--format=`, `a,b,`, `@`. */
  readonly head: string;
  readonly candidates: readonly Candidate[];
}

/** A command as far as its completion needs it. */
export interface CompletableCommand {
  readonly flags: readonly Flag[];
  readonly syntax: SyntaxVersion;
  readonly operands: { readonly completes?: CompletableValueKind; readonly most: number } | undefined;
}

/** A completion of whole words. */
export function wordCandidates(rows: readonly (readonly [text: string, about: string])[]): CompletionCandidates {
  return { kind: "words", head: "", candidates: rows.map(([text, about]) => ({ text, about, open: false })) };
}

/** No candidate is known. */
export const NO_CANDIDATES: CompletionCandidates = wordCandidates([]);

/** The words before the cursor by what they are: flags that are given, operands, and a flag that lacks its value. */
interface ParsedWordsBeforeCursor {
  /** The flag whose value is being typed. */
  readonly pending: Flag | undefined;
  /** Whether `--` has ended the flags. */
  readonly ended: boolean;
  readonly operands: readonly string[];
  readonly given: ReadonlySet<Flag>;
}

/** Reads the words before the cursor, by the rules of the parser. */
export function parseWordsBeforeCursor(words: readonly string[], index: FlagIndex): ParsedWordsBeforeCursor {
  const operands: string[] = [];
  const given = new Set<Flag>();
  for (let at = 0; at < words.length; at++) {
    const text = words[at] ?? "";
    const word = readWord(text, index);
    if (word.kind === "end")
      return { pending: undefined, ended: true, operands: [...operands, ...words.slice(at + 1)], given };
    if (word.kind === "operand") {
      operands.push(text);
      continue;
    }
    for (const { flag } of word.complete) given.add(flag);
    if (word.awaiting === undefined) continue;
    given.add(word.awaiting.flag);
    at++;
    if (at === words.length) return { pending: word.awaiting.flag, ended: false, operands, given };
  }
  return { pending: undefined, ended: false, operands, given };
}

/** Where the last element of a list begins: after the last comma outside quotes. */
function lastElementStart(text: string): number {
  let quoted = false;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text.charAt(at);
    if (letter === '"') quoted = !quoted;
    else if (letter === "," && !quoted) start = at + 1;
  }
  return start;
}

/** The elements of a list before its last one. */
function splitListElements(text: string): readonly string[] {
  const line = splitCsvOrFault(text.replace(/,$/, ""));
  return "fault" in line ? [] : line.fields;
}

function filterByPrefix({ kind, head, candidates }: CompletionCandidates, typed: string): CompletionCandidates {
  return { kind, head, candidates: candidates.filter(({ text }) => text.startsWith(typed)) };
}

/** The candidates for the value of a flag, of which `typed` comes after `head`. */
export function completeFlagValue(flag: Flag, typed: string, head = ""): CompletionCandidates {
  const start = flag.kind === "list" ? lastElementStart(typed) : 0;
  const before = typed.slice(0, start);
  const element = typed.slice(start);
  const values = possibleFlagValues(flag, element);
  if (values.kind !== "words") {
    return { kind: values.kind, head: head + before + element.slice(0, values.skip ?? 0), candidates: [] };
  }
  const there = new Set(start === 0 ? [] : splitListElements(before));
  const candidates = values.candidates.filter(({ text }) => !there.has(text));
  return filterByPrefix({ kind: "words", head: head + before, candidates }, element);
}

/** How early a flag is listed: the common ones first, the many lifespans last. */
function flagListingRank(flag: Flag): number {
  return isOnShortPage(flag) ? 0 : isLifespanFlag(flag) ? 2 : 1;
}

/** The names of flags that could still be given. The other names of a flag count where its first one does not fit. */
function completeFlagName(
  flags: readonly Flag[],
  syntax: SyntaxVersion,
  given: ReadonlySet<Flag>,
  typed: string,
): CompletionCandidates {
  const rest = flags
    .filter((flag) => !given.has(flag) || flag.kind === "list" || flag.kind === "each")
    .toSorted((one, other) => flagListingRank(one) - flagListingRank(other));
  const named = (flag: Flag, name: string): Candidate => ({ text: name, about: flag.help, open: false });
  const first = rest.map((flag) => named(flag, `--${longNames(flag, syntax)[0] ?? flag.name}`));
  const others = rest.flatMap((flag) =>
    longNames(flag, syntax)
      .slice(1)
      .map((name) => named(flag, `--${name}`)),
  );
  const letters = rest.flatMap((flag) => (flag.short === undefined ? [] : [named(flag, `-${flag.short}`)]));
  const pick = (candidates: readonly Candidate[]): CompletionCandidates =>
    filterByPrefix({ kind: "words", head: "", candidates }, typed);
  if (typed === "-") return pick([...letters, ...first]);
  if (!typed.startsWith("--") && typed !== "") return pick(letters);
  const found = pick(first);
  // A name that is whole already stays what it is, also where a first name begins with it.
  return pick(found.candidates.length > 0 ? [...first, ...others.filter(({ text }) => text === typed)] : others);
}

/** A flag and the value that is typed in the same word: `--format=j`, `-gim`. */
function findFlagWithAttachedValue(
  typed: string,
  index: FlagIndex,
): { readonly flag: Flag; readonly head: string } | undefined {
  const word = readWord(typed, index);
  const last = word.kind === "flags" ? word.complete[word.complete.length - 1] : undefined;
  if (last?.value === undefined) return undefined;
  return { flag: last.flag, head: typed.slice(0, typed.length - last.value.length) };
}

/** The candidates after a command: `words` are between it and the cursor, `typed` is what the word at the cursor has. */
export function completeFlagOrOperand(
  target: CompletableCommand,
  words: readonly string[],
  typed: string,
): CompletionCandidates {
  const index = indexFlags(target.flags);
  const before = parseWordsBeforeCursor(words, index);
  if (before.pending !== undefined) return completeFlagValue(before.pending, typed);
  if (!before.ended && typed.startsWith("-")) {
    const found = findFlagWithAttachedValue(typed, index);
    return found === undefined
      ? completeFlagName(target.flags, target.syntax, before.given, typed)
      : completeFlagValue(found.flag, typed.slice(found.head.length), found.head);
  }
  const { operands } = target;
  if (operands !== undefined && before.operands.length < operands.most) {
    const values = possibleOperandValues(operands.completes, typed);
    if (values.kind !== "words") return { kind: values.kind, head: typed.slice(0, values.skip ?? 0), candidates: [] };
    return filterByPrefix({ kind: "words", head: "", candidates: values.candidates }, typed);
  }
  // If only a flag can follow, listing all of them helps more than nothing.
  return typed === "" && !before.ended
    ? completeFlagName(target.flags, target.syntax, before.given, typed)
    : NO_CANDIDATES;
}
