import { errorCode, errorMessage, type Problem, usageError } from "../../core/problem.ts";
import { escapeControls } from "../../core/text.ts";

/** The problem of a target that can't be written. */
export function unwritableTargetProblem(name: string, error: unknown): Problem {
  const reason = errorCode(error) === "ENOSPC" ? "the disk is full" : escapeControls(errorMessage(error));
  return usageError(`Cannot write ${name}: ${reason}`, "use a file on a disk with free space", "bad-secret-out");
}
