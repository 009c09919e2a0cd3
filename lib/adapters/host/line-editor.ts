/** The state of a line after some keys. */
export type EditedLine =
  | { readonly kind: "editing"; readonly line: string }
  /** Enter was pressed; `typeAhead` is what was typed after it. */
  | { readonly kind: "entered"; readonly line: string; readonly typeAhead: string }
  /** The input has ended. */
  | { readonly kind: "ended"; readonly line: string }
  /** A key was pressed that sends a signal. */
  | { readonly kind: "signal"; readonly signal: "SIGINT" | "SIGQUIT" }
  | { readonly kind: "too-long" };

/** The longest line, in characters: longer than any secret. */
export const MAX_LINE_LENGTH = 4_096;

/** What a terminal sends for keys such as arrows, and around pasted text (ECMA-48, 5.4). */
const SEQUENCE = /\u001b(?:\[[\u0020-\u003f]*[\u0040-\u007e]|O[\u0040-\u007e])/g;

/** Control characters: nobody types them on purpose, and they would stay in a secret unnoticed. */
const CONTROL = /[\u0000-\u001f\u0080-\u009f]/;

const END_OF_INPUT = "\u0004";

const CLEAR_LINE = "\u0015";

const DELETE = ["\u007f", "\b"];

/** The keys that a terminal in raw mode doesn't turn into signals. */
const SIGNAL_KEYS: ReadonlyMap<string, "SIGINT" | "SIGQUIT"> = new Map([
  ["\u0003", "SIGINT"],
  ["\u001c", "SIGQUIT"],
]);

/** Adds what was typed to a line. In raw mode, the terminal leaves the handling of keys to the program. */
export function editLine(before: string, typed: string, raw: boolean): EditedLine {
  let line = before;
  const keys = [...(raw ? typed.replace(SEQUENCE, "") : typed)];
  for (const [index, key] of keys.entries()) {
    const finished = finishedBy(key, line, () => keys.slice(index + 1).join(""), raw);
    if (finished !== undefined) return finished;
    line = raw ? applyKey(line, key) : line + key;
    if (line.length > MAX_LINE_LENGTH) return { kind: "too-long" };
  }
  return { kind: "editing", line };
}

/** How a key ends the line; undefined where it doesn't. */
function finishedBy(key: string, line: string, rest: () => string, raw: boolean): EditedLine | undefined {
  if (key === "\n") return { kind: "entered", line, typeAhead: rest() };
  if (key === "\r") return { kind: "entered", line, typeAhead: rest().replace(/^\n/, "") };
  if (!raw) return undefined;
  if (key === END_OF_INPUT) return { kind: "ended", line };
  const signal = SIGNAL_KEYS.get(key);
  return signal === undefined ? undefined : { kind: "signal", signal };
}

function applyKey(line: string, key: string): string {
  if (key === CLEAR_LINE) return "";
  if (DELETE.includes(key)) return [...line].slice(0, -1).join("");
  return CONTROL.test(key) ? line : line + key;
}
