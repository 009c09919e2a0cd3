import type { Context, TextFile } from "../command.ts";
import { fromBase64 } from "../core/bytes.ts";
import { isJsonObject, type JsonObject, parseJsonOrUndefined } from "../core/json/json.ts";
import type { CredentialNamesAndMetadata } from "../core/output/credential-formats.ts";
import { usageError } from "../core/problem.ts";
import { quote } from "../core/text.ts";

/** What a file of credentials contains. */
export interface StoredCredentials {
  readonly id: string | undefined;
  readonly secret: string | undefined;
  readonly isEncrypted: boolean;
  /** The file's name for messages. */
  readonly file: string;
  /** How the fields of the ID and of the secret are named in it. */
  readonly fields: Pick<CredentialNamesAndMetadata, "id" | "secret">;
}

type Names = Pick<CredentialNamesAndMetadata, "id" | "secret" | "encrypted">;

type Members = ReadonlyMap<string, string>;

const HINT = "give the file that --secret-out wrote; --id-field and --secret-field set the names in it";

/** An assignment of a POSIX shell: words that are plain, escaped or quoted, and calls of printf in double quotes. */
const ASSIGNMENT =
  /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=((?:'[^']*'|"\$\(printf '[^']*'\)"|"[^"]*"|\\.|[^\s'"\\])*)/gm;

/** What may follow an assignment on its line. */
const LINE_END = /^(?:[ \t]+#.*|[ \t]*)\r?$/;

const PIECE = /'([^']*)'|"\$\(printf '([^']*)'\)"|"([^"]*)"|\\(.)|([^'"\\]+)/g;

/** The characters that `printf` writes for octal escapes of UTF-8 bytes. */
function printed(escapes: string): string {
  const bytes = [...escapes.matchAll(/\\([0-7]{3})/g)].map(([, digits = ""]) => Number.parseInt(digits, 8));
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

function unquoted(word: string): string {
  return [...word.matchAll(PIECE)]
    .map(([, single, octal, double, escaped, plain]) =>
      octal === undefined ? (single ?? double ?? escaped ?? plain ?? "") : printed(octal),
    )
    .join("");
}

/** The assignments of these names; a value that a space or a missing quote cuts off is an error. */
function shellMembers({ text, name: file }: TextFile, names: readonly string[]): Members {
  const found = [...text.matchAll(ASSIGNMENT)].filter(([, name = ""]) => names.includes(name));
  for (const { 0: assignment, 1: name = "", index } of found) {
    const [rest = ""] = text.slice(index + assignment.length).split("\n", 1);
    if (LINE_END.test(rest)) continue;
    const line = text.slice(0, index).split("\n").length;
    throw usageError(
      `Cannot read the credentials: line ${line} of ${quote(file)} has text after the value of ${name}`,
      "put a value with spaces, quotes or backslashes into single quotes",
      "bad-credentials",
    );
  }
  return new Map(found.map(([, name = "", word = ""]) => [name, unquoted(word)]));
}

const JSON_NAMES: Names = { id: "client_id", secret: "client_secret", encrypted: "client_secret_encrypted" };

/** The texts of an object; null is a value that is missing, and any other value of these names is an error. */
function textMembers(object: JsonObject, { id, secret, encrypted }: Names, file: string): Members {
  for (const name of [id, secret, encrypted]) {
    const value = Object.hasOwn(object, name) ? (object[name] ?? "") : "";
    if (typeof value === "string") continue;
    throw usageError(
      `Cannot read the credentials: ${name} in ${quote(file)} is not a string`,
      "put the value into double quotes",
      "bad-credentials",
    );
  }
  return new Map(Object.entries(object).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

function decoded(value: string): string {
  const bytes = value === "" ? new Uint8Array() : fromBase64(value);
  if (bytes !== undefined) return new TextDecoder().decode(bytes);
  const reason = "the data of the Kubernetes Secret is not base64";
  throw usageError(`Cannot read the credentials: ${reason}`, HINT, "bad-credentials");
}

/** The data of a Kubernetes Secret (v1), decoded. */
function secretMembers(manifest: JsonObject, names: Names, file: string): Members {
  const { data, stringData } = manifest;
  const encoded = isJsonObject(data) ? [...textMembers(data, names, file)] : [];
  const plain = isJsonObject(stringData) ? textMembers(stringData, names, file) : [];
  return new Map([...encoded.map(([name, value]) => [name, decoded(value)] as const), ...plain]);
}

/** The value of a field; one without text is missing. */
function filledMember(members: Members, name: string): string | undefined {
  return members.get(name) || undefined;
}

function credentialsIn(members: Members, names: Names, file: string): StoredCredentials {
  const secret = filledMember(members, names.secret);
  return {
    id: filledMember(members, names.id),
    secret: names.secret === names.encrypted && isArmored(secret) ? undefined : secret,
    isEncrypted: filledMember(members, names.encrypted) !== undefined || isArmored(secret),
    file,
    fields: names,
  };
}

function isArmored(value: string | undefined): boolean {
  return value?.startsWith("-----BEGIN PGP MESSAGE-----") === true;
}

/** Reads credentials in any of the formats of `--secret-out`. */
export async function parseCredentialFile(
  { text, name }: TextFile,
  names: Names,
  parseYaml: Context["parseYaml"],
): Promise<StoredCredentials> {
  const json = parseJsonOrUndefined(text)?.value;
  const isManifest = /^kind: *["']?Secret["']?[ \t]*$/m.test(text);
  const document = isJsonObject(json) ? json : isManifest ? (await parseYaml(text, name))[0] : undefined;
  const found = isJsonObject(document)
    ? document["kind"] === "Secret"
      ? credentialsIn(secretMembers(document, names, name), names, name)
      : credentialsIn(textMembers(document, JSON_NAMES, name), JSON_NAMES, name)
    : credentialsIn(shellMembers({ text, name }, [names.id, names.secret, names.encrypted]), names, name);
  if (found.id === undefined && found.secret === undefined && !found.isEncrypted)
    throw usageError(`There are no credentials in ${quote(name)}`, HINT, "bad-credentials");
  return found;
}
