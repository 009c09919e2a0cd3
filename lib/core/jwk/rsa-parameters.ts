import { fromBase64, toBase64, toHex } from "../bytes.ts";
import { trimCharactersAtEnd } from "../text.ts";
import type { JsonWebKey } from "./json-web-key.ts";

function parseBase64UrlUInt(text: unknown): bigint | undefined {
  const bytes = typeof text === "string" ? fromBase64(text) : undefined;
  if (bytes === undefined || bytes.length === 0) return undefined;
  return BigInt(`0x${toHex(bytes)}`);
}

function formatBase64UrlUInt(value: bigint): string {
  const digits = value.toString(16);
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  const bytes = Uint8Array.from(even.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return trimCharactersAtEnd(toBase64(bytes), "=").replaceAll("+", "-").replaceAll("/", "_");
}

/** The inverse of a number modulo a prime, by the extended Euclidean algorithm. */
function modularInverse(value: bigint, modulus: bigint): bigint {
  let [previous, current] = [modulus, value % modulus];
  let [before, coefficient] = [0n, 1n];
  while (current !== 0n) {
    const quotient = previous / current;
    [previous, current] = [current, previous - quotient * current];
    [before, coefficient] = [coefficient, before - quotient * coefficient];
  }
  return ((before % modulus) + modulus) % modulus;
}

/** The bits of the shortest modulus that may sign (RFC 7518, 3.3) or encrypt (4.2). */
export const LEAST_RSA_BITS = 2048;

/** The bits of the modulus of an RSA key; undefined for any other key, and for a modulus that can't be read. */
export function modulusBits({ kty, n }: JsonWebKey): number | undefined {
  return kty === "RSA" ? parseBase64UrlUInt(n)?.toString(2).length : undefined;
}

/** Bits of the longest modulus that is checked. */
const LONGEST_MODULUS = 16_384n;

/** What is wrong with a private RSA key whose members don't belong together (RFC 8017, 3.2). */
export type RsaInconsistency = "missing" | "modulus" | "exponent" | "crt-exponent" | "crt-coefficient";

/** The first fault of the members of a private RSA key; undefined if they belong together, and for any other key. */
export function findRsaInconsistency(key: Readonly<Record<string, unknown>>): RsaInconsistency | undefined {
  if (key["kty"] !== "RSA" || key["d"] === undefined) return undefined;
  const [n, e, d] = [parseBase64UrlUInt(key["n"]), parseBase64UrlUInt(key["e"]), parseBase64UrlUInt(key["d"])];
  const [p = 0n, q = 0n] = [parseBase64UrlUInt(key["p"]), parseBase64UrlUInt(key["q"])];
  if (n === undefined || e === undefined || d === undefined || p < 3n || q < 3n) return "missing";
  // Arithmetic with longer numbers would take too long.
  if (n >> LONGEST_MODULUS > 0n) return "missing";
  if (p * q !== n) return "modulus";
  if ([p, q].some((prime) => (d * e) % (prime - 1n) !== 1n)) return "exponent";
  const differs = (name: string, value: bigint): boolean =>
    key[name] !== undefined && parseBase64UrlUInt(key[name]) !== value;
  if (differs("dp", d % (p - 1n)) || differs("dq", d % (q - 1n))) return "crt-exponent";
  return differs("qi", modularInverse(q, p)) ? "crt-coefficient" : undefined;
}

/**
 * A private RSA key with the members of the Chinese remainder theorem (RFC 7518, 6.3.2), which Hydra 1.8 leaves out and
 * most libraries require. Any other key stays as it is.
 */
export function withCrtMembersFromPrimes(key: JsonWebKey): JsonWebKey {
  const [d, p, q] = [parseBase64UrlUInt(key["d"]), parseBase64UrlUInt(key["p"]), parseBase64UrlUInt(key["q"])];
  const hasAll = key["dp"] !== undefined && key["dq"] !== undefined && key["qi"] !== undefined;
  if (key.kty !== "RSA" || hasAll || d === undefined || p === undefined || q === undefined) return key;
  // A damaged key is rejected by whatever reads it next.
  if (p < 3n || q < 3n) return key;
  return {
    ...key,
    dp: formatBase64UrlUInt(d % (p - 1n)),
    dq: formatBase64UrlUInt(d % (q - 1n)),
    qi: formatBase64UrlUInt(modularInverse(q, p)),
  };
}
