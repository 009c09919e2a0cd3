import { escapeControls } from "../text.ts";
import type { CellTextOrList } from "./text-table.ts";

/** A list in one field; no grant type, scope or response type has a comma. */
function fieldText(cell: CellTextOrList): string {
  return typeof cell === "string" ? cell : cell.join(",");
}

const TSV_ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

function tsvField(cell: CellTextOrList, onTerminal: boolean): string {
  const text = fieldText(cell).replace(/[\\\t\n\r]/g, (char) => TSV_ESCAPES[char] ?? char);
  return onTerminal ? escapeControls(text) : text;
}

/**
 * One line of tab-separated values. Tabs, line feeds, carriage returns and backslashes in a field are written as `\t`, `\n`,
 * `\r` and `\\`, so that every tab separates and every line is a record. `onTerminal` also makes other controls harmless.
 */
export function tsvLine(cells: readonly CellTextOrList[], onTerminal = false): string {
  return `${cells.map((cell) => tsvField(cell, onTerminal)).join("\t")}\n`;
}

function csvField(cell: CellTextOrList, onTerminal: boolean): string {
  const text = onTerminal ? escapeControls(fieldText(cell)) : fieldText(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * One record of comma-separated values by RFC 4180: ended by CRLF, a field with a comma, a quote or a line break in quotes. A
 * record of one empty field is written with quotes, as an empty line would be no record to many readers.
 */
export function csvLine(cells: readonly CellTextOrList[], onTerminal = false): string {
  const line = cells.map((cell) => csvField(cell, onTerminal)).join(",");
  return `${line === "" && cells.length === 1 ? '""' : line}\r\n`;
}

/** Text that Markdown shows as it is, also in a table. */
export function escapeMarkdown(text: string): string {
  return escapeControls(text).replace(/[\\`*_{}[\]<>()#+\-!|~@&]/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** One row of a table of GitHub Flavored Markdown. */
export function markdownTableRow(cells: readonly CellTextOrList[]): string {
  return `| ${cells.map((cell) => escapeMarkdown(typeof cell === "string" ? cell : cell.join(", "))).join(" | ")} |\n`;
}

/** The row between the heading and the records. */
export function markdownDelimiterRow(columns: number): string {
  return `|${" --- |".repeat(columns)}\n`;
}
