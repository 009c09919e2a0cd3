import { closingQuoteOffset } from "../json/json.ts";

/** Where a value is in a text, and where the values inside it are. */
export interface OffsetNode {
  /** The offset of the value. */
  readonly offset: number;
  /** The members of an object, each with the offset of its name. */
  readonly members?: ReadonlyMap<string, { readonly nameOffset: number; readonly value: OffsetNode }>;
  /** The items of a list. */
  readonly items?: readonly OffsetNode[];
}

/** A line and a column, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** How deep positions are recorded: clients may be in lists of lists, and errors name members of members. */
export const POSITION_DEPTH = 8;

/** The offset of the innermost value on a path that is recorded: the name of a member, or the start of an item. */
export function findOffset(root: OffsetNode, path: readonly (string | number)[]): number {
  let node = root;
  let { offset } = root;
  for (const step of path) {
    if (typeof step === "number") {
      const item = node.items?.[step];
      if (item === undefined) return offset;
      node = item;
      ({ offset } = item);
    } else {
      const member = node.members?.get(step);
      if (member === undefined) return offset;
      node = member.value;
      offset = member.nameOffset;
    }
  }
  return offset;
}

/** Converts offsets in a text to lines and columns. */
export function createOffsetToPosition(text: string): (offset: number) => Position {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

/** Scans JSON with comments that is known to be valid. */
class JsonPositions {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  roots(): readonly OffsetNode[] {
    const found: OffsetNode[] = [];
    for (this.#skipSpace(); this.#at < this.#text.length; this.#skipSpace()) found.push(this.#value(1));
    return found;
  }

  #value(depth: number): OffsetNode {
    const offset = this.#at;
    const c = this.#text.charAt(offset);
    if (c === "{") return depth > POSITION_DEPTH ? this.#skipContainer() : this.#object(depth);
    if (c === "[") return depth > POSITION_DEPTH ? this.#skipContainer() : this.#list(depth);
    this.#skipScalar();
    return { offset };
  }

  #object(depth: number): OffsetNode {
    const offset = this.#at++;
    const members = new Map<string, { nameOffset: number; value: OffsetNode }>();
    for (this.#skipSpace(); this.#text.charAt(this.#at) !== "}" && !this.#ended(); this.#skipSpace()) {
      const nameOffset = this.#at;
      this.#skipScalar();
      const name: unknown = JSON.parse(this.#text.slice(nameOffset, this.#at));
      this.#skipSpace();
      this.#at++;
      this.#skipSpace();
      members.set(String(name), { nameOffset, value: this.#value(depth + 1) });
      this.#skipComma();
    }
    this.#at++;
    return { offset, members };
  }

  #list(depth: number): OffsetNode {
    const offset = this.#at++;
    const items: OffsetNode[] = [];
    for (this.#skipSpace(); this.#text.charAt(this.#at) !== "]" && !this.#ended(); this.#skipSpace()) {
      items.push(this.#value(depth + 1));
      this.#skipComma();
    }
    this.#at++;
    return { offset, items };
  }

  #skipComma(): void {
    this.#skipSpace();
    if (this.#text.charAt(this.#at) === ",") this.#at++;
  }

  #skipContainer(): OffsetNode {
    const offset = this.#at;
    let open = 0;
    do {
      this.#skipSpace();
      const c = this.#text.charAt(this.#at);
      if (c === "{" || c === "[") open++;
      if (c === "}" || c === "]") open--;
      if (c === '"') this.#skipScalar();
      else this.#at++;
    } while (open > 0 && !this.#ended());
    return { offset };
  }

  #skipScalar(): void {
    if (this.#text.charAt(this.#at) === '"') {
      this.#at = closingQuoteOffset(this.#text, this.#at) + 1;
      return;
    }
    while (!this.#ended() && !" \t\r\n,:]}/".includes(this.#text.charAt(this.#at))) this.#at++;
  }

  #skipSpace(): void {
    for (;;) {
      while (!this.#ended() && " \t\r\n".includes(this.#text.charAt(this.#at))) this.#at++;
      const start = this.#at;
      if (this.#text.startsWith("//", start)) this.#at = this.#after("\n", start);
      else if (this.#text.startsWith("/*", start)) this.#at = this.#after("*/", start + 2);
      else return;
    }
  }

  #after(mark: string, from: number): number {
    const found = this.#text.indexOf(mark, from);
    return found < 0 ? this.#text.length : found + mark.length;
  }

  #ended(): boolean {
    return this.#at >= this.#text.length;
  }
}

/** The positions of the values in a JSON text with comments, which must be valid. */
export function jsonOffsetTrees(text: string): readonly OffsetNode[] {
  return new JsonPositions(text).roots();
}
