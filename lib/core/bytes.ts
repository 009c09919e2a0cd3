import { trimCharactersAtEnd } from "./text.ts";

/** Bytes as a binary string, one character for each byte: what `btoa` accepts and `atob` returns. */
function binaryString(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return binary;
}

/** Base64 of bytes on one line (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  return btoa(binaryString(bytes));
}

/** The bytes of base64 in the standard or the URL-safe alphabet, however wrapped; undefined if it is not base64. */
export function fromBase64(text: string): Uint8Array | undefined {
  const digits = trimCharactersAtEnd(text.replace(/\s+/g, "").replaceAll("-", "+").replaceAll("_", "/"), "=");
  if (digits === "" || digits.length % 4 === 1 || !/^[A-Za-z0-9+/]+$/.test(digits)) return undefined;
  return Uint8Array.from(atob(digits), (char) => char.charCodeAt(0));
}

/** Bytes in hexadecimal, lower case. */
export function toHex(bytes: ArrayLike<number>): string {
  let text = "";
  for (let at = 0; at < bytes.length; at++) text += (bytes[at] ?? 0).toString(16).padStart(2, "0");
  return text;
}

/** Several chunks as one; a single chunk is not copied. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) return first;
  const bytes = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** Whether text begins with the byte order mark of UTF-16, as PowerShell writes it. */
export function hasUtf16LeBom(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xfe;
}

/** Decodes text in UTF-8 or, with a byte order mark, UTF-16. */
export function decodeUtf8OrUtf16(bytes: Uint8Array): string {
  return new TextDecoder(hasUtf16LeBom(bytes) ? "utf-16le" : "utf-8").decode(bytes);
}
