import { escapeControls } from "../text.ts";
import { cutToWidth, displayWidth } from "./width.ts";

/** What the text goes to. */
export interface Terminal {
  readonly isTerminal: boolean;
  /** Columns of the terminal; none or unknown count as 80. */
  readonly columns?: number | undefined;
  readonly color: boolean;
}

/** The text of one field; a list is joined with `, `, or stacked where the table has borders. */
export type Cell = string | readonly string[];

/** The head of one column. */
export interface Heading {
  readonly label: string;
  /** Never cut and never left out, however narrow the terminal: a secret, say. */
  readonly whole?: boolean;
}

/** A table that is written as its rows come. */
interface TableWriter {
  row(cells: readonly Cell[]): string;
  /** Settles the widths by the rows so far, and gives what was held back. */
  flush(): string;
}

/** The width that a column keeps when a terminal is narrow, before it is left out altogether. */
const LEAST = 6;

const TAB = 8;

/** How one kind of table draws; `widths` has 0 for a column that is left out. */
interface Style {
  /** What all the gaps and borders of so many columns take. */
  readonly overhead: (columns: number) => number;
  readonly lines: (cell: Cell) => readonly string[];
  readonly head: (labels: readonly string[], widths: readonly number[], bold: Bold) => string;
  readonly line: (cells: readonly string[], widths: readonly number[]) => string;
}

type Bold = (text: string) => string;

function bolder(terminal: Terminal): Bold {
  return terminal.isTerminal && terminal.color
    ? (text) => (text === "" ? "" : `\u001b[1m${text}\u001b[22m`)
    : (text) => text;
}

function spaces(count: number): string {
  return " ".repeat(Math.max(0, count));
}

/** The shown cells of a row, each with its text and what pads it to the next one. */
function shown(cells: readonly string[], widths: readonly number[], gap: (text: string, width: number) => string) {
  const kept = widths.flatMap((width, i) => (width === 0 ? [] : [{ text: cells[i] ?? "", width }]));
  const last = kept.findLastIndex(({ text }) => text !== "");
  return kept.slice(0, last + 1).map(({ text, width }, i) => ({ text, after: i === last ? "" : gap(text, width) }));
}

function plain(gap: (text: string, width: number) => string): Style {
  const line = (cells: readonly string[], widths: readonly number[], bold: Bold) =>
    `${shown(cells, widths, gap)
      .map(({ text, after }) => bold(text) + after)
      .join("")}\n`;
  return {
    overhead: (columns) => 2 * (columns - 1),
    lines: (cell) => [escapeControls(typeof cell === "string" ? cell : cell.join(", "))],
    head: line,
    line: (cells, widths) => line(cells, widths, (text) => text),
  };
}

const SPACED = plain((text, width) => spaces(width + 2 - displayWidth(text)));

/** What a pipe gets: tabs up to the next column, as the reference writes them. */
const TABBED = plain((text, width) => {
  const stop = Math.ceil((width + 1) / TAB) * TAB;
  return "\t".repeat(Math.max(1, Math.ceil((stop - displayWidth(text)) / TAB)));
});

function centred(text: string, width: number, bold: Bold): string {
  const left = Math.floor((width - displayWidth(text)) / 2);
  return spaces(left) + bold(text) + spaces(width - left - displayWidth(text));
}

function bordered(cells: readonly string[], widths: readonly number[], draw: (text: string, width: number) => string) {
  return `|${widths.flatMap((width, i) => (width === 0 ? [] : [draw(cells[i] ?? "", width)])).join("|")}|\n`;
}

const GRID: Style = {
  overhead: (columns) => 3 * columns + 1,
  lines: (cell) => (typeof cell === "string" ? [cell] : cell).map(escapeControls),
  head: (labels, widths, bold) =>
    bordered(labels, widths, (text, width) => centred(text, width + 2, bold)) +
    bordered(labels, widths, (_, width) => "-".repeat(width + 2)),
  line: (cells, widths) => bordered(cells, widths, (text, width) => ` ${text}${spaces(width - displayWidth(text))} `),
};

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}

function widest(widths: readonly number[]): number {
  return widths.reduce((most, width) => Math.max(most, width), 0);
}

/** The widest common cap under which these widths take at most `room` together. */
function cap(widths: readonly number[], room: number): number {
  let left = room;
  const rising = widths.toSorted((a, b) => a - b);
  for (const [i, width] of rising.entries()) {
    const share = Math.floor(left / (rising.length - i));
    if (width > share) return Math.max(1, share);
    left -= width;
  }
  return Number.MAX_SAFE_INTEGER;
}

/**
 * The widths of columns that fit a terminal: 0 leaves a column out.
 *
 * Columns without content go first, then the last ones, until each of the rest can have a readable width. The first
 * column, which names the row, is cut only where it would take more than two thirds of the line. Columns marked whole
 * keep what they need, even if the terminal is narrower.
 */
function fitted(
  headings: readonly Heading[],
  natural: readonly number[],
  filled: readonly boolean[],
  room: number,
  overhead: (columns: number) => number,
): readonly number[] {
  const need = (i: number) => natural[i] ?? 0;
  const first = Math.min((room * 2) / 3, room - overhead(1));
  const isWhole = (i: number) => headings[i]?.whole === true || (i === 0 && need(0) <= first);
  const least = (i: number) => (isWhole(i) ? need(i) : Math.min(need(i), LEAST));
  let kept = natural.map((_, i) => i);
  const space = () => room - overhead(kept.length);
  if (sum(natural) <= space()) return natural;
  kept = kept.filter((i) => i === 0 || isWhole(i) || filled[i] === true);
  while (sum(kept.map(least)) > space()) {
    const last = kept.findLast((i) => i > 0 && !isWhole(i));
    if (last === undefined) break;
    kept = kept.filter((i) => i !== last);
  }
  const shared = kept.filter((i) => !isWhole(i));
  const limit = cap(shared.map(need), space() - sum(kept.filter(isWhole).map(need)));
  return natural.map((width, i) => (kept.includes(i) ? (isWhole(i) ? width : Math.min(width, limit)) : 0));
}

/**
 * A table with one row for each value.
 *
 * The widths are settled by the first `settleAfter` rows, which are held back until then. On a terminal the columns
 * fit its width and what is wider is cut with `…`; elsewhere nothing is cut and no line ends in padding.
 */
export function createTable(
  headings: readonly Heading[],
  shape: "plain" | "grid",
  terminal: Terminal,
  settleAfter = 100,
): TableWriter {
  const style = shape === "grid" ? GRID : terminal.isTerminal ? SPACED : TABBED;
  let widths: readonly number[] | undefined;
  let held: (readonly (readonly string[])[])[] = [];

  const fit = (text: string, column: number) =>
    terminal.isTerminal && headings[column]?.whole !== true ? cutToWidth(text, widths?.[column] ?? 0) : text;

  const draw = (cells: readonly (readonly string[])[], settled: readonly number[]) => {
    const height = widest(cells.map((lines) => lines.length));
    let text = "";
    for (let i = 0; i < Math.max(1, height); i++) {
      text += style.line(
        cells.map((lines, column) => fit(lines[i] ?? "", column)),
        settled,
      );
    }
    return text;
  };

  const flush = () => {
    if (widths !== undefined) return "";
    const filled = headings.map((_, i) => held.some((cells) => cells[i]?.some((line) => line !== "") === true));
    const natural = headings.map(({ label }, i) =>
      widest([displayWidth(label), ...held.map((cells) => widest(cells[i]?.map(displayWidth) ?? []))]),
    );
    const settled = terminal.isTerminal
      ? fitted(headings, natural, filled, terminal.columns || 80, style.overhead)
      : natural;
    widths = settled;
    const labels = headings.map(({ label }, i) => fit(label, i));
    const text = style.head(labels, settled, bolder(terminal)) + held.map((cells) => draw(cells, settled)).join("");
    held = [];
    return text;
  };

  return {
    row(cells) {
      const lines = headings.map((_, i) => style.lines(cells[i] ?? ""));
      if (widths !== undefined) return draw(lines, widths);
      held.push(lines);
      return held.length >= settleAfter ? flush() : "";
    },
    flush,
  };
}

/** One value as lines of label and field; nothing of it is ever cut. */
export function recordTable(
  fields: readonly { readonly label: string; readonly value: Cell }[],
  terminal: Terminal,
): string {
  const style = terminal.isTerminal ? SPACED : TABBED;
  const bold = bolder(terminal);
  const widths = [widest(fields.map(({ label }) => displayWidth(label))), 1];
  return fields
    .map(({ label, value }) => {
      const line = style.line([label, style.lines(value).join("")], widths);
      return bold(label) + line.slice(label.length);
    })
    .join("");
}
