import type { Document } from "yaml";
import { type OffsetNode, POSITION_DEPTH } from "../../core/state/positions.ts";

function offsetOf(node: unknown): number {
  const range = typeof node === "object" && node !== null && "range" in node ? node.range : undefined;
  const first: unknown = Array.isArray(range) ? range[0] : undefined;
  return typeof first === "number" ? first : 0;
}

/** Creates the reader of the positions in a document. Aliases are not followed: they could repeat a value endlessly. */
export function createOffsetTreeReader({
  isMap,
  isScalar,
  isSeq,
}: Pick<typeof import("yaml"), "isMap" | "isScalar" | "isSeq">): (document: Document.Parsed) => OffsetNode {
  const nodeAt = (node: unknown, depth: number): OffsetNode => {
    const offset = offsetOf(node);
    if (depth > POSITION_DEPTH) return { offset };
    if (isSeq(node)) return { offset, items: node.items.map((item) => nodeAt(item, depth + 1)) };
    if (!isMap(node)) return { offset };
    const members = node.items.flatMap(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : undefined;
      const member = { nameOffset: offsetOf(key), value: nodeAt(value ?? key, depth + 1) };
      return name === undefined ? [] : [[name, member] as const];
    });
    return { offset, members: new Map(members) };
  };
  return (document) => nodeAt(document.contents, 1);
}
