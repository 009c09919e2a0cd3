import { webcrypto } from "node:crypto";
import type { Download } from "../core/network.ts";
import { splitMailAddressOrProblem } from "../core/pgp/key-address-checks.ts";
import { failedKeyDownloadProblem, MAX_KEY_BYTES } from "../core/pgp/key-download-checks.ts";
import { Problem, withMessage } from "../core/problem.ts";
import { quote } from "../core/text.ts";

/** A key from a Web Key Directory. */
interface WkdKey {
  /** The key or keys in binary form. */
  readonly material: Uint8Array;
  /** The email address that one of the key's user IDs must have. */
  readonly address: string;
  readonly url: string;
}

/** Alphabet of z-base-32 (RFC 6189 section 5.1.6). */
const ZBASE32 = "ybndrfg8ejkmcpqxot1uwisza345h769";

/** Bytes in z-base-32: five bits per digit, from the left. */
function zbase32(bytes: Uint8Array): string {
  let digits = "";
  let bits = 0;
  let buffer = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) digits += ZBASE32[(buffer >> (bits - 5)) & 31];
    buffer &= (1 << bits) - 1;
  }
  return bits === 0 ? digits : digits + ZBASE32[(buffer << (5 - bits)) & 31];
}

/**
 * The two URLs that a key may have in a Web Key Directory (draft-koch-openpgp-webkey-service section 3.1).
 *
 * The local part is hashed with ASCII letters in lower case, and also sent unchanged.
 */
export async function wkdUrls(address: string) {
  const parts = splitMailAddressOrProblem(address);
  if (parts instanceof Error) throw parts;
  const { local, domain } = parts;
  const lowerCased = local.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const digest = await webcrypto.subtle.digest("SHA-1", new TextEncoder().encode(lowerCased));
  const file = `hu/${zbase32(new Uint8Array(digest))}?l=${encodeURIComponent(local)}`;
  return {
    advanced: `https://openpgpkey.${domain}/.well-known/openpgpkey/${domain}/${file}`,
    direct: `https://${domain}/.well-known/openpgpkey/${file}`,
  };
}

/** The failure of an attempt, if it means that nothing answered there. */
function asUnreachableProblem(error: unknown): Problem | undefined {
  return error instanceof Problem && error.exit === "unreachable" ? error : undefined;
}

/**
 * Looks up the key of an email address in the Web Key Directory of its domain, with the advanced method first.
 *
 * The direct method is only tried if the host of the advanced one is unreachable, usually because it doesn't exist. Throws
 * a `Problem` with code `wkd-no-key` if the directory has no key, and with exit `unreachable` if neither host answers.
 */
export async function fetchWkdKey(address: string, download: Download): Promise<WkdKey> {
  const urls = await wkdUrls(address);
  const options = { what: `the key of ${quote(address)}`, maxBytes: MAX_KEY_BYTES };
  const attempt = async (url: string): Promise<WkdKey> => {
    const answer = await download(url, options);
    if (answer.status === 200) return { material: answer.bytes, address, url: answer.url };
    throw failedKeyDownloadProblem(
      `Cannot find a key for ${quote(address)} in the Web Key Directory of its domain`,
      answer,
      "wkd-no-key",
      "ask its owner for the key itself and pass it with --pgp-key",
    );
  };
  try {
    return await attempt(urls.advanced);
  } catch (error) {
    const first = asUnreachableProblem(error);
    if (first === undefined || first.status !== undefined) throw error;
    return await attempt(urls.direct).catch((error: unknown) => {
      const second = asUnreachableProblem(error);
      throw second === undefined ? error : withMessage(second, second.message, { details: [first.message] });
    });
  }
}
