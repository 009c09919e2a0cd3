import { withoutColors } from "./colors.ts";
import { displayWidth } from "./width.ts";

/** The columns that a piece of text takes on a terminal, its colors not counted. */
function widthWithoutColors(text: string): number {
  return displayWidth(withoutColors(text));
}

/** The narrowest text that is still wrapped: below it, every other word would be a line. */
const NARROWEST = 20;

/**
 * Breaks the lines of a text at spaces so that each takes at most so many columns, and begins those that follow with
 * `indent`. A word that is longer stays whole, so that a URL or a path can be copied, and so does a command line
 * after a colon. Spaces inside a line stay as they are, and colors take no room. With less than twenty columns
 * nothing is broken.
 */
export function insertLineBreaks(text: string, columns: number, indent = ""): string {
  if (columns < NARROWEST + indent.length) return text;
  return text
    .split("\n")
    .map((line) => wrappedLine(line, columns, indent))
    .join("\n");
}

/** The programs with which command lines in messages begin. */
const COMMANDS: ReadonlySet<string> = new Set(["hydra", "gpg", "printf", "openssl", "chmod"]);

/** The words of a line. A command line is one of them: the shell would run a part of it if a line break were copied. */
function wordsAndCommands(line: string): readonly string[] {
  const words: string[] = [];
  let isInCommand = false;
  let before = ":";
  for (const word of line.split(" ")) {
    const text = withoutColors(word);
    if (isInCommand) words.push(`${words.pop()} ${word}`);
    else words.push(word);
    isInCommand = isInCommand ? !/[;,]$/.test(text) : COMMANDS.has(text) && before.endsWith(":");
    before = text;
  }
  return words;
}

function wrappedLine(line: string, columns: number, indent: string): string {
  if (widthWithoutColors(line) <= columns) return line;
  const lines: string[] = [];
  let current = "";
  let width = 0;
  let gap = -1;
  for (const word of wordsAndCommands(line)) {
    gap++;
    if (word === "") continue;
    const room = widthWithoutColors(word);
    if (width > 0 && width + gap + room > columns) {
      lines.push(current);
      current = indent + word;
      width = indent.length + room;
    } else {
      current += " ".repeat(gap) + word;
      width += gap + room;
    }
    gap = 0;
  }
  return [...lines, current].join("\n");
}
