import { escapeControls } from "../text.ts";
import type { StyledLine, TextRole } from "./colors.ts";
import { insertLineBreaks } from "./insert-line-breaks.ts";
import { displayWidth } from "./width.ts";

/** A value after its label. */
export interface LabelledValue {
  /** With the spaces around it; nothing but spaces if the value has the label of the row above. */
  readonly label: string;
  /** A sign before the value, which stays on a line with its first word. */
  readonly sign?: string;
  readonly value: string;
  readonly role?: TextRole | undefined;
}

/** The narrowest column for values; with less room they are below their label. */
const NARROWEST = 20;

const BELOW = " ".repeat(6);

/**
 * The lines of rows whose labels have one width. For a terminal, values are broken at words and their further lines are
 * below the first one. If a value has too little room after its label, all of the rows have them below their labels.
 *
 * @param columns the width of the terminal; undefined breaks nothing.
 */
export function labelledLines(rows: readonly LabelledValue[], columns: number | undefined): readonly StyledLine[] {
  const isBelow = columns !== undefined && rows.some((row) => !fitsAfterLabel(row, columns));
  return rows.flatMap(({ label, sign = "", value, role }) => {
    const start = isBelow ? BELOW : label;
    const lines = columns === undefined ? [label + sign + value] : hangingLines(start + sign, value, columns);
    const above = isBelow && label.trim() !== "" ? [label.trimEnd()] : [];
    return [...above, ...lines].map((text) => ({ text, role }));
  });
}

function fitsAfterLabel({ label, sign = "", value }: LabelledValue, columns: number): boolean {
  const room = columns - displayWidth(label + sign);
  const text = escapeControls(value);
  if (displayWidth(text) <= room) return true;
  return room >= NARROWEST && text.split(" ").every((word) => displayWidth(word) <= room);
}

/** A text after a start, with its further lines below its first one. */
function hangingLines(start: string, value: string, columns: number): readonly string[] {
  const width = displayWidth(start);
  const [first = "", ...others] = insertLineBreaks(escapeControls(value), columns - width).split("\n");
  return [start + first, ...others.map((line) => " ".repeat(width) + line)];
}
