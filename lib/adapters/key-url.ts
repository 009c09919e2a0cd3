import { keyAddressProblem, plainHttp } from "../core/keys/key-source.ts";
import { MAX_KEY_BYTES, refusedAnswer } from "../core/keys/recipient.ts";
import type { Download } from "../core/network.ts";
import { Problem } from "../core/problem.ts";
import { redactUrl } from "../core/redact.ts";
import { escapeControls, quote } from "../core/text.ts";
import { isWebPage, mayFetchKey } from "../core/url.ts";

/** What a key address gave. */
export interface FetchedKey {
  /** The bytes as they came: armored, binary or base64. */
  readonly material: Uint8Array;
  /** The address that they came from after redirects. */
  readonly url: string;
}

/**
 * Fetches a key from the address that a person gave, at most 1 MiB of it.
 *
 * `pinned` says that the fingerprint of the key is known. Throws a usage problem for an address that may not be used, a
 * `Problem` with exit `noUsableKey` for an answer without a key, and with `unreachable` where nothing answered.
 */
export async function keyFromUrl(
  address: string,
  download: Download,
  pinned: boolean,
  name = "--pgp-key-url",
): Promise<FetchedKey> {
  const wrong = keyAddressProblem(address, pinned, name);
  if (wrong !== undefined) throw wrong;
  const answer = await download(new URL(address).href, {
    what: `the key of ${name}`,
    maxBytes: MAX_KEY_BYTES,
    allowPlainHttp: pinned,
  });
  if (!mayFetchKey(new URL(answer.url), pinned)) {
    throw plainHttp(`Cannot use the key of ${name} ${quote(redactUrl(address))}`, answer.url, name);
  }
  if (answer.status !== 200) {
    throw refusedAnswer(
      `Cannot fetch the key of ${name}`,
      answer,
      "key-url-status",
      "open the address in a browser, and give the one that shows the key itself",
    );
  }
  const text = new TextDecoder().decode(answer.bytes);
  if (isWebPage(text) && !text.includes("-----BEGIN PGP ")) {
    throw new Problem(
      `Cannot use the key of ${name}: ${escapeControls(redactUrl(answer.url))} is a web page, not a key`,
      {
        code: "key-url-web-page",
        exit: "noUsableKey",
        hint: "give the address of the key file itself, such as the raw view of a repository",
      },
    );
  }
  return { material: answer.bytes, url: answer.url };
}
