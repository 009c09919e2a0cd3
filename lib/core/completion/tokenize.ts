/** The words of a command line that is being typed. */
export interface TypedLine {
  /** The words before the last one, without their quotes. */
  readonly words: readonly string[];
  readonly last: TypedWord;
}

/** The word that is being typed. */
export interface TypedWord {
  /** As it stands on the line. */
  readonly raw: string;
  /** Without quotes. */
  readonly text: string;
  /** The quote that is still open in it. */
  readonly quote: "" | "'" | '"';
}

const EMPTY: TypedWord = { raw: "", text: "", quote: "" };

/**
 * Splits what stands before the cursor into words as a shell does (IEEE 1003.1, 2.2), without expanding anything: to
 * complete a line must never run a part of it. `plain` is the character that makes the next one plain.
 */
export function typedLine(line: string, plain = "\\"): TypedLine {
  const words: string[] = [];
  let word = EMPTY;
  let begun = false;
  for (let at = 0; at < line.length; at++) {
    const letter = line.charAt(at);
    const { quote } = word;
    if (quote === "" && /\s/.test(letter)) {
      if (begun) words.push(word.text);
      word = EMPTY;
      begun = false;
      continue;
    }
    begun = true;
    const raw = word.raw + letter;
    if (quote === letter) word = { ...word, raw, quote: "" };
    else if (quote === "" && (letter === "'" || letter === '"')) word = { ...word, raw, quote: letter };
    else if (letter === plain && quote !== "'") {
      at++;
      const next = line.charAt(at);
      // Between double quotes the escape is plain before most characters.
      const kept = quote === '"' && !/["\\$`]/.test(next) ? letter : "";
      word = { ...word, raw: raw + next, text: word.text + kept + next };
    } else word = { ...word, raw, text: word.text + letter };
  }
  return { words, last: word };
}

/** A single word without its quotes. */
export function unquoted(word: string): string {
  const { words, last } = typedLine(word);
  return [...words, last.text].join(" ");
}
