import * as v from "valibot";
import type { Context, TextFile } from "../command.ts";
import { fromBase64 } from "../core/bytes.ts";
import { isJsonObject, type JsonObject, parseJsonOrUndefined } from "../core/json/json.ts";
import { JsonObjectOrEmpty, jsonObjectSchema, parseOrReject } from "../core/json/schemas.ts";
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

type CredentialNames = Pick<CredentialNamesAndMetadata, "id" | "secret" | "encrypted">;

/** A credential; null is one that is missing, as is an empty text. */
const Credential = v.nullish(v.string());

type CredentialTexts = Readonly<Record<keyof CredentialNames, v.InferOutput<typeof Credential>>>;

/** A Kubernetes Secret (v1). Its data is base64; other values than text are checked only under the names of credentials. */
const KubernetesSecret = jsonObjectSchema({
  kind: v.literal("Secret"),
  data: JsonObjectOrEmpty,
  stringData: JsonObjectOrEmpty,
});

const HINT = "give the file that --secret-out wrote; --id-field and --secret-field set the names in it";

const ONE_CLIENT_HINT = "give a file with the credentials of one client";

/** An assignment of a POSIX shell: words that are plain, escaped or quoted, and calls of printf in double quotes. */
const ASSIGNMENT_PATTERN =
  /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=((?:'[^']*'|"\$\(printf '[^']*'\)"|"[^"]*"|\\.|[^\s'"\\])*)/gm;

/** What may follow an assignment on its line. */
const LINE_END_PATTERN = /^(?:[ \t]+#.*|[ \t]*)\r?$/;

const SHELL_WORD_PIECE_PATTERN = /'([^']*)'|"\$\(printf '([^']*)'\)"|"([^"]*)"|\\(.)|([^'"\\]+)/g;

/** The characters that `printf` writes for octal escapes of UTF-8 bytes. */
function decodeOctalEscapes(escapes: string): string {
  const bytes = [...escapes.matchAll(/\\([0-7]{3})/g)].map(([, digits = ""]) => Number.parseInt(digits, 8));
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

function unquoteShellWord(word: string): string {
  return [...word.matchAll(SHELL_WORD_PIECE_PATTERN)]
    .map(([, single, octal, double, escaped, plain]) =>
      octal === undefined ? (single ?? double ?? escaped ?? plain ?? "") : decodeOctalEscapes(octal),
    )
    .join("");
}

/** The assignments of these names; a value that a space or a missing quote cuts off is an error. */
function readShellAssignments({ text, name: file }: TextFile, names: CredentialNames): CredentialTexts {
  const wanted = [names.id, names.secret, names.encrypted];
  const found = [...text.matchAll(ASSIGNMENT_PATTERN)].filter(([, name = ""]) => wanted.includes(name));
  for (const { 0: assignment, 1: name = "", index } of found) {
    const [rest = ""] = text.slice(index + assignment.length).split("\n", 1);
    if (LINE_END_PATTERN.test(rest)) continue;
    const line = text.slice(0, index).split("\n").length;
    throw usageError(
      `Cannot read the credentials: line ${line} of ${quote(file)} has text after the value of ${name}`,
      "put a value with spaces, quotes or backslashes into single quotes",
      "bad-credentials",
    );
  }
  const values = new Map<string, string>();
  for (const [, name = "", word = ""] of found) {
    const value = unquoteShellWord(word);
    if (values.has(name) && values.get(name) !== value)
      throw usageError(`There are several values of ${name} in ${quote(file)}`, ONE_CLIENT_HINT, "bad-credentials");
    values.set(name, value);
  }
  return { id: values.get(names.id), secret: values.get(names.secret), encrypted: values.get(names.encrypted) };
}

const JSON_NAMES: CredentialNames = { id: "client_id", secret: "client_secret", encrypted: "client_secret_encrypted" };

/** The credentials among the members of an object; any other value than text under their names is an error. */
function readCredentialsOfObject(object: JsonObject, names: CredentialNames, file: string): CredentialTexts {
  const textOf = (name: string): v.InferOutput<typeof Credential> =>
    parseOrReject(Credential, Object.hasOwn(object, name) ? object[name] : undefined, (): never => {
      throw usageError(
        `Cannot read the credentials: ${name} in ${quote(file)} is not a string`,
        "put the value into double quotes",
        "bad-credentials",
      );
    });
  return { id: textOf(names.id), secret: textOf(names.secret), encrypted: textOf(names.encrypted) };
}

function decodeSecretValue(value: string): string {
  const bytes = value === "" ? new Uint8Array() : fromBase64(value);
  if (bytes !== undefined) return new TextDecoder().decode(bytes);
  const reason = "the data of the Kubernetes Secret is not base64";
  throw usageError(`Cannot read the credentials: ${reason}`, HINT, "bad-credentials");
}

/** The credentials in a Kubernetes Secret, decoded. */
function readCredentialsOfKubernetesSecret(
  { data, stringData }: v.InferOutput<typeof KubernetesSecret>,
  names: CredentialNames,
  file: string,
): CredentialTexts {
  const encoded = readCredentialsOfObject(data, names, file);
  const plain = readCredentialsOfObject(stringData, names, file);
  // Under any name: what Kubernetes doesn't accept is more likely a mistake than a Secret.
  for (const value of Object.values(data)) if (typeof value === "string") decodeSecretValue(value);
  const textOf = (role: keyof CredentialNames): string => plain[role] ?? decodeSecretValue(encoded[role] ?? "");
  return { id: textOf("id"), secret: textOf("secret"), encrypted: textOf("encrypted") };
}

function toCredentials(texts: CredentialTexts, names: CredentialNames, file: string): StoredCredentials {
  const secret = texts.secret || undefined;
  return {
    id: texts.id || undefined,
    secret: names.secret === names.encrypted && isArmored(secret) ? undefined : secret,
    isEncrypted: Boolean(texts.encrypted) || isArmored(secret),
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
  names: CredentialNames,
  parseYaml: Context["parseYaml"],
): Promise<StoredCredentials> {
  const json = parseJsonOrUndefined(text)?.value;
  const isManifest = /^kind: *["']?Secret["']?[ \t]*$/m.test(text);
  const documents = isJsonObject(json) ? [json] : isManifest ? await parseYaml(text, name) : [];
  const secrets = documents.flatMap((each) => {
    const read = v.safeParse(KubernetesSecret, each);
    return read.success ? [read.output] : [];
  });
  if (secrets.length > 1)
    throw usageError(`There are several Kubernetes Secrets in ${quote(name)}`, ONE_CLIENT_HINT, "bad-credentials");
  const [secret] = secrets;
  const [document] = documents;
  const found =
    secret !== undefined
      ? toCredentials(readCredentialsOfKubernetesSecret(secret, names, name), names, name)
      : isJsonObject(document)
        ? toCredentials(readCredentialsOfObject(document, JSON_NAMES, name), JSON_NAMES, name)
        : toCredentials(readShellAssignments({ text, name }, names), names, name);
  if (found.id === undefined && found.secret === undefined && !found.isEncrypted)
    throw usageError(`There are no credentials in ${quote(name)}`, HINT, "bad-credentials");
  return found;
}
