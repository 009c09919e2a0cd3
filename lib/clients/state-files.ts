import type { Context } from "../command.ts";
import { getTextField, isEmpty, isPublic } from "../core/client/client.ts";
import { SERVER_FIELDS } from "../core/client/fields.ts";
import { isKubernetesObject, type Manifests, readManifests } from "../core/client/maester.ts";
import { classifyFieldName } from "../core/client/misnamed-fields.ts";
import { lintClient } from "../core/client/rules.ts";
import { ID_FIELD, LENIENT, SECRET_FIELD, STRICT } from "../core/flags/flag-table.ts";
import { MERGE } from "../core/flags/state-flags.ts";
import { isJsonObject, isStringList, type JsonObject } from "../core/json.ts";
import { Problem, type ProblemCode, usageError } from "../core/problem.ts";
import type { DesiredClient, SecretObject } from "../core/state/desired.ts";
import { EXTENSION, type Extension, parseExtension, type SecretReference } from "../core/state/extension.ts";
import { joinWords, quote } from "../core/text.ts";
import { oversizedClientProblem } from "./client-files.ts";
import { isCheckedOffline } from "./id-checks.ts";
import { type FileValue, formatPosition, readFileValues, type StateInputContext } from "./state-input.ts";

/** What reading the clients of a stack needs of a command's context. */
export type StateFileContext = StateInputContext & Pick<Context, "warn">;

/** The clients that files describe. */
export interface DesiredClients {
  readonly clients: readonly DesiredClient[];
  readonly files: number;
}

/** How many problems are listed one by one. */
const MAX_LISTED = 100;

/** Fields that a server sets itself; a file that was exported may have them. */
const IGNORED_FIELDS: ReadonlySet<string> = new Set([
  ...SERVER_FIELDS.filter((field) => field !== "client_id" && field !== "client_secret"),
  "client_id_issued_at",
]);

/** A client in a file, not checked yet. */
interface Entry {
  readonly value: FileValue;
  readonly fields: JsonObject;
  readonly extension: Extension;
  /** The manifest that the client was translated from. */
  readonly manifest: JsonObject | undefined;
}

/** What is collected about the entries. */
class Findings {
  readonly problems: Problem[] = [];
  readonly warnings: string[] = [];
  readonly #context: Pick<Context, "values">;

  constructor(context: Pick<Context, "values">) {
    this.#context = context;
  }

  error({ file, at }: FileValue, path: Parameters<FileValue["at"]>[0], fault: Fault): void {
    const message = `${formatPosition(file, at(path))}: ${fault.message}`;
    this.problems.push(usageError(message, fault.hint, fault.code));
  }

  /** A warning, or an error with `--strict`. */
  warning(value: FileValue, path: Parameters<FileValue["at"]>[0], fault: Fault): void {
    if (this.#context.values.bool(STRICT)) this.error(value, path, fault);
    else
      this.warnings.push(
        `${formatPosition(value.file, value.at(path))}: ${fault.message} [${fault.code}]: ${fault.hint}`,
      );
  }
}

interface Fault {
  readonly message: string;
  readonly hint: string;
  readonly code: ProblemCode;
}

/** Reads and checks all files that the command line names. Everything that is wrong is added to the problems, at once. */
export async function readDesiredClients(
  context: StateFileContext,
  problems: Problem[],
  secrets: "read" | "leave",
): Promise<DesiredClients> {
  const read = await readFileValues(context, problems);
  const findings = new Findings(context);
  const entries = entriesOf(context, read.values, findings);
  const clients: DesiredClient[] = [];
  for (const entry of entries) clients.push(await desiredClient(context, entry, findings, secrets));
  reportDuplicates(entries, clients, findings);
  reportUnsetScopes(context, entries, clients, findings);
  problems.push(...limited(findings.problems));
  for (const warning of findings.warnings.slice(0, MAX_LISTED)) context.warn(warning, "advice");
  return { clients, files: read.files };
}

function limited(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= MAX_LISTED) return problems;
  const more = `${problems.length - MAX_LISTED} more problems are not shown`;
  return [...problems.slice(0, MAX_LISTED), usageError(more, "fix these first", "more")];
}

/** The clients among the values of files, those of manifests translated. */
function entriesOf(
  context: Pick<StateFileContext, "values" | "note">,
  values: readonly FileValue[],
  findings: Findings,
): readonly Entry[] {
  const objects = values.filter((each) => isReadable(each, findings));
  const origins = new Map(objects.map((each) => [each.value, each]));
  const files = [...Map.groupBy(objects, ({ file }) => file)].map(([name, own]) => ({
    name,
    values: own.map(({ value }) => value),
  }));
  const id = context.values.text(ID_FIELD);
  const secret = context.values.text(SECRET_FIELD);
  const manifests = readManifests(files, id === undefined || secret === undefined ? undefined : { id, secret });
  reportManifests(context, manifests, { objects, origins, findings });
  return manifests.entries.flatMap(({ value: client, source }) => {
    const value = origins.get(source);
    if (value === undefined || !isJsonObject(client)) return [];
    const manifest = isJsonObject(source) && source !== client ? source : undefined;
    const { [EXTENSION]: own, ...fields } = client;
    const { extension, faults } = parseExtension(own);
    for (const { path, message, hint } of faults) findings.error(value, path, { message, hint, code: "bad-extension" });
    return [{ value, fields: withScopeText(fields), extension, manifest }];
  });
}

function isReadable(each: FileValue, findings: Findings): boolean {
  if (!isJsonObject(each.value)) {
    const hint = "a client is a JSON or YAML object";
    findings.error(each, [], { message: "this is not an object", hint, code: "bad-file" });
    return false;
  }
  const oversized = oversizedClientProblem(each.value, formatPosition(each.file, each.at([])));
  if (oversized !== undefined) findings.problems.push(oversized);
  return oversized === undefined;
}

/** A scope that is a list of words, as a text. */
function withScopeText(client: JsonObject): JsonObject {
  return isStringList(client["scope"]) ? { ...client, scope: client["scope"].join(" ") } : client;
}

interface ManifestReport {
  readonly objects: readonly FileValue[];
  readonly origins: ReadonlyMap<unknown, FileValue>;
  readonly findings: Findings;
}

function reportManifests(
  { values, note }: Pick<StateFileContext, "values" | "note">,
  { entries, unknownKeys, notes, problems }: Manifests,
  { objects, origins, findings }: ManifestReport,
): void {
  const skipped = notes.filter((line) => line.includes(": skipped "));
  for (const line of notes) if (!skipped.includes(line)) note(line);
  const folderFiles = new Set(objects.flatMap(({ file, isFromFolder }) => (isFromFolder ? [file] : [])));
  const others = problems.filter(
    ({ code, message }) => code === "no-client" && [...folderFiles].some((file) => message.startsWith(`${file} `)),
  );
  findings.problems.push(...problems.filter((problem) => !others.includes(problem)));
  const count = skipped.length + others.length;
  if (count > 0) note(`Skipped Kubernetes objects of other kinds in ${count} ${count === 1 ? "file" : "files"}`);
  const sources = new Map(entries.map(({ location, source }) => [location, origins.get(source)]));
  for (const { location, key, meant } of unknownKeys) {
    const value = sources.get(location);
    if (value === undefined) continue;
    const fault = {
      message: `${quote(key)} is not a key of an OAuth2Client`,
      hint: meant === undefined ? "remove it, or add --lenient" : `did you mean ${meant}? --lenient goes on anyway`,
      code: "unknown-field",
    } as const;
    if (values.bool(LENIENT)) findings.warning(value, key.split("."), fault);
    else findings.error(value, key.split("."), fault);
  }
}

/** Checks one client; the problems are collected. */
async function desiredClient(
  context: Pick<StateFileContext, "values" | "host" | "readFile">,
  entry: Entry,
  findings: Findings,
  secrets: "read" | "leave",
): Promise<DesiredClient> {
  const { value, fields, extension, manifest } = entry;
  if (manifest === undefined) reportFieldNames(context, entry, findings);
  const { client_id: id, client_secret: embedded, ...rest } = fields;
  const client = Object.fromEntries(Object.entries(rest).filter(([field]) => !IGNORED_FIELDS.has(field)));
  const reference = manifest === undefined ? extension.secret : undefined;
  const read = reference === undefined || secrets === "leave" ? undefined : await readSecret(context, entry, findings);
  const fromManifest = manifest === undefined || typeof embedded !== "string" ? undefined : embedded;
  const origin = fromManifest === undefined ? undefined : "the Secret of its manifest";
  const text = read ?? fromManifest;
  const secretOrigin = origin ?? (reference === undefined ? undefined : describeReference(entry, reference));
  lint(context, entry, { ...client, ...(isEmpty(id) ? {} : { client_id: id }) }, text, findings);
  if (reference !== undefined && isPublic(client))
    findings.error(value, [EXTENSION, "secret"], {
      message: "a public client has no secret",
      hint: `remove ${EXTENSION}.secret, or choose another token_endpoint_auth_method`,
      code: "public-client-secret",
    });
  const { line, column } = value.at([]);
  return {
    key: keyOf(entry, findings),
    clientId: typeof id === "string" && id !== "" ? id : undefined,
    client,
    secretOrigin,
    secret: text === undefined || secretOrigin === undefined ? undefined : { text, origin: secretOrigin },
    secretVersion: reference?.version,
    protect: extension.protect || specOf(manifest)["deletionPolicy"] === "orphan",
    secretObject: secretObjectOf(manifest),
    source: { file: value.file, line, column },
  };
}

function specOf(manifest: JsonObject | undefined): JsonObject {
  const spec = manifest?.["spec"];
  return isJsonObject(spec) ? spec : {};
}

function metadataOf(manifest: JsonObject | undefined): JsonObject {
  const metadata = manifest?.["metadata"];
  return isJsonObject(metadata) ? metadata : {};
}

function secretObjectOf(manifest: JsonObject | undefined): SecretObject | undefined {
  const name = getTextField(specOf(manifest), "secretName");
  if (name === undefined || name === "") return undefined;
  return { name, namespace: getTextField(metadataOf(manifest), "namespace") };
}

/** The name of a client in its stack: the one of `x-hydra`, of the manifest, the ID, or the name of the file. */
function keyOf({ value, fields, extension, manifest }: Entry, findings: Findings): string {
  if (extension.key !== undefined) return extension.key;
  if (manifest !== undefined) {
    const metadata = metadataOf(manifest);
    return `${getTextField(metadata, "namespace") ?? "default"}/${getTextField(metadata, "name") ?? ""}`;
  }
  const id = getTextField(fields, "client_id") ?? "";
  if (id !== "") return id;
  const stem = /([^/\\]+?)(?:\.[^./\\]*)?$/.exec(value.file)?.[1] ?? "";
  if (value.file !== "standard input") return stem;
  findings.error(value, [], {
    message: "the client has neither a client_id nor a key",
    hint: `add ${EXTENSION}: {key: NAME}`,
    code: "no-key",
  });
  return "";
}

/** Reports keys that are not fields. All of them are errors, since a file is the whole client. */
function reportFieldNames({ values }: Pick<Context, "values">, { value, fields }: Entry, findings: Findings): void {
  const lenient = values.bool(LENIENT);
  if (!isEmpty(fields["client_secret"]))
    findings.error(value, ["client_secret"], {
      message: "a secret does not belong into a file of clients",
      hint: `use ${EXTENSION}: {secret: {env: NAME}} or {secret: {file: PATH}}, or leave it out`,
      code: "secret-in-file",
    });
  if (Object.keys(fields).length === 0 || isKubernetesObject(fields))
    findings.error(value, [], {
      message: "the client has no field",
      hint: "give clients as objects with fields such as client_name and grant_types",
      code: "bad-file",
    });
  for (const key of Object.keys(fields)) {
    const found = classifyFieldName(key);
    if (found.kind === "field" || IGNORED_FIELDS.has(key)) continue;
    const near =
      found.kind === "misspelt" ? `did you mean ${found.field}?` : found.kind === "wrong-name" ? found.hint : undefined;
    const fault = {
      message: `${quote(key)} is not a client field`,
      hint: `${near === undefined ? "remove it" : near}${near?.endsWith("?") ? " " : "; "}--lenient sends it anyway`,
      code: "unknown-field",
    } as const;
    if (lenient) findings.warning(value, [key], fault);
    else findings.error(value, [key], fault);
  }
}

/** Marks the names of fields in messages of the rules, so that the positions of these fields can be found. */
const FIELD_TAG = /\u0000([^\u0000]*)\u0000/g;

function lint(
  { values }: Pick<Context, "values">,
  { value, extension, manifest }: Entry,
  client: JsonObject,
  secret: string | undefined,
  findings: Findings,
): void {
  if (!isEmpty(client["metadata"]) && !isJsonObject(client["metadata"]))
    findings.error(value, ["metadata"], {
      message: "metadata is not an object, so it has no place for the name of the stack",
      hint: "write an object, such as metadata: {team: web}",
      code: "metadata-not-object",
    });
  const whole = secret === undefined ? client : { ...client, client_secret: secret };
  const isChecked = isCheckedOffline({ values });
  for (const finding of lintClient(whole, (field) => `\u0000${field}\u0000`)) {
    const { rule, severity, hint } = finding;
    if (extension.ignore.includes(rule) || !isChecked(finding)) continue;
    const field = FIELD_TAG.exec(finding.message)?.[1] ?? "";
    FIELD_TAG.lastIndex = 0;
    const path = manifest === undefined ? (field === "client_secret" ? [EXTENSION, "secret"] : [field]) : [];
    const message = finding.message.replace(FIELD_TAG, "$1");
    const report = severity === "error" ? findings.error : findings.warning;
    report.call(findings, value, path, { message, hint, code: rule });
  }
}

function describeReference({ value }: Entry, { from, name }: SecretReference): string {
  return from === "env" ? `environment variable ${name}` : pathFrom(value.file, name);
}

/** A path in a file of clients, which is relative to that file. */
function pathFrom(file: string, path: string): string {
  if (/^(?:[/\\]|[A-Za-z]:)/.test(path) || file === "standard input") return path;
  return `${/^.*[/\\]/.exec(file)?.[0] ?? ""}${path}`;
}

/** The secret that `x-hydra.secret` names. One that is missing is never replaced by a generated one. */
async function readSecret(
  { host, readFile }: Pick<StateFileContext, "host" | "readFile">,
  entry: Entry,
  findings: Findings,
): Promise<string | undefined> {
  const { value, extension } = entry;
  const { secret } = extension;
  if (secret === undefined) return undefined;
  const path = [EXTENSION, "secret", secret.from];
  if (secret.from === "env") {
    const text = host.environment(secret.name) ?? "";
    if (text !== "") return text;
    const hint = "set it to the secret of the client";
    findings.error(value, path, {
      message: `environment variable ${quote(secret.name)} is not set`,
      hint,
      code: "no-secret",
    });
    return undefined;
  }
  try {
    const file = await readFile(pathFrom(value.file, secret.name), `${EXTENSION}.secret`);
    const text = file.text.replace(/\r?\n$/, "");
    if (text !== "") return text;
    findings.error(value, path, {
      message: `there is no secret in ${quote(file.name)}`,
      hint: "write the secret to it",
      code: "no-secret",
    });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { message, hint = "check the path", code } = error;
    findings.error(value, path, { message, hint, code });
  }
  return undefined;
}

/** Reports keys and IDs that two clients have. */
function reportDuplicates(entries: readonly Entry[], clients: readonly DesiredClient[], findings: Findings): void {
  const names = [
    { what: "key", hint: `give one of them another ${EXTENSION}.key`, code: "key-twice", of: "key" },
    { what: "client_id", hint: "keep one of the two", code: "id-twice", of: "clientId" },
  ] as const;
  for (const { what, hint, code, of } of names) {
    const first = new Map<string, FileValue>();
    clients.forEach((client, at) => {
      const name = client[of];
      const value = entries[at]?.value;
      if (name === undefined || name === "" || value === undefined) return;
      const earlier = first.get(name);
      if (earlier === undefined) {
        first.set(name, value);
        return;
      }
      // A client_id that occurs twice is usually the key of both.
      if (what === "key" && client.clientId === name) return;
      const place = formatPosition(earlier.file, earlier.at(pathOf(what, entries[at])));
      findings.error(value, pathOf(what, entries[at]), {
        message: `${what} ${quote(name)} is also at ${place}`,
        hint,
        code,
      });
    });
  }
}

function pathOf(what: "key" | "client_id", entry: Entry | undefined): readonly string[] {
  if (what === "client_id") return ["client_id"];
  return entry?.extension.key === undefined ? [] : [EXTENSION, "key"];
}

/** Warns once of clients without a scope: the server's default is configuration, so it isn't compared. */
function reportUnsetScopes(
  { values }: Pick<Context, "values">,
  entries: readonly Entry[],
  clients: readonly DesiredClient[],
  findings: Findings,
): void {
  if (values.bool(MERGE)) return;
  const unset = clients.flatMap(({ client, key }, at) => {
    const entry = entries[at];
    const isUnset = isEmpty(client["scope"]) && entry?.extension.ignore.includes("scope-unset") !== true;
    return entry !== undefined && isUnset ? [{ value: entry.value, key }] : [];
  });
  const [first] = unset;
  if (first === undefined) return;
  const shown = unset.slice(0, 3).map(({ key }) => quote(key));
  const names = joinWords(unset.length > 3 ? [...shown, `${unset.length - 3} more`] : shown);
  findings.warning(first.value, [], {
    message: `scope is not set for ${names}: the server's default applies, and it is not compared`,
    hint: "list the scopes that each client may ask for",
    code: "scope-unset",
  });
}
