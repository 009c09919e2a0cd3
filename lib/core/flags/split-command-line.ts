import { shellQuoted } from "../output/shell-quote.ts";
import { type Problem, usageError } from "../problem.ts";
import { quoteVisiblePart } from "../redact.ts";
import { quote, suggestWord } from "../text.ts";
import { lineWithFormatFlag } from "./corrected-command-line.ts";
import type { FlagIndex, OperandNames } from "./flag.ts";
import {
  type ForeignFormatFlag,
  findHintForUnknownFlag,
  findHintToUseOperand,
  readForeignFormatFlag,
} from "./misnamed-flags.ts";
import { type FlagWithValue, namesCredentialFlag, readWord, type SpelledFlag } from "./read-word.ts";

/** A command line split into flags and operands, and what is wrong with it. */
export interface SplitCommandLine {
  readonly flags: readonly FlagWithValue[];
  readonly operands: readonly string[];
  /** Operands that are credentials, or come after the value of one and may be the rest of it: no message shows them. */
  readonly maybeSecret: ReadonlySet<string>;
  readonly problems: readonly Problem[];
  /** Oddities that are accepted, for stderr. */
  readonly warnings: readonly string[];
}

/** Splits the words of a command line into flags with their values and operands. */
export function splitFlagsFromOperands(
  words: readonly string[],
  index: FlagIndex,
  command: string,
  wanted: OperandNames | undefined,
): SplitCommandLine {
  const scanner = new CommandLineScanner(words, index, command, wanted);
  scanner.run();
  return scanner;
}

class CommandLineScanner implements SplitCommandLine {
  readonly flags: FlagWithValue[] = [];
  readonly operands: string[] = [];
  readonly maybeSecret = new Set<string>();
  readonly problems: Problem[] = [];
  readonly warnings: string[] = [];
  readonly #words: readonly string[];
  readonly #index: FlagIndex;
  readonly #command: string;
  readonly #wanted: OperandNames | undefined;
  #at = 0;
  #afterSecretFlag = false;

  constructor(words: readonly string[], index: FlagIndex, command: string, wanted: OperandNames | undefined) {
    this.#words = words;
    this.#index = index;
    this.#command = command;
    this.#wanted = wanted;
  }

  run(): void {
    while (this.#at < this.#words.length) {
      const text = this.#words[this.#at++] ?? "";
      const word = readWord(text, this.#index);
      if (word.kind === "end") this.#takeRest();
      if (word.kind === "operand") this.#takeOperand(text);
      if (word.kind !== "flags") continue;
      for (const token of word.complete) this.#takeFlag(token);
      if (word.awaiting !== undefined) this.#takeNext(word.awaiting);
      if (word.unknown !== undefined) this.#skipUnknown(text, word.unknown);
    }
  }

  #takeFlag(token: FlagWithValue): void {
    this.flags.push(token);
    this.#afterSecretFlag = token.flag.secret === true;
  }

  #takeOperand(text: string): void {
    this.operands.push(text);
    // A flag of a credential may have been written without hyphens, with a dash or as on Windows.
    const [name = ""] = text.replace(/^[^a-z]*/i, "--").split("=", 1);
    const isCredential = namesCredentialFlag(name, this.#index);
    if (this.#wanted?.secret === true || this.#afterSecretFlag || (isCredential && text.includes("=")))
      this.maybeSecret.add(text);
    this.#afterSecretFlag ||= isCredential;
  }

  /** Takes the next word as the value of a flag, whatever it looks like, as pflag does. */
  #takeNext({ flag, spelled }: SpelledFlag): void {
    const value = this.#words[this.#at++];
    if (value === undefined) {
      this.problems.push(
        usageError(
          `${spelled} needs a value`,
          `write ${spelled} ${"value" in flag ? flag.value : "value"}; ${suggestedHelpCommandLine(this.#command)} shows it`,
          "missing-value",
        ),
      );
      return;
    }
    if (value.startsWith("--") && this.#index.long.has(value.slice(2).split("=", 1)[0] ?? "")) {
      const taken = flag.secret === true ? "the flag after it" : quoteVisiblePart(value);
      this.warnings.push(`${spelled} took ${taken} as its value`);
    }
    this.#takeFlag({ flag, spelled, value });
    this.#afterSecretFlag ||= namesCredentialFlag(value, this.#index);
  }

  #skipUnknown(text: string, { spelled, hasValue }: { readonly spelled: string; readonly hasValue: boolean }): void {
    const foreign = readForeignFormatFlag(text, this.#words[this.#at]);
    if (foreign !== undefined && this.#index.long.has("format")) {
      this.#rejectForeignFormat(spelled, foreign);
      return;
    }
    this.problems.push(unknownFlagProblem({ text, spelled }, this.#index, this.#command, this.#wanted));
    // The next word is most likely the value; an error about it as well would only be noise.
    if (!hasValue && this.#words[this.#at]?.startsWith("-") === false) this.#at++;
  }

  /** Rejects `-o json` and `--json` with the command line that does the same. */
  #rejectForeignFormat(spelled: string, { format, words }: ForeignFormatFlag): void {
    const hint =
      this.#command === ""
        ? `write --format ${shellQuoted(format)}`
        : `write: ${lineWithFormatFlag(this.#command, this.#words, this.#index, this.#wanted?.secret)}`;
    this.problems.push(usageError(`Unknown flag ${spelled.startsWith("--") ? spelled : "-o"}`, hint, "unknown-flag"));
    this.#at += words - 1;
  }

  /** Takes the words after `--`, of which one may be a credential whose flag was meant to be read. */
  #takeRest(): void {
    this.#afterSecretFlag = false;
    for (const text of this.#words.slice(this.#at)) {
      this.#takeOperand(text);
      this.#afterSecretFlag ||= namesCredentialFlag(text, this.#index);
    }
    this.#at = this.#words.length;
  }
}

function suggestedHelpCommandLine(command: string): string {
  return `hydra help ${command === "" ? "COMMAND" : command}`;
}

function unknownFlagProblem(
  { text, spelled }: { readonly text: string; readonly spelled: string },
  index: FlagIndex,
  command: string,
  wanted: OperandNames | undefined,
): Problem {
  const isLong = spelled.startsWith("--");
  // Only the name is shown: a secret may follow a short letter, or another sign than the equals sign, such as a space.
  const [whole = ""] = spelled.split(/[^\p{L}\p{N}_-]/u, 1);
  const shown = isLong ? whole : spelled.slice(0, 2);
  const name = isLong ? whole.slice(2) : spelled.slice(1);
  if (isLong && index.long.has(name)) {
    const hint = `write ${whole}=VALUE, or the value as a word of its own`;
    return usageError(`${whole} and its value are one word`, hint, "unknown-flag");
  }
  // What adds to a list or removes from it is never a flag that replaces it.
  const [edit = ""] = /^(?:add|remove)-/.exec(name) ?? [];
  const meant = suggestWord(
    name,
    [...index.long.keys()].filter((known) => known.startsWith(edit)),
  );
  const list = `${suggestedHelpCommandLine(command)} lists the flags`;
  // A word such as -abc may also be meant as an ID or a token.
  const isWord = !isLong && text.length > 2 && wanted !== undefined;
  const hyphen = isWord ? `; ${wanted.name} goes after -- if it begins with a hyphen` : "";
  const hint = meant === undefined ? `${list}${hyphen}` : `did you mean --${meant}?`;
  const known = findHintToUseOperand(name, command, wanted) ?? findHintForUnknownFlag(name, index, command);
  return usageError(`Unknown flag ${quote(shown).slice(1, -1)}`, known ?? hint, "unknown-flag");
}

/** Splits off the flags before a command name, which belong to its parent but may also be flags of the command. */
export function splitFlagsBeforeCommand(
  words: readonly string[],
  index: FlagIndex,
): { readonly flags: readonly string[]; readonly command: string | undefined; readonly rest: readonly string[] } {
  let end = 0;
  for (let word = words[0]; word?.startsWith("-") && word !== "-" && word !== "--"; word = words[end]) {
    const read = readWord(word, index);
    end += read.kind === "flags" && read.awaiting !== undefined ? 2 : 1;
  }
  end = Math.min(end, words.length);
  const command = words[end];
  // No word after it is a command. Keeping all words lets the error show that there were some.
  if (command === "--") return { flags: words, command: undefined, rest: [] };
  return { flags: words.slice(0, end), command, rest: words.slice(end + 1) };
}
