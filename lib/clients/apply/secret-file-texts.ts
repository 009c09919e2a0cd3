import type { Context } from "../../command.ts";
import { SECRET_OUT } from "../../core/flags/credential-flags.ts";
import { toTerminalSafeJson } from "../../core/json/json.ts";
import {
  type CredentialNamesAndMetadata,
  type Credentials,
  ENCRYPTED_SECRET_FIELD,
  formatDotenv,
  formatSecretManifest,
  kubernetesSecretNameOfClient,
} from "../../core/output/credential-formats.ts";
import {
  type CredentialEntriesOrUndefined,
  parseDotenvEntries,
  parseJsonEntries,
  readManifestEntries,
  withJsonEntriesAdded,
  withTextAppended,
} from "../../core/output/existing-credential-entries.ts";
import { fileNameOfIdOrKey } from "../../core/output/file-name.ts";
import { Problem, resultOrProblem } from "../../core/problem.ts";
import type { KubernetesSecretNameAndNamespace } from "../../core/state/desired-client.ts";
import {
  kubernetesSecretMetadata,
  readCredentialNamesAndMetadata,
  secretFileFormat,
} from "../secrets/secret-out-text.ts";
import type { PlainAndEncryptedSecret } from "../secrets/secret-source.ts";

/** What the places of secrets need of a command's context. */
export type SecretPlaceContext = Pick<
  Context,
  "values" | "openTarget" | "findFileProblem" | "makeSecretFolder" | "readSecretFile" | "parseYaml"
>;

/** Where the secrets of a run go. */
export type SecretPlaceKind =
  /** Into a folder with one file for each client. */
  | "folder"
  /** Into one file, or one descriptor, for all of them. */
  | "shared"
  /** Encrypted, into the result. */
  | "result";

/** A client whose secret is to be written. */
export interface SecretOwner {
  readonly key: string;
  readonly object: KubernetesSecretNameAndNamespace | undefined;
}

/** A secret with the client that it is of. */
export interface OwnedSecret extends SecretOwner {
  readonly id: string;
  readonly secret: PlainAndEncryptedSecret;
}

type ValuesContext = Pick<Context, "values">;

/** Where secrets go, as `--secret-out` says. */
export function readSecretPlaceKind({ values }: ValuesContext): SecretPlaceKind {
  const target = values.text(SECRET_OUT);
  if (target === undefined) return "result";
  return /^fd:\d+$|\.(?:ya?ml|json|env)$/i.test(target) ? "shared" : "folder";
}

export function isSecretOutDescriptor({ values }: ValuesContext): boolean {
  return values.text(SECRET_OUT)?.startsWith("fd:") === true;
}

export const SECRET_FILE_EXTENSIONS = { dotenv: ".env", json: ".json", k8s: ".yaml" } as const;

export function secretFileFormatOrDotenv({ values }: ValuesContext): keyof typeof SECRET_FILE_EXTENSIONS {
  return secretFileFormat({ values }) ?? "dotenv";
}

/** The path of a client's file in the folder. */
export function clientSecretPath({ values }: ValuesContext, key: string): string {
  const folder = (values.text(SECRET_OUT) ?? "").replace(/[/\\]+$/, "");
  return `${folder}/${fileNameOfIdOrKey(key)}${SECRET_FILE_EXTENSIONS[secretFileFormatOrDotenv({ values })]}`;
}

/** The beginning of the names of a client's variables in a file with several: `BILLING`. */
export function variablePrefix(key: string): string {
  const name = key.toUpperCase().replace(/[^A-Z0-9]+/g, "_");
  return /^[0-9]/.test(name) ? `_${name}` : name;
}

/** The names of credentials of a client, and of its Kubernetes Secret. */
export function credentialNamesOfClient(
  { values }: ValuesContext,
  { key, object }: SecretOwner,
): Partial<CredentialNamesAndMetadata> {
  const metadata = kubernetesSecretMetadata({ values });
  const name =
    metadata.name === undefined && object !== undefined ? object.name : kubernetesSecretNameOfClient(metadata, key);
  const namespace = metadata.namespace ?? object?.namespace;
  return { ...readCredentialNamesAndMetadata({ values }), metadata: { ...metadata, name, namespace } };
}

export function credentialsOf(id: string, { plain, encrypted }: PlainAndEncryptedSecret): Credentials {
  return encrypted === undefined ? { id, secret: plain } : { id, encrypted };
}

function credentialMembers({ id, secret, encrypted }: Credentials): Record<string, unknown> {
  return { client_id: id, client_secret: secret, [ENCRYPTED_SECRET_FIELD]: encrypted };
}

/** The text of the file of one client. */
export function ownSecretFileText(context: ValuesContext, owner: SecretOwner, credentials: Credentials): string {
  const format = secretFileFormatOrDotenv(context);
  const names = credentialNamesOfClient(context, owner);
  if (format === "k8s") return formatSecretManifest(credentials, names);
  return format === "dotenv"
    ? formatDotenv(credentials, names)
    : `${toTerminalSafeJson(credentialMembers(credentials), 2)}\n`;
}

/** The names of a client's variables in a file with several. */
export function namesInSharedDotenv(
  context: ValuesContext,
  owner: SecretOwner,
): Omit<CredentialNamesAndMetadata, "metadata"> {
  const {
    id = "CLIENT_ID",
    secret = "CLIENT_SECRET",
    encrypted = "CLIENT_SECRET_ENCRYPTED",
  } = credentialNamesOfClient(context, owner);
  const prefix = `${variablePrefix(owner.key)}_`;
  return { id: `${prefix}${id}`, secret: `${prefix}${secret}`, encrypted: `${prefix}${encrypted}` };
}

/** The text of one file with the credentials of several clients, after those that it has already. */
export function sharedSecretFileText(
  context: ValuesContext,
  previous: string,
  secrets: readonly OwnedSecret[],
): string {
  const all = secrets.map((each) => ({ owner: each, credentials: credentialsOf(each.id, each.secret) }));
  const format = secretFileFormatOrDotenv(context);
  if (format === "json")
    return withJsonEntriesAdded(
      previous,
      Object.fromEntries(all.map(({ owner, credentials }) => [owner.key, credentialMembers(credentials)])),
    );
  if (format === "k8s") {
    const manifests = all.map(({ owner, credentials }) => ownSecretFileText(context, owner, credentials)).join("---\n");
    // What has been written to a descriptor before, by this run or another program, can't be read.
    return isSecretOutDescriptor(context) ? `---\n${manifests}` : withTextAppended(previous, manifests, "---\n");
  }
  const lines = all.map(({ owner, credentials }) => formatDotenv(credentials, namesInSharedDotenv(context, owner)));
  return withTextAppended(previous, lines.join(""));
}

/** The entries in the file that all clients share; undefined if it holds something else, such as text that isn't UTF-8. */
export async function parseSharedSecretFile(
  context: SecretPlaceContext,
  text: string | undefined,
): Promise<CredentialEntriesOrUndefined> {
  if (text === undefined) return undefined;
  const format = secretFileFormatOrDotenv(context);
  if (format === "dotenv") return parseDotenvEntries(text);
  if (format === "json") return parseJsonEntries(text);
  const documents = await resultOrProblem(() => context.parseYaml(text, "the secret file"));
  return documents instanceof Problem ? undefined : readManifestEntries(documents);
}

/** The name of a client's entry in the file that all clients share. */
export function entryNameInSharedFile(context: ValuesContext, owner: SecretOwner): string {
  const format = secretFileFormatOrDotenv(context);
  if (format === "json") return owner.key;
  if (format === "dotenv") return namesInSharedDotenv(context, owner).id;
  const { name = "", namespace } = credentialNamesOfClient(context, owner).metadata ?? {};
  return namespace === undefined ? name : `${namespace}/${name}`;
}
