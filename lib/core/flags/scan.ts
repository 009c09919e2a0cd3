import { type Problem, usageError } from "../problem.ts";
import { quote, suggest } from "../text.ts";
import { type Flag, type FlagIndex, takesNoValue } from "./flag.ts";

/** A flag as it is written on the command line. */
interface WrittenFlag {
  readonly flag: Flag;
  /** The name with its dashes. */
  readonly spelled: string;
}

/** A flag with its value; undefined where none is given and none is needed. */
export interface FlagToken extends WrittenFlag {
  readonly value: string | undefined;
}

/** One word of a command line, read without its neighbours. */
type Word =
  | { readonly kind: "operand" }
  /** `--`, after which no word is a flag. */
  | { readonly kind: "end" }
  | {
      readonly kind: "flags";
      readonly complete: readonly FlagToken[];
      /** The flag whose value is the next word. */
      readonly awaiting?: WrittenFlag;
      readonly unknown?: { readonly spelled: string; readonly hasValue: boolean };
    };

/**
 * Reads a word by the rules of pflag: `--flag value`, `--flag=value`, `-fvalue`, `-f=value`, `-f value`, clusters of
 * switches, and `--`. Everything that reads a command line uses this one function, so that all of it agrees.
 */
export function readWord(word: string, index: FlagIndex): Word {
  if (word === "--") return { kind: "end" };
  // An armored key begins with dashes too.
  if (!word.startsWith("-") || word === "-" || word.startsWith("-----BEGIN ")) return { kind: "operand" };
  return word.startsWith("--") ? readLongFlag(word, index) : readLetters(word, index);
}

function readLongFlag(word: string, index: FlagIndex): Word {
  const equals = word.indexOf("=");
  const name = word.slice(2, equals < 0 ? undefined : equals);
  const value = equals < 0 ? undefined : word.slice(equals + 1);
  const spelled = `--${name}`;
  const flag = index.long.get(name);
  if (flag === undefined) return { kind: "flags", complete: [], unknown: { spelled, hasValue: value !== undefined } };
  if (value === undefined && !takesNoValue(flag)) return { kind: "flags", complete: [], awaiting: { flag, spelled } };
  return { kind: "flags", complete: [{ flag, spelled, value }] };
}

function readLetters(word: string, index: FlagIndex): Word {
  const complete: FlagToken[] = [];
  for (let at = 1; at < word.length; at++) {
    const spelled = `-${word.charAt(at)}`;
    const flag = index.short.get(word.charAt(at));
    if (flag === undefined)
      return { kind: "flags", complete, unknown: { spelled: at === 1 ? word : spelled, hasValue: false } };
    const rest = word.slice(at + 1);
    const value = rest.startsWith("=") ? rest.slice(1) : rest;
    if (!takesNoValue(flag) && rest === "") return { kind: "flags", complete, awaiting: { flag, spelled } };
    if (!takesNoValue(flag) || rest.startsWith("="))
      return { kind: "flags", complete: [...complete, { flag, spelled, value }] };
    complete.push({ flag, spelled, value: undefined });
  }
  return { kind: "flags", complete };
}

/** A command line split into flags and operands, and what is wrong with it. */
interface Tokens {
  readonly flags: readonly FlagToken[];
  readonly operands: readonly string[];
  /** Operands after the value of a credential, which may be the rest of it: no message shows them. */
  readonly maybeSecret: ReadonlySet<string>;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** Splits the words of a command line into flags with their values and operands. */
export function scan(words: readonly string[], index: FlagIndex, command: string): Tokens {
  const scanner = new Scanner(words, index, command);
  scanner.run();
  return scanner;
}

class Scanner implements Tokens {
  readonly flags: FlagToken[] = [];
  readonly operands: string[] = [];
  readonly maybeSecret = new Set<string>();
  readonly problems: Problem[] = [];
  readonly warnings: string[] = [];
  readonly #words: readonly string[];
  readonly #index: FlagIndex;
  readonly #command: string;
  #at = 0;
  #afterSecretFlag = false;

  constructor(words: readonly string[], index: FlagIndex, command: string) {
    this.#words = words;
    this.#index = index;
    this.#command = command;
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
      if (word.unknown !== undefined) this.#skipUnknown(word.unknown);
    }
  }

  #takeFlag(token: FlagToken): void {
    this.flags.push(token);
    this.#afterSecretFlag = token.flag.secret === true;
  }

  #takeOperand(text: string): void {
    this.operands.push(text);
    if (this.#afterSecretFlag) this.maybeSecret.add(text);
  }

  /** Takes the next word as the value of a flag, whatever it looks like, as pflag does. */
  #takeNext({ flag, spelled }: WrittenFlag): void {
    const value = this.#words[this.#at++];
    if (value === undefined) {
      this.problems.push(
        usageError(
          `${spelled} needs a value`,
          `write ${spelled} ${"value" in flag ? flag.value : "value"}; ${helpOf(this.#command)} shows it`,
          "missing-value",
        ),
      );
      return;
    }
    if (value.startsWith("--") && this.#index.long.has(value.slice(2).split("=", 1)[0] ?? "")) {
      const taken = flag.secret === true ? "the flag after it" : describeWord(value);
      this.warnings.push(`${spelled} took ${taken} as its value`);
    }
    this.#takeFlag({ flag, spelled, value });
    this.#afterSecretFlag ||= isCredentialFlag(value, this.#index);
  }

  #skipUnknown({ spelled, hasValue }: { readonly spelled: string; readonly hasValue: boolean }): void {
    this.problems.push(unknownFlag(spelled, this.#index, this.#command));
    // The next word is most likely the value; an error about it as well would only be noise.
    if (!hasValue && this.#words[this.#at]?.startsWith("-") === false) this.#at++;
  }

  /** Takes the words after `--`, of which one may be a credential whose flag was meant to be read. */
  #takeRest(): void {
    this.#afterSecretFlag = false;
    for (const text of this.#words.slice(this.#at)) {
      this.#takeOperand(text);
      this.#afterSecretFlag ||= isCredentialFlag(text, this.#index);
    }
    this.#at = this.#words.length;
  }
}

/** Whether a word is the name of a credential's flag, so that the next word is the credential. */
function isCredentialFlag(word: string, index: FlagIndex): boolean {
  const flag = word.startsWith("--") ? index.long.get(word.slice(2)) : index.short.get(/^-(.)$/s.exec(word)?.[1] ?? "");
  return flag?.secret === true;
}

function helpOf(command: string): string {
  return command === "" ? "hydra help" : `hydra help ${command}`;
}

function unknownFlag(spelled: string, index: FlagIndex, command: string): Problem {
  const isLong = spelled.startsWith("--");
  // Only the name is shown: a secret may follow a short letter.
  const shown = isLong ? spelled : spelled.slice(0, 2);
  const meant = suggest(spelled.slice(isLong ? 2 : 1), index.long.keys());
  return usageError(
    `Unknown flag ${quote(shown).slice(1, -1)}`,
    meant === undefined ? `${helpOf(command)} lists the flags` : `did you mean --${meant}?`,
    "unknown-flag",
  );
}

/** A word as messages show it: quoted, and of a flag with its value only the name, for the value may be a secret. */
export function describeWord(word: string): string {
  const name = /^--[^=]*=|^-[A-Za-z](?=.)/s.exec(word)?.[0];
  return quote(name === undefined ? word : `${name}…`);
}

/** Splits off the flags before a command name, which belong to its parent but may also be flags of the command. */
export function splitBeforeCommand(
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
