import type { OpenSecretTarget } from "../../adapters/secret-target.ts";
import type { Context } from "../../command.ts";
import { SECRET_OUT } from "../../core/flags/credential-flags.ts";
import { CONCURRENCY } from "../../core/flags/shared-flags.ts";
import { toTerminalSafeJson } from "../../core/json/json.ts";
import {
  type CredentialNamesAndMetadata,
  type Credentials,
  formatDotenv,
  formatSecretManifest,
  isKubernetesSecretName,
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
import {
  clientFileNameProblems,
  FILE_PROBLEM_WORDING_FOR_APPLY,
  fileNameOfIdOrKey,
} from "../../core/output/file-name.ts";
import { Problem, resultOrProblem, usageError } from "../../core/problem.ts";
import type { KubernetesSecretNameAndNamespace } from "../../core/state/desired-client.ts";
import type { StackPlanStep } from "../../core/state/plan.ts";
import { escapeControls, quote } from "../../core/text.ts";
import { type CleanupAdminFactory, createSharedCleanupAdminFactory } from "../admin-deadlines.ts";
import { mapConcurrently } from "../batch.ts";
import { UNDELIVERED_CODE } from "../secrets/credentials-to-deliver.ts";
import {
  kubernetesSecretMetadata,
  readCredentialNamesAndMetadata,
  secretFileFormat,
} from "../secrets/secret-out-text.ts";
import { hasRecipientFlags, type PlainAndEncryptedSecret } from "../secrets/secret-source.ts";
import { ENCRYPTED_SECRET_FIELD } from "../views.ts";

/** What the places of secrets need of a command's context. */
export type SecretPlaceContext = Pick<
  Context,
  "values" | "openTarget" | "findFileProblem" | "makeSecretFolder" | "readSecretFile" | "parseYaml"
>;

/** Where the secrets of a run go. */
type SecretPlaceKind =
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

/** A secret on its way to its place. */
interface PendingSecret extends SecretOwner {
  readonly id: string;
  readonly secret: PlainAndEncryptedSecret;
  /** To be called once it is in place. */
  readonly delivered: () => void;
  /** To be called when it can't get there; returns the problem that says what became of it. */
  readonly undelivered: (reason: unknown, partlyWritten: boolean, cleanup: CleanupAdminFactory) => Promise<Problem>;
}

type Values = Pick<Context, "values">;

/** Where secrets go, as `--secret-out` says. */
export function readSecretPlaceKind({ values }: Values): SecretPlaceKind {
  const target = values.text(SECRET_OUT);
  if (target === undefined) return "result";
  return /^fd:\d+$|\.(?:ya?ml|json|env)$/i.test(target) ? "shared" : "folder";
}

function isDescriptor({ values }: Values): boolean {
  return values.text(SECRET_OUT)?.startsWith("fd:") === true;
}

/** The problem of further secrets for a descriptor that has got those of an earlier run: no JSON value can follow another one. */
export function findSecondJsonForDescriptorProblem(
  context: Values,
  owners: readonly SecretOwner[],
): Problem | undefined {
  if (owners.length === 0 || !isDescriptor(context) || secretFileFormatOrDotenv(context) !== "json") return undefined;
  return new Problem("Only secrets of an earlier run were delivered, because a descriptor takes one JSON object", {
    code: UNDELIVERED_CODE,
    exit: "failed",
    hint: "run the command again for the rest; no client was changed",
  });
}

/** How a plan describes the place of generated secrets; undefined if there is none. */
export function describeSecretDelivery({ values }: Values, recipients: number): string | undefined {
  const encrypted =
    recipients === 0 ? [] : [`encrypted to ${recipients} ${recipients === 1 ? "recipient" : "recipients"}`];
  const target = values.text(SECRET_OUT);
  const parts = [...encrypted, ...(target === undefined ? [] : [`written to ${target}`])];
  return parts.length === 0 ? undefined : parts.join(", ");
}

/** Whether a step sets a secret. */
export function stepSetsSecret({ action, secret }: Pick<StackPlanStep, "action" | "secret">): boolean {
  return action !== "delete" && action !== "refused" && ["generated", "given", "mismatched"].includes(secret);
}

export function secretOwnerOfStep({ key, desired }: StackPlanStep): SecretOwner {
  return { key, object: desired?.secretObject };
}

/** The problem of secrets that would be generated and have no destination. */
export function findMissingPlaceProblem({ values }: Values, steps: readonly StackPlanStep[]): Problem | undefined {
  const generated = steps.filter((step) => stepSetsSecret(step) && step.secret === "generated");
  if (generated.length === 0 || readSecretPlaceKind({ values }) !== "result" || hasRecipientFlags({ values }))
    return undefined;
  const clients = generated.length === 1 ? "1 client needs" : `${generated.length} clients need`;
  return new Problem(`${clients} a destination for ${generated.length === 1 ? "its" : "their"} generated secret`, {
    code: "no-secret-place",
    exit: "usage",
    hint: "add --secret-out DIR, or a recipient such as --pgp-key; nothing was changed",
    details: generated.map(({ key }) => key),
  });
}

const EXTENSIONS = { dotenv: ".env", json: ".json", k8s: ".yaml" } as const;

export function secretFileFormatOrDotenv({ values }: Values): keyof typeof EXTENSIONS {
  return secretFileFormat({ values }) ?? "dotenv";
}

/** The path of a client's file in the folder. */
export function clientSecretPath({ values }: Values, key: string): string {
  const folder = (values.text(SECRET_OUT) ?? "").replace(/[/\\]+$/, "");
  return `${folder}/${fileNameOfIdOrKey(key)}${EXTENSIONS[secretFileFormatOrDotenv({ values })]}`;
}

/** The beginning of the names of a client's variables in a file with several: `BILLING`. */
function variablePrefix(key: string): string {
  const name = key.toUpperCase().replace(/[^A-Z0-9]+/g, "_");
  return /^[0-9]/.test(name) ? `_${name}` : name;
}

/** The names of credentials of a client, and of its Kubernetes Secret. */
function credentialNamesOfClient(
  { values }: Values,
  { key, object }: SecretOwner,
): Partial<CredentialNamesAndMetadata> {
  const metadata = kubernetesSecretMetadata({ values });
  const name =
    metadata.name === undefined && object !== undefined ? object.name : kubernetesSecretNameOfClient(metadata, key);
  const namespace = metadata.namespace ?? object?.namespace;
  return { ...readCredentialNamesAndMetadata({ values }), metadata: { ...metadata, name, namespace } };
}

function credentialsOf(id: string, { plain, encrypted }: PlainAndEncryptedSecret): Credentials {
  return encrypted === undefined ? { id, secret: plain } : { id, encrypted };
}

function credentialMembers({ id, secret, encrypted }: Credentials): Record<string, unknown> {
  return { client_id: id, client_secret: secret, [ENCRYPTED_SECRET_FIELD]: encrypted };
}

/** The text of the file of one client. */
function ownSecretFileText(context: Values, owner: SecretOwner, credentials: Credentials): string {
  const format = secretFileFormatOrDotenv(context);
  const names = credentialNamesOfClient(context, owner);
  if (format === "k8s") return formatSecretManifest(credentials, names);
  return format === "dotenv"
    ? formatDotenv(credentials, names)
    : `${toTerminalSafeJson(credentialMembers(credentials), 2)}\n`;
}

/** The names of a client's variables in a file with several. */
export function namesInSharedDotenv(context: Values, owner: SecretOwner): Omit<CredentialNamesAndMetadata, "metadata"> {
  const {
    id = "CLIENT_ID",
    secret = "CLIENT_SECRET",
    encrypted = "CLIENT_SECRET_ENCRYPTED",
  } = credentialNamesOfClient(context, owner);
  const prefix = `${variablePrefix(owner.key)}_`;
  return { id: `${prefix}${id}`, secret: `${prefix}${secret}`, encrypted: `${prefix}${encrypted}` };
}

/** The text of one file with the credentials of several clients, after those that it has already. */
function sharedSecretFileText(context: Values, previous: string, secrets: readonly PendingSecret[]): string {
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
    return isDescriptor(context) ? `---\n${manifests}` : withTextAppended(previous, manifests, "---\n");
  }
  const lines = all.map(({ owner, credentials }) => formatDotenv(credentials, namesInSharedDotenv(context, owner)));
  return withTextAppended(previous, lines.join(""));
}

/** What a file with several credentials is called in messages. */
const CONTENTS = {
  dotenv: "assignments of variables",
  json: "a JSON object with the credentials of clients",
  k8s: "Kubernetes Secrets",
} as const;

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
export function entryNameInSharedFile(context: Values, owner: SecretOwner): string {
  const format = secretFileFormatOrDotenv(context);
  if (format === "json") return owner.key;
  if (format === "dotenv") return namesInSharedDotenv(context, owner).id;
  const { name = "", namespace } = credentialNamesOfClient(context, owner).metadata ?? {};
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** What is wrong with the file that all clients share, which is extended if an earlier run wrote it. */
async function sharedFileProblems(
  context: SecretPlaceContext,
  target: string,
  owners: readonly SecretOwner[],
): Promise<readonly Problem[]> {
  const problem = await context.findFileProblem(SECRET_OUT, target, "is extended");
  if (problem !== undefined) return [problem];
  const there = await context.readSecretFile(target);
  if (there === undefined) return [];
  const file = `--${SECRET_OUT.name} ${quote(target)}`;
  const entries = await parseSharedSecretFile(context, there.text);
  if (entries === undefined)
    return [
      usageError(
        `${file} already exists, and does not contain ${CONTENTS[secretFileFormatOrDotenv(context)]}`,
        "use another file name, or --secret-format for the format of this file",
        "secret-out-exists",
      ),
    ];
  return owners
    .filter((owner) => entries.has(entryNameInSharedFile(context, owner)))
    .map(({ key }) =>
      usageError(
        `${file} already has credentials of client ${quote(key)}`,
        "write to another file; this one may hold the only copy of its secrets",
        "secret-out-exists",
      ),
    );
}

/** The problems of clients whose credentials would have the same name in a file. */
function nameClashProblems(names: readonly (readonly [key: string, name: string])[], what: string): readonly Problem[] {
  const owners = new Map<string, string>();
  return names.flatMap(([key, name]) => {
    const owner = owners.get(name);
    owners.set(name, owner ?? key);
    if (owner === undefined) return [];
    return [
      usageError(
        `${quote(owner)} and ${quote(key)} have the same ${what} ${quote(name)}`,
        "give one of them another x-hydra.key, or write to a directory",
        "file-name-twice",
      ),
    ];
  });
}

function duplicateKeyProblems(owners: readonly SecretOwner[]): readonly Problem[] {
  return [...Map.groupBy(owners, ({ key }) => key)]
    .filter(([, sharing]) => sharing.length > 1)
    .map(([key, { length }]) =>
      usageError(`${length} clients have the key ${quote(key)}`, "give each another x-hydra.key", "key-twice"),
    );
}

/** What is wrong with the names that the credentials of clients would have in their file or folder. */
function secretNameProblems(context: Values, owners: readonly SecretOwner[]): readonly Problem[] {
  const format = secretFileFormatOrDotenv(context);
  // Every format names the credentials of a client by its key; of two with the same name, one would be lost.
  const twice = duplicateKeyProblems(owners);
  if (twice.length > 0) return twice;
  if (format === "k8s") {
    const named = owners.map((owner) => {
      const { name = "", namespace = "" } = credentialNamesOfClient(context, owner).metadata ?? {};
      return { key: owner.key, name, namespace };
    });
    const wrong = named.find(({ name }) => !isKubernetesSecretName(name));
    if (wrong !== undefined)
      return [
        usageError(
          `${quote(wrong.name)} of client ${quote(wrong.key)} is not a name for a Kubernetes Secret`,
          "use a shorter --secret-name",
          "file-name-too-long",
        ),
      ];
    return nameClashProblems(
      named.map(({ key, name, namespace }) => [key, namespace === "" ? name : `${namespace}/${name}`]),
      "Kubernetes Secret",
    );
  }
  if (format === "dotenv" && readSecretPlaceKind(context) === "shared")
    return nameClashProblems(
      owners.map(({ key }) => [key, variablePrefix(key)]),
      "prefix",
    );
  return [];
}

/**
 * Makes the folder of the secrets that a run would write, except in a dry run, and returns what is wrong with their places,
 * before the server is changed.
 */
export async function makeFolderAndFindPlaceProblems(
  context: SecretPlaceContext,
  owners: readonly SecretOwner[],
  isDryRun = false,
): Promise<readonly Problem[]> {
  const target = context.values.text(SECRET_OUT);
  const kind = readSecretPlaceKind(context);
  if (target === undefined || owners.length === 0) return [];
  const problems = [...secretNameProblems(context, owners)];
  if (kind === "shared") {
    return [...problems, ...(await sharedFileProblems(context, target, owners))];
  }
  const exists = await context.makeSecretFolder(SECRET_OUT, target, isDryRun);
  const keys = owners.map(({ key }) => key);
  const template = `{id}${EXTENSIONS[secretFileFormatOrDotenv(context)]}`;
  const named = clientFileNameProblems(template, keys, `--${SECRET_OUT.name}`, FILE_PROBLEM_WORDING_FOR_APPLY);
  // The system would report a name that is too long in other words.
  if (named.length > 0 || !exists) return [...problems, ...named];
  for (const key of keys) {
    const problem = await context.findFileProblem(SECRET_OUT, clientSecretPath(context, key));
    if (problem !== undefined) problems.push(problem);
    // The folder is the same for all.
    if (problem !== undefined && problem.code !== "secret-out-exists") break;
  }
  return problems;
}

/** The file of one client, open and not named yet. */
interface OwnFile {
  readonly target: OpenSecretTarget;
  readonly path: string;
  readonly text: (id: string, secret: PlainAndEncryptedSecret) => string;
}

/** The places of the secrets of a run. */
export class SecretPlace {
  readonly kind: SecretPlaceKind;
  readonly #context: SecretPlaceContext;
  readonly #shared: OpenSecretTarget | undefined;
  /** The clients in the order of the files, which is that of the entries too, whichever is created first. */
  readonly #order: ReadonlyMap<string, number>;
  readonly #pending: PendingSecret[] = [];
  #written = 0;

  private constructor(
    context: SecretPlaceContext,
    shared: OpenSecretTarget | undefined,
    owners: readonly SecretOwner[],
  ) {
    this.kind = readSecretPlaceKind(context);
    this.#context = context;
    this.#shared = shared;
    this.#order = new Map(owners.map(({ key }, at) => [key, at]));
  }

  /** Opens what must be open before anything is sent. */
  static async open(context: SecretPlaceContext, owners: readonly SecretOwner[]): Promise<SecretPlace> {
    const isShared = readSecretPlaceKind(context) === "shared" && owners.length > 0;
    return new SecretPlace(
      context,
      isShared ? await context.openTarget(SECRET_OUT, undefined, "is extended") : undefined,
      owners,
    );
  }

  /**
   * The target that a registration knows of.
   *
   * @param draftIsCopy whether the draft of a client's own file is the recovery copy, because there is no other folder for one.
   */
  targetOf(own: OwnFile | undefined, draftIsCopy: boolean): OpenSecretTarget | undefined {
    const target = own?.target ?? this.#shared;
    if (target === undefined || (own !== undefined && draftIsCopy)) return target;
    return {
      ...target,
      draft: undefined,
      get partlyWritten() {
        return target.partlyWritten;
      },
    };
  }

  /** Opens the file of a client, if each has its own. */
  async openOwn(owner: SecretOwner): Promise<OwnFile | undefined> {
    if (this.kind !== "folder") return undefined;
    const path = clientSecretPath(this.#context, owner.key);
    const target = await this.#context.openTarget(SECRET_OUT, path);
    if (target === undefined) return undefined;
    return { target, path, text: (id, secret) => ownSecretFileText(this.#context, owner, credentialsOf(id, secret)) };
  }

  /** Keeps a secret for the file that all clients share. */
  add(secret: PendingSecret): void {
    this.#pending.push(secret);
  }

  /** Writes the file that all clients share. Returns the problems of the secrets that could not be written. */
  async finish(): Promise<readonly Problem[]> {
    const target = this.#shared;
    if (target === undefined) return [];
    const place = ({ key }: SecretOwner): number => this.#order.get(key) ?? this.#order.size;
    const pending = this.#pending.splice(0).sort((a, b) => place(a) - place(b));
    if (pending.length === 0) {
      await target.discard();
      return [];
    }
    try {
      await target.commit(sharedSecretFileText(this.#context, target.previous, pending));
    } catch (error) {
      const { partlyWritten } = target;
      await target.discard();
      const concurrency = this.#context.values.number(CONCURRENCY);
      const cleanup = createSharedCleanupAdminFactory();
      return mapConcurrently(pending, concurrency, (each) => each.undelivered(error, partlyWritten, cleanup));
    }
    for (const { delivered } of pending) delivered();
    this.#written = pending.length;
    return [];
  }

  /** Writes the file of one client. */
  async writeOwn({ target, path, text }: OwnFile, id: string, secret: PlainAndEncryptedSecret): Promise<void> {
    await target.commit(text(id, secret), path);
    this.#written++;
  }

  /** Where the secrets are; undefined if none was written to a file. */
  note(): string | undefined {
    if (this.#written === 0) return undefined;
    const clients = this.#written === 1 ? "1 client" : `${this.#written} clients`;
    return `The credentials of ${clients} are in ${escapeControls(this.#context.values.text(SECRET_OUT) ?? "")}`;
  }
}
