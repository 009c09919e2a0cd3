import { cutToWidth, displayWidth } from "../output/width.ts";
import { escapeControls } from "../text.ts";
import type { CompletionCandidates } from "./candidates.ts";
import type { Candidate } from "./possible-values.ts";
import type { Shell } from "./shells.ts";
import { countRawLettersOfText, type WordAtCursor } from "./tokenize.ts";

/** A word that is being typed, and how much of it the shell replaces. */
export interface WordToReplace {
  readonly typed: WordAtCursor;
  /** bash: the part of the word that it replaces, as it is on the line. */
  readonly replaced?: string | undefined;
  /** bash: the width of the terminal if it is about to list the candidates, which then have descriptions. */
  readonly listWidth?: number | undefined;
}

/** Every character that some POSIX shell could act on, and what is better seen than typed. */
const SHELL_SPECIAL_CHARACTER_PATTERN = /[^\p{L}\p{N}_./:=@%+,-]/gu;

/** A text that continues another on the line of a shell, quoted as needed; undefined if an open quote cannot contain it. */
function escapeForShellLine(text: string, quote: WordAtCursor["quote"]): string | undefined {
  if (quote === "") return text.replace(SHELL_SPECIAL_CHARACTER_PATTERN, "\\$&");
  const unfit = quote === "'" ? /'/ : /["$`\\!]/;
  return unfit.test(text) ? undefined : text;
}

/** The characters of a word that are no part of what is completed, as the shell counts them. */
function countKeptCharacters(completion: CompletionCandidates, before: string): number {
  return Math.max(0, Array.from(completion.head).length - Array.from(before).length);
}

/** The reply to bash: whole replacements for the part of the word that bash replaces. */
function bashReplyLines(
  completion: CompletionCandidates,
  { typed, replaced = typed.raw, listWidth }: WordToReplace,
): readonly string[] {
  // All of the word up to what bash replaces; what it means is shorter by its quotes.
  const stays = typed.raw.endsWith(replaced) ? typed.raw.slice(0, typed.raw.length - replaced.length) : "";
  const before = typed.text.slice(0, stays.replace(/["'\\]/g, "").length);
  const rows = completion.candidates.flatMap(({ text, open, about }) => {
    const line = escapeForShellLine((completion.head + text).slice(before.length), typed.quote);
    // bash closes an open quote itself and adds its space after it.
    return line === undefined ? [] : [{ word: `${line}${open || typed.quote !== "" ? "" : " "}`, about }];
  });
  // A single candidate is inserted, with all of its text.
  const lines =
    listWidth === undefined || rows.length < 2 ? rows.map(({ word }) => word) : formatCandidateList(rows, listWidth);
  return [`${completion.kind} ${countKeptCharacters(completion, before)}`, ...lines];
}

/** The columns of words in a list with descriptions; longer words have less room for theirs. */
const WIDEST_LISTED = 32;

/** Words with descriptions, each cut to a line of the terminal. bash inserts no more than what all of them begin with. */
function formatCandidateList(
  rows: readonly { readonly word: string; readonly about: string }[],
  width: number,
): readonly string[] {
  const longest = Math.max(...rows.map(({ word }) => displayWidth(word.trimEnd())));
  const left = Math.min(longest, WIDEST_LISTED);
  return rows.map(({ word, about }) => {
    const name = word.trimEnd();
    const text = cutToWidth(escapeControls(about), width - Math.max(left, displayWidth(name)) - 5);
    return text === "" ? name : `${name}${" ".repeat(Math.max(0, left - displayWidth(name)))}  (${text})`;
  });
}

/** The reply to zsh: entries of `_describe`, which quotes them, with a mark for a word that goes on. */
function zshReplyLines(completion: CompletionCandidates, { typed }: WordToReplace): readonly string[] {
  const lines = completion.candidates.map(
    ({ text, about, open }) =>
      `${open ? "-" : "+"}${text.replace(/[\\:]/g, "\\$&")}${about === "" ? "" : `:${escapeControls(about)}`}`,
  );
  return [`${completion.kind} ${countRawLettersOfText(typed.raw, completion.head)}`, ...lines];
}

/**
 * The reply to fish: whole words with their descriptions; fish quotes them. For the name of a file, the word without its
 * quotes.
 */
function fishReplyLines(completion: CompletionCandidates, { typed }: WordToReplace): readonly string[] {
  const { head, kind } = completion;
  const rest =
    kind === "words" ? completion.candidates.map((one) => wordWithDescription(one, head + one.text)) : [typed.text];
  return [`${kind} ${Array.from(head).length}`, ...rest];
}

/** The reply to PowerShell: whole words as it wants them typed, with their descriptions. */
function powerShellReplyLines(completion: CompletionCandidates): readonly string[] {
  const { head } = completion;
  const typed = (text: string): string =>
    /^[\w./:=-]+$/.test(text) ? text : `'${text.replace(/['\u2018-\u201b]/g, "$&$&")}'`;
  return [completion.kind, ...completion.candidates.map((one) => wordWithDescription(one, typed(head + one.text)))];
}

function wordWithDescription({ about }: Candidate, text: string): string {
  return `${text}\t${escapeControls(about)}`;
}

const ANSWERS: Readonly<
  Record<Shell, (completion: CompletionCandidates, request: WordToReplace) => readonly string[]>
> = {
  bash: bashReplyLines,
  zsh: zshReplyLines,
  fish: fishReplyLines,
  powershell: powerShellReplyLines,
};

/**
 * The reply to a completion script: a line with the kind of the reply and the number of characters before the completed
 * part, then a line for each candidate. Texts that do not fit into one line are left out.
 */
export function formatCompletionReply(shell: Shell, completion: CompletionCandidates, request: WordToReplace): string {
  const candidates = completion.candidates.filter(({ text }) => text === escapeControls(text));
  return ANSWERS[shell]({ ...completion, candidates }, request)
    .map((line) => `${line}\n`)
    .join("");
}
