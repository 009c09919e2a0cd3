/** The unreserved characters of RFC 3986: safe in URLs, in Basic credentials and, except for a ~ at the start, in a shell. */
export const SECRET_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

/** Length of a generated secret: 26 characters of 66 are 157 bits, although there are only 62 for the first one. */
export const DEFAULT_SECRET_LENGTH = 26;

/** The server rejects shorter secrets. */
export const MIN_SECRET_LENGTH = 6;

/** bcrypt, with which the server stores the secret, ignores any further bytes. */
export const MAX_BCRYPT_BYTES = 72;

/**
 * Generates a client secret from unreserved characters, each equally likely; the first one is a letter or a digit.
 *
 * @param random returns a number of random bytes; bytes beyond the last whole multiple of the alphabet are drawn again.
 */
export function generateSecret(random: (count: number) => Uint8Array, length = DEFAULT_SECRET_LENGTH): string {
  const limit = 256 - (256 % SECRET_ALPHABET.length);
  let secret = "";
  while (secret.length < length) {
    for (const byte of random(length * 2)) {
      if (byte >= limit || secret.length >= length) continue;
      const letter = SECRET_ALPHABET[byte % SECRET_ALPHABET.length] ?? "";
      // A shell replaces a ~ at the start, and a - there is read as a flag. Quotes do not help: docker --env-file keeps them.
      if (secret !== "" || /[A-Za-z0-9]/.test(letter)) secret += letter;
    }
  }
  return secret;
}
