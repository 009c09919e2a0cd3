/** Characters two columns wide: East Asian Wide and Fullwidth (Unicode UAX #11) and emoji (UTS #51). A test compares them with the runtime. */
const WIDE_CHARACTER_PATTERN =
  /[\u1100-\u115f\u2329\u232a\u2630-\u2637\u268a-\u268f\u2e80-\u303e\u3041-\u3247\u3250-\u4dff\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d376}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]|\ufe0f/u;

/** Combining marks and joiners, which take no column. */
const ZERO_WIDTH_PATTERN = /[\p{Nonspacing_Mark}\p{Enclosing_Mark}\u200b-\u200d\u2060-\u2064\ufeff]/gu;

/** Text in which each code unit takes one column, like nearly all text. */
const SINGLE_COLUMN_TEXT_PATTERN = /^[\u0020-\u007e…]*$/;

let segmenter: Intl.Segmenter | undefined;

/** The user-perceived characters of a text; the segmenter is created on first use, because it is slow to load. */
function graphemesOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

function widthOfGrapheme(grapheme: string): number {
  return WIDE_CHARACTER_PATTERN.test(grapheme) ? 2 : Array.from(grapheme.replace(ZERO_WIDTH_PATTERN, "")).length;
}

/** The width of a line in columns of a terminal; the line must not contain control characters. */
export function displayWidth(text: string): number {
  if (SINGLE_COLUMN_TEXT_PATTERN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemesOf(text)) width += widthOfGrapheme(segment);
  return width;
}

/**
 * A line cut to a number of columns, ending in `…` if it was cut.
 *
 * Never separates a character from its combining marks; a width under 1 returns an empty text.
 */
export function cutToWidth(text: string, columns: number): string {
  if (columns < 1) return "";
  if (SINGLE_COLUMN_TEXT_PATTERN.test(text)) return text.length <= columns ? text : `${text.slice(0, columns - 1)}…`;
  if (displayWidth(text) <= columns) return text;
  let cut = "";
  let width = 0;
  for (const { segment } of graphemesOf(text)) {
    width += widthOfGrapheme(segment);
    if (width > columns - 1) break;
    cut += segment;
  }
  return `${cut}…`;
}

/** The columns of a terminal; 80 if it reports 0 or nothing. */
export function terminalWidthOrDefault(columns: number | undefined): number {
  return columns || 80;
}
