import { type Problem, usageError } from "./problem.ts";
import { quote } from "./text.ts";

/**
 * Whether a text can be a segment of a URL's path. An empty one, `.` and `..` would mean the collection or its parent, escaped
 * or not (RFC 3986, 6.2.2.3), and half of a surrogate pair has no UTF-8.
 */
function isPathSegment(text: string): boolean {
  return text !== "" && text !== "." && text !== ".." && text.isWellFormed();
}

/** Why and how a server that chooses client IDs rejects others. */
export const CHOSEN_ID_REFUSED = {
  reason: "this server does not accept a chosen client ID",
  code: "id-refused",
  hint: "Hydra 2.0 and 2.1 generate the ID: omit --id (in a file, client_id), or upgrade the server to 2.2 or newer",
} as const;

/** What is wrong with a client ID, or undefined. */
export function findClientIdProblem(id: string): Problem | undefined {
  if (isPathSegment(id)) return undefined;
  return usageError(`${quote(id)} is not a valid client ID`, "list client IDs: hydra clients list -q", "bad-id");
}

/** What is wrong with some client IDs. */
export function clientIdProblems(ids: readonly string[]): readonly Problem[] {
  return ids.flatMap((id) => findClientIdProblem(id) ?? []);
}

/** What is wrong with a key ID, or undefined. In a URL, `.` would mean the whole set instead of one key. */
export function findKeyIdProblem(kid: string): Problem | undefined {
  if (isPathSegment(kid)) return undefined;
  return usageError(
    `${quote(kid)} is not a valid key ID`,
    "use letters, digits, dots and -, such as key-1",
    "bad-key-id",
  );
}

/** What is wrong with the name of a key set, or undefined. Up to 2.3, no server finds a set with a slash again. */
export function findKeySetNameProblem(set: string): Problem | undefined {
  if (isPathSegment(set) && !set.includes("/")) return undefined;
  return usageError(
    `${quote(set)} is not a valid name for a key set`,
    "use letters, digits, dots and -, such as hydra.openid.id-token",
    "bad-key-set-name",
  );
}
