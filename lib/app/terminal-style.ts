import type { Host, Output } from "../adapters/host.ts";
import { COLOR } from "../core/flags/shared-flags.ts";
import { type ColorChoice, createPainter, mayUseColor, type Painter } from "../core/output/colors.ts";
import { insertLineBreaks } from "../core/output/insert-line-breaks.ts";
import { terminalWidthOrDefault } from "../core/output/width.ts";

type StyleHost = Pick<Host, "args" | "environment">;

/**
 * What the last `--color` of a command line asks for. It is read from the words, because errors of a line that can't be
 * parsed have a color too; a wrong value is the parser's to report.
 */
function readColorChoice(words: readonly string[]): ColorChoice {
  const end = words.indexOf("--");
  const name = `--${COLOR.name}`;
  const values = (end < 0 ? words : words.slice(0, end)).flatMap((word, at) =>
    word === name ? [words[at + 1]] : word.startsWith(`${name}=`) ? [word.slice(name.length + 1)] : [],
  );
  return COLOR.choices.find((choice) => choice === values[values.length - 1]) ?? COLOR.default;
}

/** Whether text to an output gets colors. */
export function hasColor({ args, environment }: StyleHost, { isTerminal }: Pick<Output, "isTerminal">): boolean {
  return mayUseColor({ choice: readColorChoice(args), environment, isTerminal });
}

/** How lines look on a stream. */
export interface StreamStyle {
  readonly paint: Painter;
  /** Breaks a line at the width of the terminal; those that follow are indented. */
  readonly wrap: (line: string) => string;
}

/** The style of lines without colors and of any width, as files and programs get them. */
export const PLAIN_STYLE: StreamStyle = { paint: createPainter(false), wrap: (line) => line };

/** The style of lines for standard error. */
export function stderrStyle(host: Pick<Host, "args" | "environment" | "stderr">): StreamStyle {
  const { isTerminal, columns } = host.stderr;
  return {
    paint: createPainter(hasColor(host, host.stderr)),
    wrap: isTerminal ? (line) => insertLineBreaks(line, terminalWidthOrDefault(columns), "  ") : PLAIN_STYLE.wrap,
  };
}

/** The width of help texts, which may be read through a pager. */
export function helpWidth({ stdout, stderr }: Pick<Host, "stdout" | "stderr">): number {
  return Math.min(terminalWidthOrDefault(stdout.columns || stderr.columns), 120);
}
