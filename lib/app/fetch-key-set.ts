import type { Download } from "../core/network.ts";
import { Problem, type ProblemCode, withMessage } from "../core/problem.ts";
import { urlWithoutSecrets } from "../core/redact.ts";
import { escapeControls } from "../core/text.ts";
import { answersAsAdminPort, HEALTH_PATH } from "../servers/port-checks.ts";
import { isBusyOrGatewayError } from "../servers/retry.ts";

/** Where Hydra's public port has its key set. */
const KEY_SET_PATH = "/.well-known/jwks.json";

/** The longest key set, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** What to do about the URL of a key set, where the hint of a download speaks of an OpenPGP key. */
const HINTS: ReadonlyMap<ProblemCode, string> = new Map<ProblemCode, string>([
  ["plain-http", "use https, or give a key set that you trust with --jwks FILE"],
  ["bad-address", "use a complete URL, such as https://host/.well-known/jwks.json"],
]);

/** Asks a server without a public key set whether it is Hydra's admin port. */
async function probeAdminPort(download: Download, keySetUrl: string, what: string): Promise<boolean> {
  if (!keySetUrl.endsWith(KEY_SET_PATH)) return false;
  return answersAsAdminPort(async () => {
    const health = `${keySetUrl.slice(0, -KEY_SET_PATH.length)}${HEALTH_PATH}`;
    const { status, bytes } = await download(health, { what, maxBytes: MAX_BYTES });
    return { status, text: new TextDecoder().decode(bytes) };
  });
}

/** Fetches the text of a public JSON Web Key Set (RFC 7517, 5), as `what` in messages. */
export async function fetchKeySetText(download: Download, url: string, what: string): Promise<string> {
  try {
    const { status, bytes, url: answered } = await download(url, { what, maxBytes: MAX_BYTES });
    if (status === 200) return new TextDecoder().decode(bytes);
    const reason = `Cannot fetch ${what}: ${escapeControls(urlWithoutSecrets(answered))} answered ${status}`;
    if (status === 404 && (await probeAdminPort(download, answered, what)))
      throw new Problem(`${reason}: this looks like Hydra's admin port`, {
        code: "admin-port",
        status,
        hint: "use the URL of the public port (4444 by default)",
      });
    if (isBusyOrGatewayError({ status }))
      throw new Problem(reason, { code: "busy", exit: "unreachable", status, hint: "try again later" });
    throw new Problem(reason, {
      code: "bad-key-set",
      status,
      hint: "check the URL: Hydra's key set is at /.well-known/jwks.json on its public port",
    });
  } catch (error) {
    const hint = error instanceof Problem ? HINTS.get(error.code) : undefined;
    if (!(error instanceof Problem) || hint === undefined) throw error;
    throw withMessage(error, error.message, { hint });
  }
}
