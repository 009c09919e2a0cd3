import { isTooDeep, MAX_DEPTH, TOO_DEEP_CODE, takesMoreBytesThan } from "../../core/json/json.ts";
import { type Problem, usageError } from "../../core/problem.ts";

/** The largest client that is accepted from a file or a flag: 1 MiB. */
const CLIENT_BYTES = 1024 * 1024;

/** The problem of a text with one client, or one field of it, that is too large. */
export function findTextSizeProblem(text: string, location: string): Problem | undefined {
  return takesMoreBytesThan(text, CLIENT_BYTES) ? clientTooLargeProblem(location) : undefined;
}

/** The problem of a client that is too large or too deep to be sent. */
export function findClientBoundsProblem(client: unknown, location: string): Problem | undefined {
  // The size first: a value that YAML aliases repeat may be too large to be walked through.
  if (takesMoreBytesThan(client, CLIENT_BYTES)) return clientTooLargeProblem(location);
  if (!isTooDeep(client)) return undefined;
  return usageError(
    `${location} nests more than ${MAX_DEPTH} levels deep`,
    "store such data outside the client",
    TOO_DEEP_CODE,
  );
}

function clientTooLargeProblem(location: string): Problem {
  return usageError(`${location} is larger than 1 MiB`, "store such data outside the client", "too-large");
}
