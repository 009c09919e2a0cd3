import { quotedOperandAndFlagText } from "../core/output/shell-quote.ts";
import { Problem } from "../core/problem.ts";
import { quote } from "../core/text.ts";

/** The problem of a key that is not in its set. */
export function noSuchKeyProblem(set: string, kid: string): Problem {
  return new Problem(`Key ${quote(kid)} is not in key set ${quote(set)}`, {
    code: "not-found",
    exit: "notFound",
    hint: `show the IDs of its keys: hydra keys get ${quotedOperandAndFlagText(set, "--quiet")}`,
  });
}
