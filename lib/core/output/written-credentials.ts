import { toBase64 } from "../bytes.ts";
import { isJsonObject, parseJsonOrUndefined, toPrintableJson } from "../json.ts";
import { shellQuoted } from "./shell-quote.ts";

/** The names of the entries in a file with the credentials of several clients; undefined if it is something else. */
export type ExistingEntryNames = ReadonlySet<string> | undefined;

/** A line of a file that {@link formatDotenv} wrote, and those that people add: a comment, an empty line. */
const DOTENV_LINE =
  /(?:#[^\n]*|([A-Za-z_]\w*)=(?:[A-Za-z0-9_./:@%+,=~-]|'[^']*'|\\'|"\$\(printf '[^'\n]*'\)")*)?(?:\n|$)/y;

/** The names of the variables in a dotenv file. */
export function dotenvNames(text: string): ExistingEntryNames {
  const names = new Set<string>();
  for (let at = 0; at < text.length; ) {
    DOTENV_LINE.lastIndex = at;
    const line = DOTENV_LINE.exec(text);
    if (line === null) return undefined;
    if (line[1] !== undefined) names.add(line[1]);
    at += line[0].length;
  }
  return names;
}

/** The keys of the clients in a JSON file. */
export function jsonEntryNames(text: string): ExistingEntryNames {
  const entries = readJsonEntries(text);
  return entries === undefined ? undefined : new Set(Object.keys(entries));
}

function readJsonEntries(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text.trim() === "") return {};
  // Without comments, which would be lost.
  const read = parseJsonOrUndefined(text);
  if (read === undefined || !isJsonObject(read.value)) return undefined;
  const isOurs = Object.values(read.value).every((entry) => isJsonObject(entry) && isText(entry["client_id"]));
  return isOurs ? read.value : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** The names of the Kubernetes Secrets in the documents of a YAML file, with their namespaces. */
export function manifestSecretNames(documents: readonly unknown[]): ExistingEntryNames {
  const names = new Set<string>();
  for (const document of documents) {
    if (document === null) continue;
    if (!isJsonObject(document) || document["kind"] !== "Secret" || !isJsonObject(document["metadata"]))
      return undefined;
    const { name, namespace } = document["metadata"];
    if (!isText(name)) return undefined;
    names.add(isText(namespace) ? `${namespace}/${name}` : name);
  }
  return names;
}

/** A text with another one after it, both whole. */
export function appendedText(text: string, more: string, separator = ""): string {
  if (text.trim() === "") return more;
  return `${text}${text.endsWith("\n") ? "" : "\n"}${separator}${more}`;
}

const utf8 = new TextEncoder();

/** Whether a secret is in a file, in the way that any of the formats writes it. */
export function containsSecret(text: string, secret: string): boolean {
  return [shellQuoted(secret), toPrintableJson(secret), toPrintableJson(toBase64(utf8.encode(secret)))].some((form) =>
    text.includes(form),
  );
}

/** A JSON file with further entries. */
export function withJsonEntries(text: string, entries: Readonly<Record<string, unknown>>): string {
  return `${toPrintableJson({ ...readJsonEntries(text), ...entries }, 2)}\n`;
}
