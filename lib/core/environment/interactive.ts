/** What decides whether a person can be asked. */
interface TerminalsAndEnvironment {
  readonly stdinIsTerminal: boolean;
  readonly stdout: { readonly isTerminal: boolean };
  readonly stderr: { readonly isTerminal: boolean };
  environment(name: string): string | undefined;
}

/** Whether a CI job runs the program. */
export function isCi(environment: (name: string) => string | undefined): boolean {
  const ci = environment("CI") ?? "";
  return ci !== "" && ci !== "0" && ci.toLowerCase() !== "false";
}

/** Whether questions are allowed at all: never in CI, or with `--no-input`. */
export function allowsQuestions(host: Pick<TerminalsAndEnvironment, "environment">, noInput: boolean): boolean {
  return !noInput && !isCi(host.environment);
}

/** Whether a person can answer a question on standard error by standard input. */
export function canPrompt(host: Omit<TerminalsAndEnvironment, "stdout">, noInput: boolean): boolean {
  return host.stdinIsTerminal && host.stderr.isTerminal && allowsQuestions(host, noInput);
}

/** Whether a command can ask for what is missing: not if its result goes into a pipe or a file, or the terminal is dumb. */
export function canAskForMissingInput(host: TerminalsAndEnvironment, noInput: boolean): boolean {
  return canPrompt(host, noInput) && host.stdout.isTerminal && host.environment("TERM") !== "dumb";
}
