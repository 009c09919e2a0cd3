import { type Flag, type FlagIndex, takesNoValue } from "./flag.ts";

/** A flag as it is written on the command line. */
export interface WrittenFlag {
  readonly flag: Flag;
  /** The name with its dashes. */
  readonly spelled: string;
}

/** A flag with its value; undefined where none is given and none is needed. */
export interface FlagToken extends WrittenFlag {
  readonly value: string | undefined;
}

/** One word of a command line, read without its neighbours. */
export type WordReading =
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
export function readWord(word: string, index: FlagIndex): WordReading {
  if (word === "--") return { kind: "end" };
  // An armored key begins with dashes too.
  if (!word.startsWith("-") || word === "-" || word.startsWith("-----BEGIN ")) return { kind: "operand" };
  return word.startsWith("--") ? readLongFlag(word, index) : readLetters(word, index);
}

function readLongFlag(word: string, index: FlagIndex): WordReading {
  const equals = word.indexOf("=");
  const name = word.slice(2, equals < 0 ? undefined : equals);
  const value = equals < 0 ? undefined : word.slice(equals + 1);
  const spelled = `--${name}`;
  const flag = index.long.get(name);
  if (flag === undefined) return { kind: "flags", complete: [], unknown: { spelled, hasValue: value !== undefined } };
  if (value === undefined && !takesNoValue(flag)) return { kind: "flags", complete: [], awaiting: { flag, spelled } };
  return { kind: "flags", complete: [{ flag, spelled, value }] };
}

function readLetters(word: string, index: FlagIndex): WordReading {
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

/** Whether a word is the name of a credential's flag, so that the next word is the credential. */
export function isCredentialFlag(word: string, index: FlagIndex): boolean {
  const flag = word.startsWith("--") ? index.long.get(word.slice(2)) : index.short.get(/^-(.)$/s.exec(word)?.[1] ?? "");
  return flag?.secret === true;
}
