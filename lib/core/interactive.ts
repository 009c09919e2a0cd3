/** What decides whether a person can be asked. */
interface InteractiveSources {
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

/** Whether a person is there to answer: never in a pipe, in CI, or with `--no-input`. */
export function canAsk(host: InteractiveSources, noInput: boolean): boolean {
  if (noInput || !host.stdinIsTerminal || !host.stdout.isTerminal || !host.stderr.isTerminal) return false;
  return !isCi(host.environment) && host.environment("TERM") !== "dumb";
}
