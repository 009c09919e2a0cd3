/** The words of a command line that is being typed. */
interface TypedLine {
  /** The words before the last one, without their quotes. */
  readonly words: readonly string[];
  readonly last: WordAtCursor;
}

/** The word that is being typed. */
export interface WordAtCursor {
  /** As it is written on the line. */
  readonly raw: string;
  /** Without quotes. */
  readonly text: string;
  /** The quote that is still open in it. */
  readonly quote: "" | "'" | '"';
}

const EMPTY: WordAtCursor = { raw: "", text: "", quote: "" };

/**
 * Splits the text before the cursor into words as a shell does (IEEE 1003.1, 2.2), without expanding anything: completing
 * a line must never run a part of it. `escapeLetter` is the character that makes the next one literal.
 */
export function splitTypedLine(line: string, escapeLetter = "\\"): TypedLine {
  const words: string[] = [];
  let word = EMPTY;
  for (let at = 0; at < line.length; at++) {
    const letter = line.charAt(at);
    if (word.quote === "" && /\s/.test(letter)) {
      // An empty word in quotes is a word too, and no quotes at all are none.
      if (word.raw !== "") words.push(word.text);
      word = EMPTY;
    } else if (letter === escapeLetter && word.quote !== "'") {
      at++;
      word = withEscapedLetterAppended(word, letter, line.charAt(at));
    } else {
      word = withLetterAppended(word, letter);
    }
  }
  return { words, last: word };
}

function withLetterAppended({ raw, text, quote }: WordAtCursor, letter: string): WordAtCursor {
  const longer = raw + letter;
  if (letter === quote) return { raw: longer, text, quote: "" };
  if (quote === "" && (letter === "'" || letter === '"')) return { raw: longer, text, quote: letter };
  return { raw: longer, text: text + letter, quote };
}

function withEscapedLetterAppended(
  { raw, text, quote }: WordAtCursor,
  escapeLetter: string,
  next: string,
): WordAtCursor {
  // Between double quotes the escape character is itself literal before most characters.
  const kept = quote === '"' && !/["\\$`]/.test(next) ? escapeLetter : "";
  return { raw: raw + escapeLetter + next, text: text + kept + next, quote };
}

/** Counts how many letters of a word as it is written make up a text; all if none do. Linear in the word. */
export function countRawLettersOfText(raw: string, text: string): number {
  const letters = Array.from(raw);
  let word = EMPTY;
  for (let at = 0; at < letters.length; at++) {
    if (word.text.length === text.length && word.text === text) return at;
    const letter = letters[at] ?? "";
    if (letter === "\\" && word.quote !== "'") word = withEscapedLetterAppended(word, letter, letters[++at] ?? "");
    else word = withLetterAppended(word, letter);
  }
  return letters.length;
}

/** A single word without its quotes. */
export function removeQuotes(word: string): string {
  const { words, last } = splitTypedLine(word);
  return [...words, last.text].join(" ");
}
