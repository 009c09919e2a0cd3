/** A part of a topic; in its texts, words in backquotes are code. */
export type TopicPart =
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "text"; readonly text: string }
  /** Terms with their meanings. */
  | { readonly kind: "rows"; readonly rows: readonly (readonly [term: string, meaning: string])[] }
  /** Lines of code. */
  | { readonly kind: "lines"; readonly lines: readonly string[] };

/** A page of the manual about a subject instead of a command. */
export interface Topic {
  /** The word after `hydra help`. */
  readonly name: string;
  /** The heading, one line. */
  readonly title: string;
  readonly parts: readonly TopicPart[];
}

export function headingPart(text: string): TopicPart {
  return { kind: "heading", text };
}

export function textPart(...sentences: readonly string[]): TopicPart {
  return { kind: "text", text: sentences.join(" ") };
}

/** Terms with their meanings. */
export function termsPart(...found: readonly (readonly [term: string, meaning: string])[]): TopicPart {
  return { kind: "rows", rows: found };
}

/** Lines of code. */
export function codeLinesPart(...found: readonly string[]): TopicPart {
  return { kind: "lines", lines: found };
}
