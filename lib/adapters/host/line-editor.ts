/** The state of a line after some keys. */
export type LineState =
  /** `unfinished` is the beginning of what a key sends, and belongs before what is typed next. */
  | { readonly kind: "editing"; readonly line: string; readonly unfinished: string }
  /** Enter was pressed; `typeAhead` is what was typed after it. */
  | { readonly kind: "entered"; readonly line: string; readonly typeAhead: string }
  /** The input has ended. */
  | { readonly kind: "ended"; readonly line: string }
  /** A key was pressed that sends a signal. */
  | { readonly kind: "signal"; readonly signal: "SIGINT" | "SIGQUIT" }
  | { readonly kind: "too-long" };

/** The longest line, in characters: longer than any secret. */
export const MAX_LINE_LENGTH = 4_096;

/** What a terminal sends for keys such as arrows, around pasted text (ECMA-48, 5.4), and for a key with Alt. */
const KEY_SEQUENCE_PATTERN =
  /\u001b(?:\[[\u0020-\u003f]*[\u0040-\u007e]|O[\u0040-\u007e]|[^\u0000-\u001f\u007f-\u009f])/gu;

/** The beginning of a sequence at the end of what was read: the terminal may deliver the rest later. */
const UNFINISHED_SEQUENCE_PATTERN = /\u001b(?:\[[\u0020-\u003f]*|O)?$/;

/** Control characters: nobody types them on purpose, and they would stay in a secret unnoticed. */
const CONTROL_CHARACTER_PATTERN = /[\u0000-\u001f\u0080-\u009f]/;

const END_OF_INPUT = "\u0004";

const CLEAR_LINE = "\u0015";

const DELETE = ["\u007f", "\b"];

/** The keys that a terminal in raw mode doesn't turn into signals. */
const SIGNAL_KEYS: ReadonlyMap<string, "SIGINT" | "SIGQUIT"> = new Map([
  ["\u0003", "SIGINT"],
  ["\u001c", "SIGQUIT"],
]);

/** What follows Esc in the sequence of a key that the terminal delivers in pieces. */
const AFTER_ESC_PATTERN = /^[[O]/;

/**
 * Adds what was typed to a line. In raw mode, the terminal leaves the handling of keys to the program.
 *
 * @param held the beginning of a sequence that was read before. Esc pressed by itself has no effect on the next
 * character, unless that is [ or O, or arrives together with it.
 */
export function applyTyped(before: string, newlyTyped: string, raw: boolean, held = ""): LineState {
  const typed = held === "\u001b" && !AFTER_ESC_PATTERN.test(newlyTyped) ? newlyTyped : held + newlyTyped;
  let line = before;
  const unfinished = raw ? (UNFINISHED_SEQUENCE_PATTERN.exec(typed)?.[0] ?? "") : "";
  const whole = typed.slice(0, typed.length - unfinished.length);
  const keys = [...(raw ? whole.replace(KEY_SEQUENCE_PATTERN, "") : whole)];
  for (const [index, key] of keys.entries()) {
    const finished = finishLineOnKey(key, line, () => keys.slice(index + 1).join("") + unfinished, raw);
    if (finished !== undefined) return finished;
    line = raw ? applyKey(line, key) : line + key;
    if (line.length > MAX_LINE_LENGTH) return { kind: "too-long" };
  }
  return unfinished.length > MAX_LINE_LENGTH ? { kind: "too-long" } : { kind: "editing", line, unfinished };
}

/** How a key ends the line; undefined if it doesn't. */
function finishLineOnKey(key: string, line: string, rest: () => string, raw: boolean): LineState | undefined {
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
  return CONTROL_CHARACTER_PATTERN.test(key) ? line : line + key;
}
