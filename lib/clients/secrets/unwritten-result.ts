import type { CommandResult, Context } from "../../command.ts";
import { quotedOperandAndFlagText } from "../../core/output/shell-quote.ts";
import { Problem, unwrittenResultProblem } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";

/** Throws if standard output was closed before the start, so that the result would be lost; `fileFlag` can take a secret instead. */
export function requireOpenOutput(
  context: Pick<Context, "host">,
  action: string,
  what: "the secret" | "its ID" | "the token",
  fileFlag = "secret-out",
): void {
  if (!context.host.stdoutWasClosed()) return;
  throw new Problem(`${action}: standard output is closed, so ${what} would be lost`, {
    code: "stdout-closed",
    hint: `run the command with standard output open${what === "the secret" ? `, or use --${fileFlag}` : ""}`,
  });
}

/**
 * The handler for the result of a client that was created or updated: if it can't be written, the problem names the
 * client's ID.
 */
export function unwrittenClientHandler(id: string, what: "created" | "updated"): Pick<CommandResult, "undelivered"> {
  return {
    undelivered: async (_, reason) =>
      unwrittenResultProblem(
        reason,
        `client ${quote(id)} was ${what}`,
        `show it: hydra clients get ${quotedOperandAndFlagText(id)}`,
      ),
  };
}
