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

/** A node whose members or items are still being read. */
interface UnfinishedNode {
  readonly offset: number;
  readonly members?: Map<string, { readonly nameOffset: number; readonly value: OffsetNode }>;
  readonly items?: OffsetNode[];
}

function nodeAt(offset: number, start: string): UnfinishedNode {
  if (start === "{") return { offset, members: new Map() };
  return start === "[" ? { offset, items: [] } : { offset };
}

/** The offset after a mark; the end of the text if there is none. */
function offsetAfter(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found + mark.length;
}

/** The offset after what begins at an offset: a comment, a string, a number or word, or a single character. */
function endOfJsonToken(text: string, at: number): number {
  const start = text.charAt(at);
  if (start === '"') return closingQuoteOffset(text, at) + 1;
  if (start === "/") return text.charAt(at + 1) === "*" ? offsetAfter(text, "*/", at + 2) : offsetAfter(text, "\n", at);
  if (" \t\r\n,:{}[]".includes(start)) return at + 1;
  let end = at + 1;
  while (end < text.length && !" \t\r\n,:]}/".includes(text.charAt(end))) end++;
  return end;
}

/** The positions of the values in a JSON text with comments, which must be valid. */
export function jsonOffsetTrees(text: string): readonly OffsetNode[] {
  const roots: OffsetNode[] = [];
  const open: UnfinishedNode[] = [];
  let name: { readonly text: string; readonly offset: number } | undefined;
  for (let at = 0, end = 0; at < text.length; at = end) {
    end = endOfJsonToken(text, at);
    const start = text.charAt(at);
    if ("}]".includes(start)) open.pop();
    if (" \t\r\n,:/}]".includes(start)) continue;
    const { members, items = roots } = open.at(-1) ?? {};
    if (members !== undefined && name === undefined) {
      name = { text: String(JSON.parse(text.slice(at, end))), offset: at };
      continue;
    }
    const node = nodeAt(at, start);
    // What is in one that is too deep is read, but not recorded.
    const value = open.length < POSITION_DEPTH ? node : { offset: at };
    if (name === undefined) items.push(value);
    else members?.set(name.text, { nameOffset: name.offset, value });
    name = undefined;
    if ("{[".includes(start)) open.push(node);
  }
  return roots;
}
