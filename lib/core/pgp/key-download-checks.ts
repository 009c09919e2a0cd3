import { Problem } from "../problem.ts";
import type { ProblemCode } from "../problem-codes.ts";
import { urlWithoutSecrets } from "../redact.ts";
import { escapeControls } from "../text.ts";

/** The maximum size of a downloaded key: 1 MiB. */
export const MAX_KEY_BYTES = 1_048_576;

/**
 * The problem for a response of a key server that is not a key. A busy or broken server counts as unreachable; any other
 * response means that there is no key.
 */
export function failedKeyDownloadProblem(
  message: string,
  answer: { readonly status: number; readonly url: string },
  code: ProblemCode,
  hint: string,
): Problem {
  const busy = answer.status === 429 || answer.status >= 500;
  return new Problem(`${message}: ${escapeControls(urlWithoutSecrets(answer.url))} answered ${answer.status}`, {
    code: busy ? "unreachable" : code,
    exit: busy ? "unreachable" : "noUsableKey",
    hint: busy ? "try again later" : hint,
    status: answer.status,
    request: { method: "GET", url: urlWithoutSecrets(answer.url) },
  });
}
