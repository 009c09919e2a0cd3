/**
 * Whether a text can be a segment of a URL's path. An empty one, `.` and `..` would mean the collection or its parent, escaped
 * or not (RFC 3986, 6.2.2.3), and half of a surrogate pair has no UTF-8.
 */
export function isPathSegment(text: string): boolean {
  return text !== "" && text !== "." && text !== ".." && text.isWellFormed();
}
