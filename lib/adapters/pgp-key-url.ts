import type { Download } from "../core/network.ts";
import { findKeyUrlProblem, type KeyFlagOrArgument, plainHttpProblem } from "../core/pgp/key-address-checks.ts";
import { failedKeyDownloadProblem, MAX_KEY_BYTES } from "../core/pgp/key-download-checks.ts";
import { findKeylessAnswerReason, looksLikeWebPage } from "../core/pgp/keyless-answer.ts";
import { Problem, type ProblemCode } from "../core/problem.ts";
import { urlWithoutSecrets } from "../core/redact.ts";
import { escapeControls, quote } from "../core/text.ts";
import { mayFetchPgpKeyFrom } from "../core/url-checks.ts";

/** A key from a URL. */
interface FetchedKey {
  /** The bytes as received: armored, binary or base64. */
  readonly material: Uint8Array;
  /** The URL that they came from after redirects. */
  readonly url: string;
}

/**
 * Fetches a key of at most 1 MiB from the URL in a flag.
 *
 * `pinned` says that the fingerprint of the key is known. Throws a usage Problem for a URL that may not be used, one with
 * exit `noUsableKey` for a response without a key, and one with `unreachable` without a response.
 */
export async function fetchPgpKeyFromUrl(
  text: string,
  download: Download,
  pinned: boolean,
  origin: KeyFlagOrArgument = { name: "--pgp-key-url", isFlag: true },
): Promise<FetchedKey> {
  const { name } = origin;
  const wrong = findKeyUrlProblem(text, pinned, origin);
  if (wrong !== undefined) throw wrong;
  const answer = await download(new URL(text).href, {
    what: `the key of ${name}`,
    maxBytes: MAX_KEY_BYTES,
    allowPlainHttp: pinned,
  });
  if (!mayFetchPgpKeyFrom(new URL(answer.url), pinned)) {
    throw plainHttpProblem(`Cannot use the key of ${name} ${quote(urlWithoutSecrets(text))}`, answer.url, origin);
  }
  if (answer.status !== 200) {
    throw failedKeyDownloadProblem(
      `Cannot fetch the key of ${name}`,
      answer,
      "key-url-status",
      "open the URL in a browser, and use the one that shows the key itself",
    );
  }
  const unusable = (reason: string, code: ProblemCode, hint: string): Problem =>
    new Problem(`Cannot use the key of ${name}: ${escapeControls(urlWithoutSecrets(answer.url))}${reason}`, {
      code,
      exit: "noUsableKey",
      hint,
    });
  const document = new TextDecoder().decode(answer.bytes);
  if (looksLikeWebPage(document) && !document.includes("-----BEGIN PGP ")) {
    const hint = "use the URL of the key file itself, such as the raw view in a repository";
    throw unusable(" is a web page, not a key", "key-url-web-page", hint);
  }
  const absent = findKeylessAnswerReason(document);
  if (absent !== undefined) {
    const hint = "ask the owner for the key, or get it from another place and pass it as @FILE";
    throw unusable(`: ${absent}`, "key-url-no-key", hint);
  }
  return { material: answer.bytes, url: answer.url };
}
