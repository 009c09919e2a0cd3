import { type Problem, usageError } from "../problem.ts";
import { quote } from "../text.ts";

/**
 * What is wrong with a client ID, or undefined. In the path of a request an empty ID, `.` and `..` would mean the collection
 * or its parent, escaped or not (RFC 3986, 6.2.2.3).
 */
export function clientIdProblem(id: string): Problem | undefined {
  if (id !== "" && id !== "." && id !== "..") return undefined;
  return usageError(`${quote(id)} is not a valid client ID`, "list client IDs: hydra clients list -q", "bad-id");
}
