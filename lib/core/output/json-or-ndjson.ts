import { FILE_DEPTH, parseJsonOrUndefined, toTerminalSafeJson } from "../json/json.ts";

/** How the values of a JSON file are written: one value over several lines, or one on each line. */
type JsonLayout = "one value" | "one per line";

/** The layout of a JSON text; undefined if it has comments or another layout, which writing it again would lose. */
export function detectJsonOrNdjson(text: string): JsonLayout | undefined {
  if (parseJsonOrUndefined(text, FILE_DEPTH) !== undefined) return "one value";
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  return lines.every((line) => parseJsonOrUndefined(line, FILE_DEPTH) !== undefined) ? "one per line" : undefined;
}

/** Values as a JSON file. */
export function formatJsonOrNdjson(values: readonly unknown[], layout: JsonLayout): string {
  return values.map((value) => `${toTerminalSafeJson(value, layout === "one value" ? 2 : 0)}\n`).join("");
}
