import { type Flag, type FlagIndex, neverTakesNextWord } from "./flag.ts";

/** A flag as it is written on the command line. */
export interface SpelledFlag {
  readonly flag: Flag;
  /** The name with its dashes. */
  readonly spelled: string;
}

/** A flag with its value; undefined if none is given and none is needed. */
export interface FlagWithValue extends SpelledFlag {
  readonly value: string | undefined;
}

/** One word of a command line, read without its neighbours. */
export type WordReading =
  | { readonly kind: "operand" }
  /** `--`, after which no word is a flag. */
  | { readonly kind: "end" }
  | {
      readonly kind: "flags";
      readonly complete: readonly FlagWithValue[];
      /** The flag whose value is the next word. */
      readonly awaiting?: SpelledFlag;
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
  return word.startsWith("--") ? readLongFlag(word, index) : readShortFlags(word, index);
}

function readLongFlag(word: string, index: FlagIndex): WordReading {
  const equals = word.indexOf("=");
  const name = word.slice(2, equals < 0 ? undefined : equals);
  const value = equals < 0 ? undefined : word.slice(equals + 1);
  const spelled = `--${name}`;
  const flag = index.long.get(name);
  if (flag === undefined) return { kind: "flags", complete: [], unknown: { spelled, hasValue: value !== undefined } };
  if (value === undefined && !neverTakesNextWord(flag))
    return { kind: "flags", complete: [], awaiting: { flag, spelled } };
  return { kind: "flags", complete: [{ flag, spelled, value }] };
}

function readShortFlags(word: string, index: FlagIndex): WordReading {
  const complete: FlagWithValue[] = [];
  for (let at = 1; at < word.length; at++) {
    const spelled = `-${word.charAt(at)}`;
    const flag = index.short.get(word.charAt(at));
    if (flag === undefined)
      return { kind: "flags", complete, unknown: { spelled: at === 1 ? word : spelled, hasValue: false } };
    const rest = word.slice(at + 1);
    const value = rest.startsWith("=") ? rest.slice(1) : rest;
    if (!neverTakesNextWord(flag) && rest === "") return { kind: "flags", complete, awaiting: { flag, spelled } };
    if (!neverTakesNextWord(flag) || rest.startsWith("="))
      return { kind: "flags", complete: [...complete, { flag, spelled, value }] };
    complete.push({ flag, spelled, value: undefined });
  }
  return { kind: "flags", complete };
}

/** A word with two hyphens for the dash that word processors and web pages make of them. */
export function withHyphens(word: string): string {
  return word.replace(/^[\u2010-\u2015\u2212]+-?/, "--");
}

/** Whether a word is the name of a credential's flag, so that the next word is the credential. */
export function namesCredentialFlag(word: string, index: FlagIndex): boolean {
  const flag = word.startsWith("--") ? index.long.get(word.slice(2)) : index.short.get(/^-(.)$/s.exec(word)?.[1] ?? "");
  return flag?.secret === true;
}
