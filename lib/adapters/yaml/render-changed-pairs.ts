import type { Document, Node, Pair, YAMLMap } from "yaml";

/** A pair of the source, by the offsets of its text. */
interface Part {
  readonly pair: Pair;
  readonly start: number;
  /** The end of its last line. */
  readonly end: number;
}

function rangeOf(node: unknown): readonly number[] | undefined {
  const range = typeof node === "object" && node !== null && "range" in node ? node.range : undefined;
  return Array.isArray(range) ? range.filter((offset) => typeof offset === "number") : undefined;
}

/** The end of the line that an offset is in; the offset itself at the start of a line. */
function lineEnd(text: string, offset: number): number {
  if (text[offset - 1] === "\n") return offset;
  const feed = text.indexOf("\n", offset);
  return feed < 0 ? text.length : feed + 1;
}

/**
 * Remembers where the pairs of a document's map are in its text, before they change.
 *
 * @param offset where the document begins in the text that it was read from.
 */
export class ChangedPairsRenderer {
  readonly #source: string;
  readonly #parts: readonly Part[];

  constructor(source: string, offset: number, map: YAMLMap) {
    this.#source = source;
    this.#parts = map.items.flatMap((pair): readonly Part[] => {
      const start = rangeOf(pair.key)?.[0];
      const last = rangeOf(pair.value)?.[1] ?? rangeOf(pair.key)?.[1];
      if (start === undefined || last === undefined) return [];
      return [{ pair, start: start - offset, end: lineEnd(source, last - offset) }];
    });
  }

  /**
   * The text with only the pairs of some keys written again; undefined if the text has another layout than one pair after
   * the other. Comments between pairs stay, so the caller compares them with those of the whole document.
   */
  render(
    document: Document<Node>,
    map: YAMLMap,
    isChanged: (pair: Pair) => boolean,
    write: () => string,
  ): string | undefined {
    const [first] = this.#parts;
    const isInLines = this.#parts.every(({ start }) => start === 0 || this.#source[start - 1] === "\n");
    if (first === undefined || !isInLines) return undefined;
    const kept = new Set(map.items);
    const parts = new Map<Pair, { readonly own: string; rest: string }>();
    const head = { rest: this.#source.slice(0, first.start) };
    let last: { rest: string } = head;
    for (const [at, { pair, start, end }] of this.#parts.entries()) {
      const part = { own: this.#source.slice(start, end), rest: "" };
      if (kept.has(pair)) {
        parts.set(pair, part);
        last = part;
      }
      // What follows a pair that was removed stays.
      last.rest += this.#source.slice(end, this.#parts[at + 1]?.start);
    }
    let text = head.rest;
    // New pairs come before what follows the pair before them.
    let rest = "";
    for (const pair of map.items) {
      const part = parts.get(pair);
      const own = part === undefined || isChanged(pair) ? renderPair(document, map, pair, write) : part.own;
      text += `${part === undefined ? "" : rest}${own}${own.endsWith("\n") ? "" : "\n"}`;
      rest = part === undefined ? rest : part.rest;
    }
    return text + rest;
  }
}

/** One pair as the text of the whole document, without what comes before it. */
function renderPair(document: Document<Node>, map: YAMLMap, pair: Pair, write: () => string): string {
  const { items, comment, commentBefore } = map;
  const around = { comment: document.comment, commentBefore: document.commentBefore };
  const { directives } = document;
  const docStart = directives?.docStart ?? null;
  const { key } = pair;
  const before = canHaveComments(key) ? { commentBefore: key.commentBefore, spaceBefore: key.spaceBefore } : undefined;
  try {
    Object.assign(document, { comment: null, commentBefore: null });
    Object.assign(map, { items: [pair], comment: null, commentBefore: null });
    if (directives !== undefined) directives.docStart = null;
    if (canHaveComments(key)) Object.assign(key, { commentBefore: null, spaceBefore: false });
    return write();
  } finally {
    Object.assign(document, around);
    Object.assign(map, { items, comment, commentBefore });
    if (directives !== undefined) directives.docStart = docStart;
    if (canHaveComments(key)) Object.assign(key, before);
  }
}

function canHaveComments(key: unknown): key is { commentBefore?: string | null; spaceBefore?: boolean } {
  return typeof key === "object" && key !== null;
}
