import type { Document, Node, Pair, Scalar, YAMLMap, YAMLSeq } from "yaml";
import { isStringList } from "../../core/json/json.ts";
import type { MemberEdit } from "../../core/state/client-edits.ts";

type Library = typeof import("yaml");
/** What to change in one value of a stream of documents. */
export interface YamlChange {
  /** The number of the document, from 0. */
  readonly document: number;
  /** The keys and positions that lead to the value. */
  readonly path: readonly (string | number)[];
  /** The edits of an object. */
  readonly edits?: readonly MemberEdit[];
  /** Values to append to a list. */
  readonly added?: readonly unknown[];
}

/** Creates nodes for the values of one document. */
export type CreateNode = (document: Document<Node>, value: unknown) => Node;

/** How documents are written again: the style of the text that they are from. */
interface IndentationStyle {
  readonly indent: number;
  readonly indentSeq: boolean;
}

/** A line with something other than a comment. */
interface Line {
  readonly indent: number;
  readonly body: string;
}

function splitSignificantLines(text: string): readonly Line[] {
  return text
    .split("\n")
    .map((line) => ({ indent: line.length - line.trimStart().length, body: line.trim() }))
    .filter(({ body }) => body !== "" && !body.startsWith("#"));
}

/** Whether a line is only the key of a value that begins on the next line. */
function isKeyOnly({ body }: Line): boolean {
  const comment = body.indexOf(" #");
  return !body.startsWith("-") && (comment < 0 ? body : body.slice(0, comment).trimEnd()).endsWith(":");
}

/** The indentation that a text uses, as far as it shows. */
export function detectIndentation(text: string): IndentationStyle {
  const lines = splitSignificantLines(text);
  let indent: number | undefined;
  let indentSeq: boolean | undefined;
  for (const [at, line] of lines.entries()) {
    const key = lines[at - 1];
    if (key === undefined || !isKeyOnly(key)) continue;
    const step = line.indent - key.indent;
    if (/^-(?: |$)/.test(line.body)) indentSeq ??= step > 0;
    else if (step > 0) indent ??= step;
  }
  return { indent: indent ?? 2, indentSeq: indentSeq ?? true };
}

/** Edits the nodes of documents, so that comments, order and quotes stay. */
export class DocumentEditor {
  readonly #library: Library;
  readonly #createNode: CreateNode;

  constructor(library: Library, createNode: CreateNode) {
    this.#library = library;
    this.#createNode = createNode;
  }

  /** Makes one change. A value that isn't where the path leads stays as it is; the caller compares the result. */
  change(document: Document<Node>, { path, edits = [], added = [] }: YamlChange): void {
    const target = this.#nodeAt(document, path);
    if (this.#library.isSeq(target)) for (const value of added) target.items.push(this.#createNode(document, value));
    if (this.#library.isMap(target)) for (const edit of edits) this.#edit(document, target, edit);
  }

  #nodeAt(document: Document<Node>, path: readonly (string | number)[]): unknown {
    let node: unknown = document.contents;
    for (const step of path) {
      if (this.#library.isSeq(node)) node = node.items[Number(step)];
      else if (this.#library.isMap(node)) node = this.#pair(node, String(step))?.value;
    }
    return node;
  }

  #pair(map: YAMLMap, key: string): Pair | undefined {
    return map.items.find((pair) => this.#keyOf(pair) === key);
  }

  #keyOf({ key }: Pair): string {
    return String(this.#library.isScalar(key) ? (key.source ?? key.value) : key);
  }

  #edit(document: Document<Node>, map: YAMLMap, { path, value, after }: MemberEdit): void {
    const [name = "", ...inner] = path;
    const pair = this.#pair(map, name);
    if (inner.length > 0) this.#edit(document, this.#mapIn(document, map, name), { path: inner, value, after });
    else if (value === undefined) this.#remove(document, map, pair);
    else if (pair === undefined) this.#insert(document, map, name, this.#createNode(document, value), after);
    else pair.value = this.#replacement(document, pair.value, value);
  }

  /** Removes a member, but not the comment at the start of a file, which the library attaches to the first key. */
  #remove(document: Document<Node>, map: YAMLMap, pair: Pair | undefined): void {
    if (map === document.contents && map.items[0] === pair && this.#library.isNode(pair?.key))
      document.commentBefore ??= pair.key.commentBefore ?? null;
    map.items = map.items.filter((item) => item !== pair);
  }

  /** The object that a member of another one holds, inserted or copied from an alias if it isn't there. */
  #mapIn(document: Document<Node>, map: YAMLMap, name: string): YAMLMap {
    const pair = this.#pair(map, name);
    if (this.#library.isMap(pair?.value)) return pair.value;
    const source = this.#library.isAlias(pair?.value) ? pair.value.resolve(document) : undefined;
    const inner = this.#library.isMap(source) ? source.clone() : new this.#library.YAMLMap();
    if (!this.#library.isMap(inner)) throw new TypeError("the copy of a map is not a map");
    delete inner.anchor;
    if (pair === undefined) this.#insert(document, map, name, inner, []);
    else pair.value = inner;
    return inner;
  }

  #insert(document: Document<Node>, map: YAMLMap, name: string, value: Node, after: readonly string[]): void {
    const last = map.items.findLastIndex((pair) => after.includes(this.#keyOf(pair)));
    const pair = new this.#library.Pair(this.#createNode(document, name), value);
    map.items.splice(last < 0 ? map.items.length : last + 1, 0, pair);
  }

  /** A node with a new value and the comments and the style of the old one. */
  #replacement(document: Document<Node>, old: unknown, value: unknown): Node {
    const { isScalar, isSeq } = this.#library;
    if (isSeq(old) && isStringList(value)) return this.#reuseItems(document, old, value);
    const node =
      isScalar(old) && typeof value === "string" ? this.#text(document, old, value) : this.#createNode(document, value);
    if (!isScalar(old)) return node;
    if (isScalar(node)) node.comment = old.comment ?? null;
    node.commentBefore = old.commentBefore ?? null;
    if (old.spaceBefore === true) node.spaceBefore = true;
    return node;
  }

  /** A text in the quotes of the old one, if these have the same meaning for it. */
  #text(document: Document<Node>, { type }: Scalar, value: string): Node {
    const isQuoted = type === "QUOTE_DOUBLE" || type === "QUOTE_SINGLE";
    if (!isQuoted || !/^[\x20-\x7e]*$/.test(value)) return this.#createNode(document, value);
    const node = new this.#library.Scalar<unknown>(value);
    node.type = type;
    return node;
  }

  /** The same list with other items; those that stay keep their nodes, and so their comments. */
  #reuseItems(document: Document<Node>, list: YAMLSeq, values: readonly string[]): YAMLSeq {
    const rest: unknown[] = [...list.items];
    list.items = values.map((value) => {
      const at = rest.findIndex((item) => this.#library.isScalar(item) && String(item.source ?? item.value) === value);
      return at < 0 ? this.#createNode(document, value) : rest.splice(at, 1)[0];
    });
    return list;
  }
}
