import type { Context } from "../../command.ts";
import { getTextField, isAbsentOrEmpty, isPublic, usesSecret, withScopeText } from "../../core/client/client.ts";
import { namespacedNameOf, readKubernetesObject } from "../../core/client/kubernetes-object.ts";
import { type TranslatedManifests, translateManifests } from "../../core/client/translate-manifests.ts";
import { ID_FIELD, SECRET_FIELD } from "../../core/flags/credential-flags.ts";
import { LENIENT_FIELD_NAMES } from "../../core/flags/shared-flags.ts";
import { STACK } from "../../core/flags/state-flags.ts";
import { isJsonObject, type JsonObject, objectOrEmpty } from "../../core/json/json.ts";
import { Problem, resultOrProblem } from "../../core/problem.ts";
import type { DesiredClient, KubernetesSecretNameAndNamespace } from "../../core/state/desired-client.ts";
import {
  readStackMark,
  STACK_MARK_MEMBER,
  type StackMark,
  withoutStackMark,
  xHydraSettingsOfMark,
} from "../../core/state/stack-mark.ts";
import { X_HYDRA_MEMBER } from "../../core/state/x-hydra-member.ts";
import { parseXHydraSettings, type SecretVariableOrFile } from "../../core/state/x-hydra-settings.ts";
import { pathRelativeToFile, quote, withoutFinalLineBreak } from "../../core/text.ts";
import { findClientBoundsProblem } from "../draft/client-bounds.ts";
import { shortenProblemList } from "../shorten-problem-list.ts";
import {
  IGNORED_FILE_FIELDS,
  lintEntry,
  positionedProblem,
  reportDuplicateKeysAndIds,
  reportFieldMistakes,
  reportUnsetScopes,
  type StateFileEntry,
  StateFileFindings,
} from "./state-checks.ts";
import {
  formatFilePosition,
  type PositionedClientValue,
  readClientValuesInFiles,
  type StateInputContext,
} from "./state-input.ts";

/** What reading the clients of a stack needs of a command's context. */
type StateFileContext = StateInputContext & Pick<Context, "warn">;

/** The clients that files describe, and the number of these files. */
export interface DesiredClientsAndFileCount {
  readonly clients: readonly DesiredClient[];
  readonly files: number;
}

/** How many problems are listed one by one. */
const MAX_LISTED = 100;

/** Reads and checks all files that the command line names. Everything that is wrong is added to the problems, at once. */
export async function readDesiredClients(
  context: StateFileContext,
  problems: Problem[],
  { reader, secrets }: { readonly reader: "diff" | "apply"; readonly secrets: "read" | "leave" },
): Promise<DesiredClientsAndFileCount> {
  const read = await readClientValuesInFiles(context, problems, reader);
  const findings = new StateFileFindings(context);
  const entries = translateToStateEntries(context, read.values, findings);
  const clients: DesiredClient[] = [];
  for (const entry of entries) clients.push(await checkAndBuildDesiredClient(context, entry, findings, secrets));
  reportDuplicateKeysAndIds(entries, clients, findings);
  reportUnsetScopes(context, entries, clients, findings);
  problems.push(...shortenProblemList(findings.problems, MAX_LISTED));
  for (const warning of findings.warnings.slice(0, MAX_LISTED)) context.warn(warning, "advice");
  return { clients, files: read.files };
}

/** Creates entries of the values of files, those of manifests translated; mistakes are added to the findings. */
function translateToStateEntries(
  context: Pick<StateFileContext, "values" | "note">,
  values: readonly PositionedClientValue[],
  findings: StateFileFindings,
): readonly StateFileEntry[] {
  const objects = values.filter((each) => isClientObjectOrReport(each, findings));
  const origins = new Map(objects.map((each) => [each.value, each]));
  const files = [...Map.groupBy(objects, ({ file }) => file)].map(([name, own]) => ({
    name,
    values: own.map(({ value }) => value),
  }));
  const id = context.values.text(ID_FIELD);
  const secret = context.values.text(SECRET_FIELD);
  const manifests = translateManifests(files, id === undefined || secret === undefined ? undefined : { id, secret });
  reportManifests(context, manifests, origins, findings);
  return manifests.entries.flatMap(({ value: client, source }) => {
    const value = origins.get(source);
    if (value === undefined || !isJsonObject(client)) return [];
    const manifest = isJsonObject(source) && source !== client ? source : undefined;
    const { [X_HYDRA_MEMBER]: own, ...fields } = client;
    const marked = completeSettingsFromMark(own, readStackMark(fields));
    reportOtherStack(context, value, fields, findings);
    const { extension, faults } = parseXHydraSettings(marked);
    for (const { path, message, hint } of faults) findings.error(value, path, { message, hint, code: "bad-extension" });
    return [{ value, fields: withScopeText(fields), extension, manifest }];
  });
}

/**
 * The settings of a client. What `get`, `list` and `--prune` print has the mark of the server, which says the same as the
 * settings that `export` writes for it; settings of the file win.
 */
function completeSettingsFromMark(own: unknown, mark: StackMark | undefined): unknown {
  if (mark === undefined) return own;
  if (own === undefined || own === null) return xHydraSettingsOfMark(mark);
  return isJsonObject(own) ? { ...xHydraSettingsOfMark(mark), ...own } : own;
}

/** Reports a client with the mark of another stack: in this one it would get another name, or be a second client. */
function reportOtherStack(
  { values }: Pick<StateFileContext, "values">,
  value: PositionedClientValue,
  fields: JsonObject,
  findings: StateFileFindings,
): void {
  const mark = readStackMark(fields);
  const stack = values.text(STACK);
  if (mark === undefined || mark.stack === stack) return;
  findings.error(value, ["metadata", STACK_MARK_MEMBER], {
    message: `the client has the mark of stack ${quote(mark.stack)}, and this is stack ${quote(stack)}`,
    hint: `use --stack ${quote(mark.stack)}, or remove ${quote(STACK_MARK_MEMBER)} from its metadata`,
    code: "other-stack",
  });
}

/** Whether a value is an object of an acceptable size; anything else is added to the findings. */
function isClientObjectOrReport(each: PositionedClientValue, findings: StateFileFindings): boolean {
  if (!isJsonObject(each.value)) {
    const hint = "a client is a JSON or YAML object";
    findings.error(each, [], { message: "this is not an object", hint, code: "bad-file" });
    return false;
  }
  const oversized = findClientBoundsProblem(each.value, formatFilePosition(each.file, each.at([])));
  if (oversized !== undefined) findings.problems.push(oversized);
  return oversized === undefined;
}

function reportManifests(
  { values, note }: Pick<StateFileContext, "values" | "note">,
  { entries, unknownKeys, notes, problems, skipped, filesWithoutClient }: TranslatedManifests,
  origins: ReadonlyMap<unknown, PositionedClientValue>,
  findings: StateFileFindings,
): void {
  for (const line of notes) note(line);
  const folderFiles = new Set([...origins.values()].flatMap(({ file, isFromFolder }) => (isFromFolder ? file : [])));
  const named = filesWithoutClient.filter(({ file }) => !folderFiles.has(file));
  findings.problems.push(...problems, ...named.map(({ problem }) => problem));
  const count = skipped.length + filesWithoutClient.length - named.length;
  if (count > 0) note(`Skipped Kubernetes objects of other kinds in ${count} ${count === 1 ? "file" : "files"}`);
  const sources = new Map(entries.map(({ location, source }) => [location, origins.get(source)]));
  for (const { location, key, meant } of unknownKeys) {
    const value = sources.get(location);
    if (value === undefined) continue;
    const fault = {
      message: `${quote(key)} is not a key of an OAuth2Client`,
      hint: meant === undefined ? "remove it, or add --lenient" : `did you mean ${meant}? --lenient accepts it`,
      code: "unknown-field",
    } as const;
    if (values.bool(LENIENT_FIELD_NAMES)) findings.warning(value, key.split("."), fault);
    else findings.error(value, key.split("."), fault);
  }
}

/** Checks one client, reads its secret, and builds what is desired; problems are collected. */
async function checkAndBuildDesiredClient(
  context: Pick<StateFileContext, "values" | "host" | "readFile">,
  entry: StateFileEntry,
  findings: StateFileFindings,
  secrets: "read" | "leave",
): Promise<DesiredClient> {
  const { value, fields, extension, manifest } = entry;
  if (manifest === undefined) reportFieldMistakes(context, entry, findings);
  const { client_id: id, client_secret: _, ...rest } = fields;
  // Its settings say the same as the mark.
  const client = withoutStackMark(
    Object.fromEntries(Object.entries(rest).filter(([field]) => !IGNORED_FILE_FIELDS.has(field))),
  );
  const { origin, text, version, problem } = await readSecretOfEntry(context, entry, secrets);
  lintEntry(context, entry, isAbsentOrEmpty(id) ? client : { ...client, client_id: id }, text, findings);
  if (extension.secret !== undefined && !usesSecret(client))
    findings.error(value, [X_HYDRA_MEMBER, "secret"], {
      message: isPublic(client)
        ? "a public client has no secret"
        : "a client with private_key_jwt does not use a secret",
      hint: `remove ${X_HYDRA_MEMBER}.secret, or choose another token_endpoint_auth_method`,
      code: "public-client-secret",
    });
  return {
    key: chooseStackKey(entry, findings),
    clientId: typeof id === "string" && id !== "" ? id : undefined,
    client,
    secretOrigin: origin,
    secret: text,
    secretProblem: problem,
    secretVersion: version,
    protect: objectOrEmpty(manifest?.["spec"])["deletionPolicy"] === "orphan" ? true : extension.protect,
    secretObject: kubernetesSecretOfManifest(manifest),
    maesterOwner: manifest === undefined ? undefined : getTextField(client, "owner"),
    source: { file: value.file, ...value.at([]) },
  };
}

/** Where the secret of a client comes from, and what it is, if it is read now. */
interface EntrySecret {
  readonly origin?: string;
  readonly text?: string | undefined;
  readonly problem?: Problem;
  readonly version?: number | undefined;
}

async function readSecretOfEntry(
  context: Pick<StateFileContext, "host" | "readFile">,
  entry: StateFileEntry,
  secrets: "read" | "leave",
): Promise<EntrySecret> {
  const { fields, extension, manifest } = entry;
  if (manifest !== undefined) {
    const text = getTextField(fields, "client_secret");
    return text === undefined || isPublic(fields) ? {} : { origin: "the Secret of its manifest", text };
  }
  if (extension.secret === undefined) return {};
  const origin = describeReference(entry, extension.secret);
  const { version } = extension.secret;
  if (secrets === "leave") return { origin, version };
  const read = await readReferencedSecretOrProblem(context, entry, extension.secret);
  return read instanceof Problem ? { origin, version, problem: read } : { origin, version, text: read };
}

function kubernetesSecretOfManifest(manifest: JsonObject | undefined): KubernetesSecretNameAndNamespace | undefined {
  const name = getTextField(objectOrEmpty(manifest?.["spec"]), "secretName");
  if (name === undefined || name === "") return undefined;
  return { name, namespace: readKubernetesObject(manifest)?.metadata.namespace };
}

/**
 * Chooses the name of a client in its stack: the one of `x-hydra`, of the manifest, the ID, or the name of the file;
 * none is a finding.
 */
function chooseStackKey({ value, fields, extension, manifest }: StateFileEntry, findings: StateFileFindings): string {
  if (extension.key !== undefined) return extension.key;
  if (manifest !== undefined) return namespacedNameOf(manifest);
  const id = getTextField(fields, "client_id") ?? "";
  if (id !== "") return id;
  const stem = /([^/\\]+?)(?:\.[^./\\]*)?$/.exec(value.file)?.[1] ?? "";
  if (!value.isStdin) return stem;
  findings.error(value, [], {
    message: "the client has neither a client_id nor a key",
    hint: `add ${X_HYDRA_MEMBER}: {key: NAME}`,
    code: "no-key",
  });
  return "";
}

function describeReference({ value }: StateFileEntry, { from, name }: SecretVariableOrFile): string {
  return from === "env" ? `environment variable ${name}` : resolvePathFromFile(value, name);
}

/** Resolves a path in a file of clients, which is relative to that file. */
function resolvePathFromFile({ file, isStdin }: Pick<PositionedClientValue, "file" | "isStdin">, path: string): string {
  return isStdin ? path : pathRelativeToFile(path, file);
}

/** The secret that `x-hydra.secret` names, or why it can't be read. One that is missing is never replaced by a generated one. */
async function readReferencedSecretOrProblem(
  { host, readFile }: Pick<StateFileContext, "host" | "readFile">,
  { value }: StateFileEntry,
  secret: SecretVariableOrFile,
): Promise<string | Problem> {
  const path = [X_HYDRA_MEMBER, "secret", secret.from];
  if (secret.from === "env") {
    const text = withoutFinalLineBreak(host.environment(secret.name) ?? "");
    if (text !== "") return text;
    const message = `environment variable ${quote(secret.name)} is not set`;
    return positionedProblem(value, path, { message, hint: "set it to the secret of the client", code: "no-secret" });
  }
  const file = await resultOrProblem(() =>
    readFile(resolvePathFromFile(value, secret.name), `${X_HYDRA_MEMBER}.secret`),
  );
  if (file instanceof Problem) {
    const { message, hint = "check the path", code } = file;
    return positionedProblem(value, path, { message, hint, code });
  }
  const text = withoutFinalLineBreak(file.text);
  if (text !== "") return text;
  const message = `there is no secret in ${quote(file.name)}`;
  return positionedProblem(value, path, { message, hint: "write the secret to it", code: "no-secret" });
}
