import type { Context } from "../command.ts";
import type { BoolFlag } from "../core/flags/flag.ts";
import { Problem } from "../core/problem.ts";

/** `--yes`, which answers the question of a command. */
export function confirmationFlag(help: string): BoolFlag {
  return { kind: "switch", name: "yes", short: "y", group: "input", help };
}

/** A question before a change that cannot be undone. */
interface Question {
  readonly text: string;
  /** What a message says if it is not answered with yes. */
  readonly declined: string;
  /** Where the answer comes from: standard input, or the terminal if that holds something else. */
  readonly from: "stdin" | "terminal";
}

/** Asks for confirmation; throws unless the answer is yes. */
export async function requireConfirmation(
  { host }: Pick<Context, "host">,
  { text, declined, from }: Question,
): Promise<void> {
  const question = `${text} [y/N] `;
  const answer = from === "stdin" ? await host.ask(question, false) : await host.askOnControllingTerminal(question);
  if (answer === "no-terminal") throw notConfirmedProblem(`${declined}: there is no terminal to ask on`, "use --yes");
  if (!/^y(es)?$/i.test((answer ?? "").trim())) throw notConfirmedProblem(declined, "answer y, or use --yes");
}

/** The problem of a change that was not confirmed. */
export function notConfirmedProblem(message: string, hint: string): Problem {
  return new Problem(message, { code: "not-confirmed", hint });
}
