import { isPathSegment } from "../path-segment.ts";
import { type Problem, usageError } from "../problem.ts";
import { quote } from "../text.ts";

/** What is wrong with a client ID, or undefined. */
export function clientIdProblem(id: string): Problem | undefined {
  if (isPathSegment(id)) return undefined;
  return usageError(`${quote(id)} is not a valid client ID`, "list client IDs: hydra clients list -q", "bad-id");
}
