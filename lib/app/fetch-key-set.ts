import type { Download } from "../core/network.ts";
import { Problem, withMessage } from "../core/problem.ts";
import { redactUrl } from "../core/redact.ts";
import { escapeControls } from "../core/text.ts";

/** The longest key set, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** Fetches the text of a public JSON Web Key Set (RFC 7517, 5), as `what` in messages. */
export async function fetchKeySetText(download: Download, url: string, what: string): Promise<string> {
  try {
    const { status, bytes, url: answered } = await download(url, { what, maxBytes: MAX_BYTES });
    if (status === 200) return new TextDecoder().decode(bytes);
    throw new Problem(`Cannot fetch ${what}: ${escapeControls(redactUrl(answered))} answered ${status}`, {
      code: "bad-key-set",
      exit: "failed",
      status,
      hint: "check the URL: Hydra's key set is at /.well-known/jwks.json on its public port",
    });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "plain-http") throw error;
    throw withMessage(error, error.message, { hint: "use https, or give a key set that you trust with --jwks FILE" });
  }
}
