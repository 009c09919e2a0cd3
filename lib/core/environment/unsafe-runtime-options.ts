import { type Problem, usageError } from "../problem.ts";

/** Options of the runtime that run other code, open a debugger, or write the heap, including secrets, to a file. */
const UNSAFE_OPTION_PATTERN = /(?:^|\s)(?:--(?:inspect|preload|require|import|config|heap-prof)[^\s=]*|-r)/;

/**
 * Why the program must not start with the runtime's environment variables, or undefined. A variable is dangerous if it
 * gives others access to the memory or control of the process. Those that only tune the runtime or write to stderr aren't.
 */
export function findUnsafeRuntimeProblem(environment: (name: string) => string | undefined): Problem | undefined {
  if ((environment("BUN_INSPECT") ?? "") !== "") {
    return unsafeVariableProblem("BUN_INSPECT", "it opens a debugger that can read every secret");
  }
  const given = environment("BUN_OPTIONS") ?? "";
  if (given !== "" && (environment("BUN_INSPECT_PRELOAD") ?? "") !== "") {
    return unsafeVariableProblem("BUN_INSPECT_PRELOAD", "together with any BUN_OPTIONS, it runs other code first");
  }
  // The runtime accepts quotes and backslashes around options, so they must not hide one.
  const options = given.replace(/["'\\]/g, "");
  const [found] = UNSAFE_OPTION_PATTERN.exec(options) ?? [];
  return found === undefined
    ? undefined
    : unsafeVariableProblem("BUN_OPTIONS", `its option ${found.trim()} can run other code or expose secrets`);
}

function unsafeVariableProblem(name: string, reason: string): Problem {
  return usageError(
    `Refusing to start with ${name} set: ${reason}`,
    `unset ${name} and run the command again`,
    "unsafe-runtime",
  );
}
