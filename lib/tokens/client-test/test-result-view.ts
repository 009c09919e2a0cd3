import type { JsonObject } from "../../core/json/json.ts";
import type { Painter, TextRole } from "../../core/output/colors.ts";
import { labelledLines } from "../../core/output/labelled-lines.ts";
import type { ResultView } from "../../core/output/render.ts";
import type { StepOutcome, StepResult } from "./step-result.ts";

type Status = StepOutcome["status"];

/** How each status is marked, with a sign for locales that have only ASCII. */
const MARKS: Readonly<Record<Status, { readonly symbol: string; readonly ascii: string; readonly role: TextRole }>> = {
  passed: { symbol: "✓", ascii: "+", role: "added" },
  failed: { symbol: "✗", ascii: "x", role: "removed" },
  warning: { symbol: "!", ascii: "!", role: "changed" },
  skipped: { symbol: "–", ascii: "-", role: "note" },
};

/** In the order of the summary. */
const STATUSES: readonly Status[] = ["passed", "failed", "warning", "skipped"];

/** Whether the locale of an environment is UTF-8; the first variable that is set counts (POSIX, 8.2). */
export function isUtf8Locale(environment: (name: string) => string | undefined): boolean {
  const locale = ["LC_ALL", "LC_CTYPE", "LANG"].map((name) => environment(name) ?? "").find((value) => value !== "");
  return /utf-?8/i.test(locale ?? "");
}

function stepNamesWithStatus(steps: readonly StepResult[], status: Status): readonly string[] {
  return steps.filter((step) => step.status === status).map(({ name }) => name);
}

function summaryLine(steps: readonly StepResult[]): string {
  return STATUSES.flatMap((status) => {
    const { length } = stepNamesWithStatus(steps, status);
    const word = status === "warning" && length !== 1 ? "warnings" : status;
    return length === 0 && status !== "passed" ? [] : [`${length} ${word}`];
  }).join(", ");
}

/** How the lines of a test are laid out. */
interface TestLayout {
  readonly isUtf8: boolean;
  /** The width of the terminal; undefined breaks no line. */
  readonly columns: number | undefined;
}

function stepLines(
  { name, status, detail, hint }: StepResult,
  width: number,
  { isUtf8, columns }: TestLayout,
): readonly string[] {
  const { symbol, ascii } = MARKS[status];
  const label = `${isUtf8 ? symbol : ascii} ${name.replaceAll("-", " ").padEnd(width)}  `;
  const rows = [
    { label, value: status === "skipped" ? `skipped: ${detail}` : detail },
    ...(hint === undefined ? [] : [{ label: " ".repeat(width + 4), value: hint }]),
  ];
  return labelledLines(rows, columns).map(({ text }) => text);
}

/** The steps, each hint only the first time. */
function withoutRepeatedHints(steps: readonly StepResult[]): readonly StepResult[] {
  return steps.map(({ hint, ...step }, at) => {
    const isRepeated = steps.slice(0, at).some((other) => other.hint === hint);
    return hint === undefined || isRepeated ? step : { ...step, hint };
  });
}

function paintMark(line: string, paint: Painter): string {
  const [first = ""] = line;
  const mark = Object.values(MARKS).find(({ symbol, ascii }) => first === symbol || first === ascii);
  return mark === undefined ? line : `${paint(mark.role, first)}${line.slice(first.length)}`;
}

/** A test for people and for programs. */
export function createTestResultView(
  id: string,
  steps: readonly StepResult[],
  layout: TestLayout,
): ResultView<JsonObject> {
  const width = Math.max(...steps.map(({ name }) => name.length));
  return {
    columns: [
      { label: "CLIENT ID", value: () => id, whole: true },
      { label: "OK", value: ({ ok }) => String(ok) },
      ...STATUSES.map((status) => ({ label: status.toUpperCase(), value: () => stepNamesWithStatus(steps, status) })),
    ],
    text: () => [...withoutRepeatedHints(steps).flatMap((step) => stepLines(step, width, layout)), summaryLine(steps)],
    paintLine: paintMark,
    id: () => id,
  };
}
