import * as v from "valibot";
import { isStringList, type JsonObject } from "../json/json.ts";
import { JsonObjectOrEmpty, jsonObjectSchema, parseOrReject, TextOrMissing } from "../json/schemas.ts";
import { type Problem, usageError } from "../problem.ts";
import { escapeControls, joinWords, quote, suggestWord } from "../text.ts";
import { usesSecret } from "./client.ts";
import { CREDENTIAL_AND_SERVER_FIELDS, FIELD_NAMES } from "./fields.ts";
import {
  DEFAULT_NAMESPACE,
  isKubernetesObject,
  itemsOfKubernetesList,
  type KubernetesObject,
  readKubernetesObject,
} from "./kubernetes-object.ts";

/** The values of one file: its YAML documents, or the values of its JSON. */
interface ManifestFile {
  readonly name: string;
  readonly values: readonly unknown[];
}

/** A value of a file after its manifests were translated: a client from a manifest, or another value as it was. */
interface TranslatedEntry {
  readonly file: string;
  readonly value: unknown;
  /** How messages name a client from a manifest: `app.yaml, OAuth2Client ory/web`; undefined for any other value. */
  readonly location?: string;
  /** The manifest of a client, or the value itself. */
  readonly source: unknown;
}

/** A key of a manifest that hydra-maester doesn't know either. */
interface UnknownManifestKey {
  /** `app.yaml, OAuth2Client ory/web` */
  readonly location: string;
  /** With its path: `spec.client_name`. */
  readonly key: string;
  /** The right key, with its path, if one is near. */
  readonly meant: string | undefined;
}

/** The Kubernetes objects of a file that are not clients. */
interface SkippedObjects {
  readonly file: string;
  /** How many there are of each kind: `2 Deployment, 1 Service`. */
  readonly counts: string;
}

/** What {@link translateManifests} made of some files. */
export interface TranslatedManifests {
  /** In the order of the input. */
  readonly entries: readonly TranslatedEntry[];
  readonly unknownKeys: readonly UnknownManifestKey[];
  readonly notes: readonly string[];
  readonly problems: readonly Problem[];
  /** The other objects of files that have clients too. */
  readonly skipped: readonly SkippedObjects[];
  /** The files whose objects are all of other kinds, each with the problem that this is unless they were only found in a folder. */
  readonly filesWithoutClient: readonly { readonly file: string; readonly problem: Problem }[];
}

/** The note about objects that were skipped. */
export function skippedObjectsNote({ file, counts }: SkippedObjects): string {
  return `${file}: skipped Kubernetes objects of other kinds (${counts})`;
}

/** The keys of a Kubernetes Secret that hold a client's credentials. */
export interface KubernetesSecretKeyNames {
  readonly id: string;
  readonly secret: string;
}

/** What hydra-maester writes since 0.0.31. */
const NEW_KEYS: KubernetesSecretKeyNames = { id: "CLIENT_ID", secret: "CLIENT_SECRET" };

/** What it writes in any version. */
const DEFAULT_KEYS: readonly KubernetesSecretKeyNames[] = [NEW_KEYS, { id: "client_id", secret: "client_secret" }];

/** The API group of hydra-maester, in any version. */
export const MANIFEST_GROUP_PREFIX = "hydra.ory.sh/";

export const MANIFEST_KIND = "OAuth2Client";

/** The spelling of Kubernetes for a client field: `redirect_uris` -> `redirectUris`. */
function camelCase(field: string): string {
  return field.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Client fields that a manifest has elsewhere, or in another form. */
const NOT_IN_SPEC: ReadonlySet<string> = new Set([
  ...CREDENTIAL_AND_SERVER_FIELDS.filter((field) => field !== "client_secret_expires_at"),
  "scope",
  "owner",
]);

const isLifespan = (field: string): boolean => field.endsWith("_token_lifespan");

/** Client fields by their names in `spec`. The four of logout have capitals of their own. */
export const CLIENT_FIELD_BY_SPEC_KEY: ReadonlyMap<string, string> = new Map([
  ...FIELD_NAMES.filter((field) => !NOT_IN_SPEC.has(field) && !isLifespan(field)).map(
    (field) => [camelCase(field), field] as const,
  ),
  ["frontChannelLogoutURI", "frontchannel_logout_uri"],
  ["frontChannelLogoutSessionRequired", "frontchannel_logout_session_required"],
  ["backChannelLogoutURI", "backchannel_logout_uri"],
  ["backChannelLogoutSessionRequired", "backchannel_logout_session_required"],
]);

/** Keys of `spec` that steer the controller, or that are translated apart. */
export const OTHER_SPEC_KEYS: readonly string[] = [
  "scope",
  "scopeArray",
  "secretName",
  "tokenLifespans",
  "hydraAdmin",
  "deletionPolicy",
];

const SPEC_KEYS: readonly string[] = [...CLIENT_FIELD_BY_SPEC_KEY.keys(), ...OTHER_SPEC_KEYS];

const LIFESPANS: readonly string[] = FIELD_NAMES.filter(isLifespan);

/** What of a spec is not a field of its client. */
const ControllerSettings = v.object({
  secretName: TextOrMissing,
  hydraAdmin: v.fallback(jsonObjectSchema({ url: TextOrMissing }), {}),
  tokenLifespans: JsonObjectOrEmpty,
});

/** A Kubernetes object of a file. */
interface KubernetesObjectInFile extends KubernetesObject {
  readonly file: string;
  readonly body: unknown;
}

/** Takes the objects out of a value: of a `List` and of an array the items, at any depth that a file may have. */
function flattenKubernetesLists(value: unknown): readonly unknown[] {
  const found: unknown[] = [];
  const rest: unknown[] = [value];
  while (rest.length > 0) {
    const next = rest.pop();
    const items = listItems(next);
    if (items === undefined) found.push(next);
    else rest.push(...items.toReversed());
  }
  return found;
}

/** The items of a Kubernetes list or of an array that has Kubernetes objects in it; undefined for every other value. */
function listItems(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value.some(isKubernetesObject) ? value : undefined;
  const object = readKubernetesObject(value);
  return object === undefined ? undefined : itemsOfKubernetesList(object);
}

/** Whether an object is a manifest of hydra-maester. */
function isMaesterClient({ kind, apiVersion = MANIFEST_GROUP_PREFIX }: KubernetesObject): boolean {
  return kind === MANIFEST_KIND && apiVersion.startsWith(MANIFEST_GROUP_PREFIX);
}

function isKubernetesSecret({ kind, apiVersion = "v1" }: KubernetesObject): boolean {
  return kind === "Secret" && apiVersion === "v1";
}

function namespaceOf({ metadata: { namespace = DEFAULT_NAMESPACE } }: KubernetesObject): string {
  return namespace;
}

function safeNamespacedName(object: KubernetesObject): string {
  return escapeControls(`${namespaceOf(object)}/${object.metadata.name ?? "?"}`);
}

/** What is collected while manifests are translated. */
interface ManifestFindings {
  readonly unknownKeys: UnknownManifestKey[];
  readonly notes: string[];
  readonly problems: Problem[];
}

/** A key without its case and its separators, for finding the one that was meant. */
function normalizeManifestKey(key: string): string {
  return key.toLowerCase().replaceAll("_", "").replaceAll("-", "");
}

/** The known key that a misspelled one means: in another case or with other separators, or a few letters away. */
function nearestManifestKey(key: string, known: readonly string[]): string | undefined {
  return known.find((name) => normalizeManifestKey(name) === normalizeManifestKey(key)) ?? suggestWord(key, known);
}

/** Joins a list of texts with spaces; any other value stays as it is, so that the rules report it. */
function joinIfStringList(value: unknown): unknown {
  return isStringList(value) ? value.join(" ") : value;
}

/** The scope as hydra-maester composes it: the words of `scopeArray`, then those of `scope`. */
export function scopeOfSpec(spec: JsonObject): unknown {
  const parts = [joinIfStringList(spec["scopeArray"]), joinIfStringList(spec["scope"])].filter(
    (part) => (part ?? "") !== "",
  );
  const [first] = parts;
  return parts.every((part) => typeof part === "string") ? parts.join(" ").trim() || undefined : first;
}

function collectKnownLifespans(written: JsonObject, location: string, findings: ManifestFindings): JsonObject {
  const lifespans: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(written)) {
    if (LIFESPANS.includes(key)) {
      // An empty lifespan is the server's default to hydra-maester; servers reject it.
      if (value !== "") lifespans[key] = value;
      continue;
    }
    const meant = nearestManifestKey(key, LIFESPANS);
    findings.unknownKeys.push({
      location,
      key: `spec.tokenLifespans.${key}`,
      meant: meant === undefined ? undefined : `spec.tokenLifespans.${meant}`,
    });
  }
  return lifespans;
}

/** Translates the fields that a spec sets, without its lifespans; unknown keys are collected. */
function translateSpecFields(spec: JsonObject, location: string, findings: ManifestFindings): JsonObject {
  const client: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(spec)) {
    const field = CLIENT_FIELD_BY_SPEC_KEY.get(key);
    if (field !== undefined) {
      if (value !== null) client[field] = value;
    } else if (!OTHER_SPEC_KEYS.includes(key)) {
      findings.unknownKeys.push(unknownSpecKey(key, location));
    }
  }
  const scope = scopeOfSpec(spec);
  return { ...client, ...(scope === undefined || scope === null ? {} : { scope }) };
}

/** Credentials that people put into `spec`; a manifest has them in its Secret. */
const CREDENTIAL_KEYS: ReadonlySet<string> = new Set(["clientid", "id", "clientsecret", "secret"]);

function unknownSpecKey(key: string, location: string): UnknownManifestKey {
  const near = CREDENTIAL_KEYS.has(normalizeManifestKey(key)) ? "secretName" : nearestManifestKey(key, SPEC_KEYS);
  return { location, key: `spec.${key}`, meant: near === undefined ? undefined : `spec.${near}` };
}

/** The Secret that a client names; that of the same namespace first, then one if either gives no namespace. */
function findNamedSecret(
  client: KubernetesObject,
  name: string,
  secrets: readonly KubernetesObjectInFile[],
): KubernetesObjectInFile | undefined {
  const named = secrets.filter((secret) => secret.metadata.name === name);
  const hasNone = ({ metadata }: KubernetesObject): boolean => metadata.namespace === undefined;
  return (
    named.find((secret) => namespaceOf(secret) === namespaceOf(client)) ??
    named.find((secret) => hasNone(secret) || hasNone(client))
  );
}

/** Decodes base64 of UTF-8 text (RFC 4648, section 4); undefined for anything else. */
function decodeBase64Text(value: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(value), (char) => char.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const PlainValue = v.string();

const EncodedValue = v.pipe(v.string(), v.transform(decodeBase64Text), v.string());

function keysIn({ stringData, data }: KubernetesObject): readonly string[] {
  return [stringData, data].flatMap((part) => Object.keys(part));
}

function badKubernetesSecretProblem(secret: KubernetesObjectInFile, what: string, hint: string): Problem {
  return usageError(`${secret.file}, Secret ${safeNamespacedName(secret)} ${what}`, hint, "bad-secret");
}

/**
 * Chooses the names of the keys that hold the credentials: the given ones, or those of hydra-maester's own that exist.
 */
function chooseCredentialKeyNames(
  own: readonly string[],
  keys: KubernetesSecretKeyNames | undefined,
): KubernetesSecretKeyNames {
  return keys ?? DEFAULT_KEYS.find(({ id }) => own.includes(id)) ?? NEW_KEYS;
}

/**
 * A value of a Secret that a client needs, where `stringData` overrides `data`, as in Kubernetes; the problem of one that is
 * absent or that can't be read.
 */
function readCredentialOrProblem(secret: KubernetesObjectInFile, key: string): string | Problem {
  const { stringData, data } = secret;
  const [part, schema] = Object.hasOwn(stringData, key) ? [stringData, PlainValue] : [data, EncodedValue];
  if (Object.hasOwn(part, key))
    return parseOrReject(schema, part[key], () =>
      badKubernetesSecretProblem(
        secret,
        `has an unreadable value under ${quote(key)}`,
        'values under "data" are base64 of UTF-8 text; put plain text under "stringData"',
      ),
    );
  const own = keysIn(secret);
  const found = own.length === 0 ? "it has no keys" : `its keys are ${joinWords(own.slice(0, 10).map(quote))}`;
  return badKubernetesSecretProblem(secret, `has no key ${quote(key)}`, found);
}

/** Reads the ID and the secret in a Secret, as client fields. Only a client that uses its secret needs one there. */
function readIdAndSecretFields(
  secret: KubernetesObjectInFile,
  client: JsonObject,
  keys: KubernetesSecretKeyNames | undefined,
  problems: Problem[],
): JsonObject {
  const own = keysIn(secret);
  const names = chooseCredentialKeyNames(own, keys);
  const read: Record<string, unknown> = {};
  const take = (field: string, key: string): void => {
    const found = readCredentialOrProblem(secret, key);
    if (typeof found === "string") read[field] = found;
    else problems.push(found);
  };
  take("client_id", names.id);
  if (usesSecret(client) || own.includes(names.secret)) take("client_secret", names.secret);
  return read;
}

/** What translating one manifest needs. */
interface ManifestTranslationContext {
  readonly secrets: readonly KubernetesObjectInFile[];
  readonly used: Set<KubernetesObject>;
  readonly keys: KubernetesSecretKeyNames | undefined;
  readonly findings: ManifestFindings;
}

function translateClientManifest(
  object: KubernetesObjectInFile,
  { secrets, used, keys, findings }: ManifestTranslationContext,
): TranslatedEntry | undefined {
  const location = `${object.file}, ${MANIFEST_KIND} ${safeNamespacedName(object)}`;
  const { spec, metadata } = object;
  if (metadata.name === undefined || spec === undefined) {
    const missing = metadata.name === undefined ? "metadata.name" : "spec";
    findings.problems.push(
      usageError(`${location} has no ${missing}`, "give the manifest as it is applied to the cluster", "bad-manifest"),
    );
    return undefined;
  }
  const { secretName, hydraAdmin, tokenLifespans } = v.parse(ControllerSettings, spec);
  const client = {
    ...translateSpecFields(spec, location, findings),
    owner: `${metadata.name}/${namespaceOf(object)}`,
    ...collectKnownLifespans(tokenLifespans, location, findings),
  };
  const secret = secretName === undefined ? undefined : findNamedSecret(object, secretName, secrets);
  if (secret !== undefined) used.add(secret);
  const credentials = secret === undefined ? {} : readIdAndSecretFields(secret, client, keys, findings.problems);
  if (hydraAdmin.url !== undefined)
    findings.notes.push(`${location}: spec.hydraAdmin is ignored; --endpoint chooses the server`);
  return { file: object.file, location, value: { ...credentials, ...client }, source: object.body };
}

/** `2 Deployment, 1 Service` */
function countsByKindText(objects: readonly KubernetesObject[]): string {
  const counts = new Map<string, number>();
  for (const { kind, apiVersion } of objects) {
    const shown = kind === MANIFEST_KIND ? `${kind} of ${apiVersion}` : kind;
    counts.set(shown, (counts.get(shown) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => `${count} ${quote(kind).slice(1, -1)}`).join(", ");
}

/** The objects of a file that are not clients; undefined if there are none. */
function findSkippedObjects(
  file: string,
  objects: readonly KubernetesObjectInFile[],
  used: ReadonlySet<KubernetesObject>,
): (SkippedObjects & { readonly hasClient: boolean }) | undefined {
  const own = objects.filter((object) => object.file === file);
  const skipped = own.filter((object) => !isMaesterClient(object) && !used.has(object));
  if (skipped.length === 0) return undefined;
  return { file, counts: countsByKindText(skipped), hasClient: own.length > skipped.length };
}

function noClientProblem({ file, counts }: SkippedObjects): Problem {
  return usageError(
    `${file} holds Kubernetes objects but no ${MANIFEST_KIND} (${counts})`,
    `give manifests of kind ${MANIFEST_KIND} (${MANIFEST_GROUP_PREFIX}v1alpha1), or clients as JSON or YAML objects`,
    "no-client",
  );
}

/**
 * Translates the hydra-maester manifests among the values of some files to clients: `OAuth2Client` of every version of its
 * CRD, also in a Kubernetes `List`. `spec.secretName` gives the ID and the secret if a Secret of that name is in one of
 * the files; `keys` names its keys if they are not hydra-maester's own. Other Kubernetes objects are skipped, and reported
 * for each file. Values that are not Kubernetes objects stay as they are.
 */
export function translateManifests(
  files: readonly ManifestFile[],
  keys?: KubernetesSecretKeyNames,
): TranslatedManifests {
  const findings: ManifestFindings = { unknownKeys: [], notes: [], problems: [] };
  const values = files.flatMap(({ name, values: own }) =>
    own.flatMap(flattenKubernetesLists).map((value) => ({ file: name, value })),
  );
  const objects = new Map(
    values.flatMap(({ file, value: body }) => {
      const object = readKubernetesObject(body);
      return object === undefined ? [] : [[body, { ...object, file, body }] as const];
    }),
  );
  const all = [...objects.values()];
  const translation: ManifestTranslationContext = {
    secrets: all.filter(isKubernetesSecret),
    used: new Set(),
    keys,
    findings,
  };
  const entries = values.flatMap(({ file, value }): readonly TranslatedEntry[] => {
    const object = objects.get(value);
    if (object === undefined) return [{ file, value, source: value }];
    const entry = isMaesterClient(object) ? translateClientManifest(object, translation) : undefined;
    return entry === undefined ? [] : [entry];
  });
  const others = files.flatMap(({ name }) => findSkippedObjects(name, all, translation.used) ?? []);
  return {
    entries,
    ...findings,
    skipped: others.filter(({ hasClient }) => hasClient).map(({ file, counts }) => ({ file, counts })),
    filesWithoutClient: others
      .filter(({ hasClient }) => !hasClient)
      .map((each) => ({ file: each.file, problem: noClientProblem(each) })),
  };
}
