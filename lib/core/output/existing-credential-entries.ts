import * as v from "valibot";
import { toBase64 } from "../bytes.ts";
import { isJsonObject, type JsonObject, parseJsonOrUndefined, toTerminalSafeJson } from "../json/json.ts";
import { jsonObjectSchema } from "../json/schemas.ts";
import { shellQuoted } from "./shell-quote.ts";

/** The entries in a file with the credentials of several clients, as text by name; undefined if it is something else. */
export type CredentialEntriesOrUndefined = ReadonlyMap<string, string> | undefined;

const CredentialsOfClient = jsonObjectSchema({ client_id: v.string() });

const NamedSecret = jsonObjectSchema({
  kind: v.literal("Secret"),
  metadata: jsonObjectSchema({ name: v.string(), namespace: v.fallback(v.optional(v.string()), undefined) }),
});

/** A line of a file that {@link formatDotenv} wrote, and those that people add: a comment, an empty line. */
const DOTENV_LINE_PATTERN =
  /(?:#[^\n]*|([A-Za-z_]\w*)=(?:[A-Za-z0-9_./:@%+,=~-]|'[^']*'|\\'|"\$\(printf '[^'\n]*'\)")*)?(?:\n|$)/y;

/** The assignments of variables in a dotenv file. */
export function parseDotenvEntries(text: string): CredentialEntriesOrUndefined {
  const entries = new Map<string, string>();
  for (let at = 0; at < text.length; ) {
    DOTENV_LINE_PATTERN.lastIndex = at;
    const line = DOTENV_LINE_PATTERN.exec(text);
    if (line === null) return undefined;
    if (line[1] !== undefined) entries.set(line[1], line[0]);
    at += line[0].length;
  }
  return entries;
}

/** The clients in a JSON file, by key. */
export function parseJsonEntries(text: string): CredentialEntriesOrUndefined {
  const entries = parseCredentialsByKey(text);
  if (entries === undefined) return undefined;
  return new Map(Object.entries(entries).map(([key, entry]) => [key, toTerminalSafeJson(entry)]));
}

function parseCredentialsByKey(text: string): JsonObject | undefined {
  if (text.trim() === "") return {};
  // Without comments, which would be lost.
  const entries = parseJsonOrUndefined(text)?.value;
  if (!isJsonObject(entries)) return undefined;
  return Object.values(entries).every((entry) => v.is(CredentialsOfClient, entry)) ? entries : undefined;
}

/** The Kubernetes Secrets in the documents of a YAML file, by name with the namespace. */
export function readManifestEntries(documents: readonly unknown[]): CredentialEntriesOrUndefined {
  const secrets = new Map<string, string>();
  for (const document of documents) {
    if (document === null) continue;
    const read = v.safeParse(NamedSecret, document);
    if (!read.success) return undefined;
    const { name, namespace } = read.output.metadata;
    secrets.set(namespace === undefined ? name : `${namespace}/${name}`, toTerminalSafeJson(document));
  }
  return secrets;
}

/** A text with another one after it, both whole. */
export function withTextAppended(text: string, more: string, separator = ""): string {
  if (text.trim() === "") return more;
  return `${text}${text.endsWith("\n") ? "" : "\n"}${separator}${more}`;
}

const utf8 = new TextEncoder();

/** Whether a secret is in a text, in the way that any of the formats writes it. */
export function containsSecret(text: string, secret: string): boolean {
  return [shellQuoted(secret), toTerminalSafeJson(secret), toTerminalSafeJson(toBase64(utf8.encode(secret)))].some(
    (form) => text.includes(form),
  );
}

/** A JSON file with further entries. */
export function withJsonEntriesAdded(text: string, entries: Readonly<Record<string, unknown>>): string {
  return `${toTerminalSafeJson({ ...parseCredentialsByKey(text), ...entries }, 2)}\n`;
}
