import { type Problem, usageError } from "../problem.ts";
import { quote } from "../text.ts";

/**
 * What is wrong with a client's id, or undefined. In the path of a request an empty id, `.` and `..` would mean the
 * collection or what is above it, escaped or not (RFC 3986, 6.2.2.3).
 */
export function badId(id: string): Problem | undefined {
  if (id !== "" && id !== "." && id !== "..") return undefined;
  return usageError(`${quote(id)} is no id of a client`, "hydra clients list -q shows the ids", "bad-id");
}
