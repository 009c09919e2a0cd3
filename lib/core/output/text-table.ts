import { escapeControls } from "../text.ts";
import { cutToWidth, displayWidth, terminalWidthOrDefault } from "./width.ts";

export interface TextOutputTarget {
  readonly isTerminal: boolean;
  /** The width of the terminal; 80 if unknown. */
  readonly columns?: number | undefined;
  readonly color: boolean;
}

/** The text of a field; a list is joined with `, `, or stacked in a table with borders. */
export type CellTextOrList = string | readonly string[];

/** The label of a column, and how it gives way on a narrow terminal. */
export interface ColumnLayout {
  readonly label: string;
  /** Never cut or left out on a narrow terminal: a secret, for example. */
  readonly whole?: boolean;
  /** The minimum width on a narrow terminal, if it isn't {@link MIN_WIDTH}. */
  readonly least?: number;
  /** Columns with the highest rank are left out first; without ranks, the last ones. */
  readonly rank?: number;
}

/** Formats a table row by row; each call returns the text to write now. */
interface TextTableFormatter {
  row(cells: readonly CellTextOrList[]): string;
  /** Fixes the column widths by the rows so far, and returns the buffered rows. */
  flush(): string;
}

/** The minimum width of a column on a narrow terminal; it is left out if there is less room. */
const MIN_WIDTH = 6;

const TAB = 8;

/** How a kind of table is drawn; a width of 0 leaves a column out. */
interface TableStyle {
  /** The width of the gaps and borders of a number of columns. */
  readonly overhead: (columns: number) => number;
  readonly lines: (cell: CellTextOrList) => readonly string[];
  readonly head: (labels: readonly string[], widths: readonly number[], bold: BoldFormatter) => string;
  readonly line: (cells: readonly string[], widths: readonly number[]) => string;
}

type BoldFormatter = (text: string) => string;

function createBoldFormatter(terminal: TextOutputTarget): BoldFormatter {
  return terminal.isTerminal && terminal.color
    ? (text) => (text === "" ? "" : `\u001b[1m${text}\u001b[22m`)
    : (text) => text;
}

function spaces(count: number): string {
  return " ".repeat(Math.max(0, count));
}

/** The visible cells of a row, each with the padding after it. */
function visibleCells(
  cells: readonly string[],
  widths: readonly number[],
  gap: (text: string, width: number) => string,
) {
  const kept = widths.flatMap((width, i) => (width === 0 ? [] : [{ text: cells[i] ?? "", width }]));
  const last = kept.findLastIndex(({ text }) => text !== "");
  return kept.slice(0, last + 1).map(({ text, width }, i) => ({ text, after: i === last ? "" : gap(text, width) }));
}

function createPlainTableStyle(gap: (text: string, width: number) => string): TableStyle {
  const line = (cells: readonly string[], widths: readonly number[], bold: BoldFormatter) =>
    `${visibleCells(cells, widths, gap)
      .map(({ text, after }) => bold(text) + after)
      .join("")}\n`;
  return {
    overhead: (columns) => 2 * (columns - 1),
    lines: (cell) => [escapeControls(typeof cell === "string" ? cell : cell.join(", "))],
    head: line,
    line: (cells, widths) => line(cells, widths, (text) => text),
  };
}

const SPACED = createPlainTableStyle((text, width) => spaces(width + 2 - displayWidth(text)));

/** For pipes: tabs up to the next column, like Hydra's own CLI. */
const TABBED = createPlainTableStyle((text, width) => {
  const stop = Math.ceil((width + 1) / TAB) * TAB;
  return "\t".repeat(Math.max(1, Math.ceil((stop - displayWidth(text)) / TAB)));
});

function centerText(text: string, width: number, bold: BoldFormatter): string {
  const left = Math.floor((width - displayWidth(text)) / 2);
  return spaces(left) + bold(text) + spaces(width - left - displayWidth(text));
}

function formatBorderedRow(
  cells: readonly string[],
  widths: readonly number[],
  draw: (text: string, width: number) => string,
) {
  return `|${widths.flatMap((width, i) => (width === 0 ? [] : [draw(cells[i] ?? "", width)])).join("|")}|\n`;
}

const GRID: TableStyle = {
  overhead: (columns) => 3 * columns + 1,
  lines: (cell) => (typeof cell === "string" ? [cell] : cell).map(escapeControls),
  head: (labels, widths, bold) =>
    formatBorderedRow(labels, widths, (text, width) => centerText(text, width + 2, bold)) +
    formatBorderedRow(labels, widths, (_, width) => "-".repeat(width + 2)),
  line: (cells, widths) =>
    formatBorderedRow(cells, widths, (text, width) => ` ${text}${spaces(width - displayWidth(text))} `),
};

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}

function maximum(widths: readonly number[]): number {
  return widths.reduce((most, width) => Math.max(most, width), 0);
}

/** The largest cap with which all widths together take at most `room`; at least `floor`. */
function chooseWidthCap(widths: readonly number[], room: number, floor: 0 | 1): number {
  let left = room;
  const rising = widths.toSorted((a, b) => a - b);
  for (const [i, width] of rising.entries()) {
    const share = Math.floor(left / (rising.length - i));
    if (width > share) return Math.max(floor, share);
    left -= width;
  }
  return Number.MAX_SAFE_INTEGER;
}

/** How early a column is left out: by its rank, or by its place if it has none. */
function columnHidingRank(headings: readonly ColumnLayout[], at: number): number {
  return headings[at]?.rank ?? at;
}

/**
 * The widths of columns so that they fit a terminal; 0 leaves a column out.
 *
 * Empty columns are left out first, then those of the highest rank, until the others have a readable width. The first column, which
 * identifies the row, is only cut if it takes more than two thirds of the line. Columns marked whole keep their width even
 * if the terminal is narrower.
 */
function fitOrHideColumns(
  headings: readonly ColumnLayout[],
  natural: readonly number[],
  filled: readonly boolean[],
  room: number,
  overhead: (columns: number) => number,
): readonly number[] {
  const need = (i: number) => natural[i] ?? 0;
  const first = Math.min((room * 2) / 3, room - overhead(1));
  const isWhole = (i: number) => headings[i]?.whole === true || (i === 0 && need(0) <= first);
  const least = (i: number) => (isWhole(i) ? need(i) : Math.min(need(i), headings[i]?.least ?? MIN_WIDTH));
  let kept = natural.map((_, i) => i);
  const space = () => room - overhead(kept.length);
  if (sum(natural) <= space()) return natural;
  kept = kept.filter((i) => i === 0 || isWhole(i) || filled[i] === true);
  while (sum(kept.map(least)) > space()) {
    const [last] = kept
      .filter((i) => i > 0 && !isWhole(i))
      .toSorted((a, b) => columnHidingRank(headings, b) - columnHidingRank(headings, a));
    if (last === undefined) break;
    kept = kept.filter((i) => i !== last);
  }
  const shared = kept.filter((i) => !isWhole(i));
  // Each keeps its least width, and they share what is left; a terminal too narrow for that is shared from nothing.
  const fits = sum(kept.map(least)) <= space();
  const base = (i: number) => (isWhole(i) || fits ? least(i) : 0);
  const limit = chooseWidthCap(
    shared.map((i) => need(i) - base(i)),
    space() - sum(kept.map(base)),
    fits ? 0 : 1,
  );
  const widthOf = (i: number) => base(i) + Math.min(need(i) - base(i), limit);
  return natural.map((_, i) => (kept.includes(i) ? widthOf(i) : 0));
}

interface TableOptions {
  /** How many rows are buffered to choose the widths. */
  readonly settleAfter?: number | undefined;
  /** Called with the labels of columns that have values and are left out. */
  readonly onHidden?: ((labels: readonly string[]) => void) | undefined;
}

/**
 * Creates a table with one row for each value.
 *
 * The first `settleAfter` rows, which are buffered, determine the widths. On a terminal the columns fit its width and
 * wider cells are cut with `…`; otherwise nothing is cut and no line ends in padding.
 */
export function createTextTableFormatter(
  headings: readonly ColumnLayout[],
  shape: "plain" | "grid",
  terminal: TextOutputTarget,
  { settleAfter = 100, onHidden }: TableOptions = {},
): TextTableFormatter {
  const style = shape === "grid" ? GRID : terminal.isTerminal ? SPACED : TABBED;
  let widths: readonly number[] | undefined;
  let buffered: (readonly (readonly string[])[])[] = [];

  const fit = (text: string, column: number) =>
    terminal.isTerminal && headings[column]?.whole !== true ? cutToWidth(text, widths?.[column] ?? 0) : text;

  const draw = (cells: readonly (readonly string[])[], settled: readonly number[]) => {
    const height = maximum(cells.map((lines) => lines.length));
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
    const filled = headings.map((_, i) => buffered.some((cells) => cells[i]?.some((line) => line !== "") === true));
    const natural = headings.map(({ label }, i) =>
      maximum([displayWidth(label), ...buffered.map((cells) => maximum(cells[i]?.map(displayWidth) ?? []))]),
    );
    const settled = terminal.isTerminal
      ? fitOrHideColumns(headings, natural, filled, terminalWidthOrDefault(terminal.columns), style.overhead)
      : natural;
    widths = settled;
    const hidden = headings.filter((_, i) => settled[i] === 0 && filled[i] === true);
    if (hidden.length > 0) onHidden?.(hidden.map(({ label }) => label));
    const labels = headings.map(({ label }, i) => fit(label, i));
    const text =
      style.head(labels, settled, createBoldFormatter(terminal)) +
      buffered.map((cells) => draw(cells, settled)).join("");
    buffered = [];
    return text;
  };

  return {
    row(cells) {
      const lines = headings.map((_, i) => style.lines(cells[i] ?? ""));
      if (widths !== undefined) return draw(lines, widths);
      buffered.push(lines);
      return buffered.length >= settleAfter ? flush() : "";
    },
    flush,
  };
}

/** One value as lines of label and field; nothing is cut. */
export function formatRecord(
  fields: readonly { readonly label: string; readonly value: CellTextOrList }[],
  terminal: TextOutputTarget,
): string {
  const style = terminal.isTerminal ? SPACED : TABBED;
  const bold = createBoldFormatter(terminal);
  const widths = [maximum(fields.map(({ label }) => displayWidth(label))), 1];
  return fields
    .map(({ label, value }) => {
      const line = style.line([label, style.lines(value).join("")], widths);
      return bold(label) + line.slice(label.length);
    })
    .join("");
}
