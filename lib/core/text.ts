/** C0, DEL, C1, line and paragraph separators, and direction overrides, which can make a terminal show something else. */
const UNSAFE_CHARACTERS_PATTERN =
  /[\u0000-\u001f\u007f-\u009f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Untrusted text that is safe to print on a terminal: control characters and direction overrides become `\xNN` or `\uNNNN`,
 * so that a name from a server can't move the cursor or fake a line.
 */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE_CHARACTERS_PATTERN, (c) => {
    if (c === "\n") return "\\n";
    if (c === "\t") return "\\t";
    if (c === "\r") return "\\r";
    const code = c.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** A text without the userinfo of the URLs in it, which is a credential. */
function withoutUserinfo(text: string): string {
  // A path on this machine.
  if (/^(?:unix|file):\/\/\//.test(text)) return text;
  const [first = "", ...others] = text.split("://");
  // A URL with one slash or none, or without its scheme.
  const start = first.replace(/^(https?:\/?|[a-z][\w+.-]*:\/|\/\/)[^/?#\s:@]*:[^/?#\s@]*@/i, "$1…@");
  return [start, ...others.map(withoutLeadingUserinfo)].join("://");
}

/** What follows `://`, without userinfo: one with a character that URLs must encode, such as a slash, reaches up to the last @. */
function withoutLeadingUserinfo(text: string): string {
  const plain = text.replace(/^[^/?#\s]*@/, "…@");
  if (plain !== text || !text.includes("@")) return plain;
  const host = /^[^/?#\s]*/.exec(text)?.[0] ?? "";
  return URL.canParse(`http://${host}`) && !host.includes("\\") ? text : `…${text.slice(text.lastIndexOf("@"))}`;
}

/** A value in a message: escaped, without the userinfo of URLs, in double quotes, cut at 120 characters. */
export function quote(text: string): string {
  const safe = escapeControls(withoutUserinfo(text));
  return `"${safe.length > 120 ? `${safe.slice(0, 119)}…` : safe}"`;
}

/**
 * A text without the characters of a set at its end. A regular expression such as `/0+$/` would take quadratic time for
 * long runs inside the text.
 */
export function trimCharactersAtEnd(text: string, set: string): string {
  let end = text.length;
  while (end > 0 && set.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/** A text without the characters of a set at its start. */
export function trimCharactersAtStart(text: string, set: string): string {
  let start = 0;
  while (start < text.length && set.includes(text.charAt(start))) start++;
  return text.slice(start);
}

/** A text without one line break at its end, as a file or a variable that was set from one may have. */
export function withoutFinalLineBreak(text: string): string {
  return text.replace(/(?:\r?\n|\r)$/, "");
}

/** A path that is written in a file, which is relative to that file. */
export function pathRelativeToFile(path: string, file: string): string {
  return /^(?:[/\\]|[A-Za-z]:)/.test(path) ? path : `${/^.*[/\\]/s.exec(file)?.[0] ?? ""}${path}`;
}

/** Words joined like in a sentence: `a`, `a and b`, `a, b and c`. */
export function joinWords(words: readonly string[], last = "and"): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${last} ${words[words.length - 1]}`;
}

/** The first words like {@link joinWords}, and how many more there are. */
export function joinFirstWords(words: readonly string[], most: number): string {
  const rest = words.length - most;
  return joinWords(rest > 0 ? [...words.slice(0, most), `${rest} more`] : words);
}

/** The number of single-character edits, including swaps of neighbors, between two words. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = above;
    above = row;
  }
  return above[b.length] ?? 0;
}

/** The candidate that a mistyped word most likely meant, or undefined if none is similar. */
export function suggestWord(word: string, candidates: Iterable<string>): string | undefined {
  const typed = word.toLowerCase();
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    // The distance is at least the difference in length, so a long word need not be compared.
    if (Math.abs(typed.length - candidate.length) >= least && !candidate.startsWith(typed)) continue;
    const d =
      candidate.startsWith(typed) && typed.length > 2
        ? Math.min(1, editDistance(typed, candidate))
        : editDistance(typed, candidate);
    if (d < least) {
      least = d;
      best = candidate;
    }
  }
  return best;
}

/** Whether one word becomes the other by at most one insertion, deletion, replacement or swap of neighbours. */
export function isWithinOneEdit(a: string, b: string): boolean {
  const shorter = Math.min(a.length, b.length);
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < shorter && a[start] === b[start]) start++;
  let end = 0;
  while (end < shorter - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (left.length <= 1 && right.length <= 1) return true;
  return left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0];
}
