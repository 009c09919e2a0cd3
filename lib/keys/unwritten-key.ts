import { commandWord, quotedOperandAndFlagText } from "../core/output/shell-quote.ts";
import { Problem, safeErrorReason } from "../core/problem.ts";
import { quote } from "../core/text.ts";

/** The problem of a key that was created, but could not be written. */
export function unwrittenKeyProblem(set: string, kid: string, reason: unknown): Problem {
  return new Problem(
    `Cannot write key ${quote(kid)}, which was created in set ${quote(set)}: ${safeErrorReason(reason)}`,
    {
      code: "undelivered",
      hint: `get it: hydra keys get ${quotedOperandAndFlagText(set, "--kid", commandWord(kid), "--private")}`,
      cause: reason,
    },
  );
}
