import { FILE_DEPTH, isLargerThan, isTooDeep, MAX_DEPTH, TOO_DEEP_CODE } from "../core/json.ts";
import { isJsonText, readJsonFile } from "../core/jsontext.ts";
import { type Problem, usage } from "../core/problem.ts";
import type { Context } from "./command.ts";

/** The most bytes of one client in what a person hands over: 1 MiB. */
const CLIENT_BYTES = 1024 * 1024;

/**
 * The values in a file of clients: JSON, one value or several after each other, with comments; or the documents of YAML.
 * A text that begins as JSON is JSON, and does not become YAML by a mistake in it.
 */
export async function readValues(context: Context, text: string, name: string): Promise<readonly unknown[]> {
  return isJsonText(text, name) ? readJsonFile(text, name, FILE_DEPTH) : context.parseYaml(text, name);
}

/** What is wrong with a text that holds one client, or one field of it, by its size. */
export function textProblem(text: string, place: string): Problem | undefined {
  return isLargerThan(text, CLIENT_BYTES) ? tooLarge(place) : undefined;
}

/** What is wrong with a client by its size or its depth; undefined where a request may carry it. */
export function clientProblem(client: unknown, place: string): Problem | undefined {
  // Sizes first: a value that YAML aliases repeat may be too large to be walked through.
  if (isLargerThan(client, CLIENT_BYTES)) return tooLarge(place);
  if (!isTooDeep(client)) return undefined;
  return usage(`${place} nests more than ${MAX_DEPTH} levels deep`, "keep such data elsewhere", TOO_DEEP_CODE);
}

function tooLarge(place: string): Problem {
  return usage(`${place} is larger than 1 MiB`, "keep such data elsewhere", "too-large");
}
