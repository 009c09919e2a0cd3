import { Problem } from "../problem.ts";
import { quote } from "../text.ts";

/**
 * Words that need no quotes in a POSIX shell, as an argument or as the value of an assignment: a tilde is expanded only at
 * the start and after a colon or an equals sign. Quotes are avoided where possible, because programs that read files of
 * variables without a shell take them as a part of the value.
 */
const UNQUOTED_WORD_PATTERN = /^(?![~=])(?!.*[:=]~)[A-Za-z0-9_./:@%+,=~-]+$/;

/** What a terminal would interpret: all control characters except the line feed, and direction overrides. */
const UNSAFE_RUN_EXCEPT_LINE_FEED_PATTERN =
  /[\u0001-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+/;

const utf8 = new TextEncoder();

function octalEscapes(text: string): string {
  return Array.from(utf8.encode(text), (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}

function singleQuoted(text: string): string {
  return text === "" ? "" : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A text as one word of a command that a hint shows, which no NUL character stops. */
export function commandWord(text: string): string {
  return text.includes("\0") ? quote(text) : shellQuoted(text);
}

/** An operand and the flags of a command that a hint shows. An operand that looks like a flag is only read after `--`. */
export function quotedOperandAndFlagText(operand: string, ...flags: readonly string[]): string {
  const word = commandWord(operand);
  return (operand.startsWith("-") ? [...flags, "--", word] : [word, ...flags]).join(" ");
}

/**
 * A text as one word of a POSIX shell (IEEE 1003.1, chapter 2.2), quoted only if necessary.
 *
 * Control characters other than the line feed become calls of `printf`, so that the line is safe to print on a terminal.
 * Throws a Problem for a text with a NUL character, which shells don't support.
 */
export function shellQuoted(text: string): string {
  if (UNQUOTED_WORD_PATTERN.test(text)) return text;
  if (text === "") return "''";
  if (text.includes("\0")) {
    throw new Problem("Cannot write a value for a shell: it contains a NUL character", {
      code: "shell-nul",
      hint: "use --format json, which supports it",
    });
  }
  let word = "";
  for (let rest = text; rest !== ""; ) {
    const control = UNSAFE_RUN_EXCEPT_LINE_FEED_PATTERN.exec(rest);
    if (control === null) return word + singleQuoted(rest);
    word += `${singleQuoted(rest.slice(0, control.index))}"$(printf '${octalEscapes(control[0])}')"`;
    rest = rest.slice(control.index + control[0].length);
  }
  return word;
}
