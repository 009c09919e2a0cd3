/** A header of armor (RFC 9580, section 6.2.2), `Version: GnuPG v2` or one of a later program. */
const ARMOR_HEADER_PATTERN = /^[A-Za-z][A-Za-z -]*:(?: |$)/;

/** Whether a line is a header of armor. */
export function isArmorHeader(line: string): boolean {
  return ARMOR_HEADER_PATTERN.test(line);
}

/** The lines around armor, cut as they may be when text is copied. */
const ARMOR_MARKER_PATTERN = /^-{2,}\s*(?:BEGIN|END) PGP [A-Z ]*-*$/;

/** A checksum (RFC 9580, section 6.1.1): four digits after an equals sign. */
const ARMOR_CHECKSUM_PATTERN = /^=[A-Za-z0-9+/]{4}$/;

const BASE64_PATTERN = /^[A-Za-z0-9+/_-]+={0,2}$/;

/**
 * The base64 of armor that lost its BEGIN and END lines: without headers, checksum, and what is left of those lines. Line
 * breaks may have become spaces or `\n` in letters. Undefined for a text that is something else, also for whole armor.
 */
export function base64OfMarkerlessArmor(text: string): string | undefined {
  const lines = text
    .replace(/\\r|\r/g, "")
    .replaceAll("\\n", "\n")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !ARMOR_MARKER_PATTERN.test(line) && !isArmorHeader(line));
  const words = lines.flatMap((line) => line.split(/\s+/));
  if (words.slice(0, -1).some((word) => ARMOR_CHECKSUM_PATTERN.test(word))) return undefined;
  const joined = joinWithoutChecksum(words);
  return BASE64_PATTERN.test(joined) ? joined : undefined;
}

/**
 * The lines or words of base64 as one, without their checksum. It may have lost the line break before it: what comes before
 * is whole, a multiple of four digits.
 */
export function joinWithoutChecksum(words: readonly string[]): string {
  const text = words.filter((word) => !ARMOR_CHECKSUM_PATTERN.test(word)).join("");
  const rest = text.slice(0, -5);
  return ARMOR_CHECKSUM_PATTERN.test(text.slice(-5)) && rest.length % 4 === 0 ? rest : text;
}
