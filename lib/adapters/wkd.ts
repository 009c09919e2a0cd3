import { webcrypto } from "node:crypto";
import { mailParts } from "../core/keys/key-source.ts";
import { MAX_KEY_BYTES, refusedAnswer } from "../core/keys/recipient.ts";
import type { Download } from "../core/network.ts";
import { Problem } from "../core/problem.ts";
import { quote } from "../core/text.ts";

/** What a Web Key Directory gave for a mail address. */
export interface WkdKey {
  /** The key or keys in binary form. */
  readonly material: Uint8Array;
  /** The mail address that one of the key's user IDs has to have. */
  readonly address: string;
  readonly url: string;
}

/** Alphabet of z-base-32 (RFC 6189 section 5.1.6). */
const ZBASE32 = "ybndrfg8ejkmcpqxot1uwisza345h769";

/** Bytes in z-base-32, five bits a digit from the left. */
function zbase32(bytes: Uint8Array): string {
  let digits = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) digits += ZBASE32[(held >> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? digits : digits + ZBASE32[(held << (5 - bits)) & 31];
}

/** The two addresses that a Web Key Directory has for a mail address. */
export interface WkdUrls {
  readonly advanced: string;
  readonly direct: string;
}

/**
 * The addresses of a key in a Web Key Directory (draft-koch-openpgp-webkey-service section 3.1).
 *
 * The user's part is hashed with its ASCII capitals made small, and also sent as it is.
 */
export async function wkdUrls(address: string): Promise<WkdUrls> {
  const parts = mailParts(address);
  if (parts instanceof Error) throw parts;
  const { local, domain } = parts;
  const small = local.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const digest = await webcrypto.subtle.digest("SHA-1", new TextEncoder().encode(small));
  const file = `hu/${zbase32(new Uint8Array(digest))}?l=${encodeURIComponent(local)}`;
  return {
    advanced: `https://openpgpkey.${domain}/.well-known/openpgpkey/${domain}/${file}`,
    direct: `https://${domain}/.well-known/openpgpkey/${file}`,
  };
}

/** The failure of an attempt, when it means that nothing answered there. */
function outOfReach(error: unknown): Problem | undefined {
  return error instanceof Problem && error.exit === "unreachable" ? error : undefined;
}

/**
 * Looks up the key of a mail address in the Web Key Directory of its domain, the advanced method first.
 *
 * The direct method is tried only where the host of the advanced one is out of reach, usually because it does not exist:
 * a directory that answers has the last word. Throws a `Problem` with code `wkd-no-key` where it has no key, and with
 * exit `unreachable` where neither host answers.
 */
export async function wkdKey(address: string, download: Download): Promise<WkdKey> {
  const urls = await wkdUrls(address);
  const options = { what: `the key of ${quote(address)}`, maxBytes: MAX_KEY_BYTES };
  const attempt = async (url: string): Promise<WkdKey> => {
    const answer = await download(url, options);
    if (answer.status === 200) return { material: answer.bytes, address, url: answer.url };
    const message = `Cannot find a key for ${quote(address)} in the Web Key Directory of its domain`;
    throw refusedAnswer(message, answer, "wkd-no-key", "ask its owner for the key itself and give it with --pgp-key");
  };
  try {
    return await attempt(urls.advanced);
  } catch (error) {
    const first = outOfReach(error);
    if (first === undefined || first.status !== undefined) throw error;
    return await attempt(urls.direct).catch((second: unknown) => {
      throw bothOf(first, second);
    });
  }
}

/** The second failure, with the first one told beside it. */
function bothOf(first: Problem, second: unknown): unknown {
  if (outOfReach(second) === undefined || !(second instanceof Problem)) return second;
  const { code, exit, hint, status, request } = second;
  return new Problem(second.message, {
    code,
    exit,
    ...(hint === undefined ? {} : { hint }),
    ...(status === undefined ? {} : { status }),
    ...(request === undefined ? {} : { request }),
    details: [first.message],
    cause: second,
  });
}
