import { quote } from "../text.ts";

/** The reference tokens of a JSON Pointer, unescaped; the empty list is the whole document. */
export type JsonPointer = readonly string[];

/** Escapes a reference token (RFC 6901, section 3). */
export function escapePointerToken(token: string): string {
  return token.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** Unescapes a reference token; a tilde that isn't an escape is left as it is. */
export function unescapePointerToken(token: string): string {
  return token.replaceAll("~1", "/").replaceAll("~0", "~");
}

/**
 * Reads a JSON Pointer in its string form (RFC 6901, section 3 and 4).
 *
 * Returns the unescaped tokens, or `{ error }` with the reason when the text is not a pointer.
 */
export function parsePointerOrError(text: string): JsonPointer | { readonly error: string } {
  if (text === "") return [];
  if (!text.startsWith("/")) return { error: "a JSON Pointer starts with a slash" };
  const stray = /~(?![01]).?/u.exec(text);
  if (stray !== null) return { error: `${quote(stray[0])} is not an escape: write ~0 for a tilde and ~1 for a slash` };
  return text.slice(1).split("/").map(unescapePointerToken);
}

/** The member of an object or the element of an array under a name, or undefined if there is none. */
export function getChild(value: unknown, name: string): unknown {
  if (Array.isArray(value)) {
    const elements: readonly unknown[] = value;
    return /^(?:0|[1-9][0-9]*)$/.test(name) ? elements[Number(name)] : undefined;
  }
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return Reflect.get(value, name);
}

/** The value that a pointer refers to (RFC 6901, section 4), or undefined if the document has none. */
export function resolvePointer(document: unknown, pointer: JsonPointer): unknown {
  return pointer.reduce(getChild, document);
}
