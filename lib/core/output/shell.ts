import { Problem } from "../problem.ts";

/**
 * Words that every POSIX shell takes as they are, as an argument and as the value of an assignment: a tilde means a home
 * folder at the start and behind a colon or an equals sign alone. Files of variables that are read without a shell take quotes as part of
 * the value, so they are spared where they can be.
 */
const PLAIN = /^(?![~=])(?!.*[:=]~)[A-Za-z0-9_./:@%+,=~-]+$/;

/** What would act on a terminal that shows the line: all controls but the line feed, and the direction overrides. */
const CONTROL =
  /[\u0001-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+/;

const utf8 = new TextEncoder();

function octal(text: string): string {
  return Array.from(utf8.encode(text), (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}

function singleQuoted(text: string): string {
  return text === "" ? "" : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * A text as one word of a POSIX shell (IEEE 1003.1, chapter 2.2), bare where no quotes are needed.
 *
 * Control characters other than the line feed become calls of `printf`, so that the line is also harmless on a terminal.
 * Throws a Problem for a text with NUL, which no shell can hold.
 */
export function shellQuoted(text: string): string {
  if (PLAIN.test(text)) return text;
  if (text === "") return "''";
  if (text.includes("\0")) {
    throw new Problem("Cannot write a value for a shell: it holds a NUL character", {
      code: "shell-nul",
      exit: "failed",
      hint: "use --format json, which can hold it",
    });
  }
  let word = "";
  for (let rest = text; rest !== ""; ) {
    const control = CONTROL.exec(rest);
    if (control === null) return word + singleQuoted(rest);
    word += `${singleQuoted(rest.slice(0, control.index))}"$(printf '${octal(control[0])}')"`;
    rest = rest.slice(control.index + control[0].length);
  }
  return word;
}
