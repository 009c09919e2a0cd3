import { type Problem, usageError } from "./problem.ts";

/** Options of the runtime that run other code, open a debugger, or write the heap and the secrets in it to a file. */
const DANGEROUS_OPTION = /(?:^|\s)(?:--(?:inspect|preload|require|import|config|heap-prof)[^\s=]*|-r)/;

/**
 * Why the program must not start with these variables of its runtime, or undefined. A variable is dangerous if it gives
 * others the memory or the control of the process; those that only tune the runtime or write to stderr are not.
 */
export function runtimeProblem(environment: (name: string) => string | undefined): Problem | undefined {
  if ((environment("BUN_INSPECT") ?? "") !== "") {
    return refusal("BUN_INSPECT", "it opens a debugger that can read every secret");
  }
  // Quotes and backslashes are the runtime's own way to spell an option, so they are not allowed to hide one.
  const options = (environment("BUN_OPTIONS") ?? "").replace(/["'\\]/g, "");
  const [found] = DANGEROUS_OPTION.exec(options) ?? [];
  return found === undefined
    ? undefined
    : refusal("BUN_OPTIONS", `its option ${found.trim()} can run other code or expose secrets`);
}

function refusal(name: string, reason: string): Problem {
  return usageError(
    `Refusing to start with ${name} set: ${reason}`,
    `unset ${name} and run the command again`,
    "unsafe-runtime",
  );
}
