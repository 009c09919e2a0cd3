import type { ClientRecord } from "../client/client.ts";
import { getTextField, isAbsentOrEmpty, isPublic, usesSecret } from "../client/client.ts";
import {
  detectReleaseByFields,
  type FieldChange,
  findChanges,
  isEmptyOrFalse,
  type ReleaseLine,
  releaseTraits,
  serverStoresField,
} from "../client/equality.ts";
import { FIELD_BY_NAME, FIELD_NAMES } from "../client/fields.ts";
import { isJsonObject, type JsonObject } from "../json/json.ts";
import { commandWord } from "../output/shell-quote.ts";
import { quote } from "../text.ts";
import { deriveClientId } from "./derived-id.ts";
import type { DesiredClient } from "./desired-client.ts";
import { changesOfNewClient, type ShownChange, toShownChanges } from "./shown-change.ts";
import { readStackMark, type StackMark, withStackMark } from "./stack-mark.ts";

/** What is to be done with a client. */
export type StepAction = "create" | "change" | "adopt" | "unchanged" | "delete" | "refused";

/** What is to be done with a client's secret. */
type SecretAction =
  /** The client doesn't authenticate with a secret. */
  | "none"
  | "unchanged"
  | "generated"
  /** The one that the files give is set. */
  | "given"
  /** The same, because the server rejects it now. */
  | "mismatched";

/** What is to be done with one client. */
export interface StackPlanStep {
  readonly action: StepAction;
  readonly key: string;
  /** Undefined if the server will choose it. */
  readonly clientId: string | undefined;
  /** Undefined for a client that is in no file. */
  readonly desired: DesiredClient | undefined;
  /** The client that the server has. */
  readonly current: ClientRecord | undefined;
  /** What is sent to change the client. */
  readonly changes: readonly FieldChange[];
  /** The same for people, without the mark. */
  readonly shown: readonly ShownChange[];
  readonly secret: SecretAction;
  /** What differs and can't be changed. */
  readonly notes: readonly string[];
  /** Why nothing is done with the client. */
  readonly refusal?: ClientRefusal;
}

/** Why nothing is done with a client: it isn't ours, or the server can't have it as its file says. */
export interface ClientRefusal {
  readonly code: "not-ours" | "id-refused" | "client-id-slash" | "public-client-secret";
  readonly reason: string;
  readonly hint: string;
}

/** How clients are compared. */
export interface StackPlanOptions {
  readonly stack: string;
  /** Whether fields that a file leaves out are not compared. */
  readonly merge: boolean;
  readonly prune: boolean;
  /** Another stack whose clients are taken over. */
  readonly adoptFrom?: string | undefined;
}

/** What is to be done with all clients of a stack. */
export interface StackPlan {
  readonly stack: string;
  readonly release: ReleaseLine | undefined;
  /** The clients of the files in their order, then those that are in no file. */
  readonly steps: readonly StackPlanStep[];
  /** About the stack as a whole. */
  readonly notes: readonly string[];
}

/** How hydra-maester names the owner of a client: `NAME/NAMESPACE`. */
const MAESTER_OWNER_PATTERN = /^[a-z0-9.-]+\/[a-z0-9-]+$/;

/** The fields of a client as the server should have them, with the mark. */
function wantedFields(
  { client, key, protect, secretVersion }: DesiredClient,
  current: ClientRecord | undefined,
  { stack, merge }: StackPlanOptions,
): JsonObject {
  const before = current === undefined ? undefined : readStackMark(current);
  const version = Math.max(before?.secret ?? 0, secretVersion ?? 0);
  const mark: StackMark = {
    stack,
    key,
    ...(version === 0 ? {} : { secret: version }),
    ...((protect ?? (merge && before?.protect)) ? { protect: true } : {}),
  };
  const metadata = merge && isAbsentOrEmpty(client["metadata"]) ? current?.["metadata"] : client["metadata"];
  const named = withStackMark({ ...client, metadata }, mark);
  if (merge) return named;
  const unset = [...FIELD_BY_NAME.keys()].filter((name) => name !== "scope");
  return { ...Object.fromEntries(unset.map((name) => [name, null])), ...named };
}

/** The body that creates a client, without its ID and secret. */
export function bodyOfNewClient(desired: DesiredClient, options: StackPlanOptions): JsonObject {
  const wanted = wantedFields(desired, undefined, options);
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => !isEmptyOrFalse(value)));
}

/** Notes about fields of the file that the server doesn't store. */
function unstoredFieldNotes({ client }: DesiredClient, answer: ClientRecord | undefined): readonly string[] {
  if (answer === undefined) return [];
  const release = detectReleaseByFields(answer);
  return Object.entries(client).flatMap(([field, value]) => {
    if (isEmptyOrFalse(value) || serverStoresField(answer, field)) return [];
    if (!FIELD_NAMES.includes(field)) return [`${field} is not in the server's answers, so it is not compared`];
    return [`${field} is not kept by this server${release === undefined ? "" : ` (it answers as Hydra ${release})`}`];
  });
}

/** What is to be done with the secret of a client that exists. */
function secretActionForExisting(desired: DesiredClient, current: ClientRecord, merge: boolean): SecretAction {
  const after = merge ? { ...current, ...desired.client } : desired.client;
  if (!usesSecret(after)) return "none";
  const raised = desired.secretVersion !== undefined && desired.secretVersion > (readStackMark(current)?.secret ?? 0);
  // Until now it had no secret, or one that nobody knows.
  if (!raised && usesSecret(current)) return "unchanged";
  return desired.secretOrigin === undefined ? "generated" : "given";
}

function secretActionForNew({ client, secretOrigin }: DesiredClient): SecretAction {
  if (!usesSecret(client)) return "none";
  return secretOrigin === undefined ? "generated" : "given";
}

/** Why a client that exists must not be touched. */
function findRefusal(current: ClientRecord, { stack, merge, adoptFrom }: StackPlanOptions): ClientRefusal | undefined {
  const mark = readStackMark(current);
  if (mark !== undefined && mark.stack !== stack && mark.stack !== adoptFrom)
    return {
      code: "not-ours",
      reason: `it belongs to stack ${quote(mark.stack)}`,
      hint: `a client has one stack; to move it here, add --adopt-from ${commandWord(mark.stack)} once, before it leaves the files of that stack`,
    };
  const owner = getTextField(current, "owner") ?? "";
  if (mark === undefined && MAESTER_OWNER_PATTERN.test(owner)) return maesterRefusal(owner);
  const { metadata } = current;
  if (merge && !isAbsentOrEmpty(metadata) && !isJsonObject(metadata))
    return {
      code: "not-ours",
      reason: "its metadata is not an object, so it has no place for the name of the stack",
      hint: "without --merge the metadata is replaced",
    };
  return undefined;
}

function maesterRefusal(owner: string): ClientRefusal {
  return {
    code: "not-ours",
    reason: `it belongs to hydra-maester (owner ${quote(owner)})`,
    hint: "hydra help state explains how to take it over",
  };
}

/**
 * Plans the refusal of a manifest whose client hydra-maester keeps: it deletes all clients with its owner, also a
 * second one.
 */
function planRefusedMaesterClient(desired: DesiredClient, current: ClientRecord, owner: string): StackPlanStep {
  return {
    ...stepWithoutFieldChanges(desired.key, desired, current),
    action: "refused",
    refusal: maesterRefusal(owner),
  };
}

/** Why a secret of the file can't be set: without `--merge` a file says itself how its client authenticates. */
function findUnusableSecretRefusal(desired: DesiredClient, current: ClientRecord): ClientRefusal | undefined {
  const isUnusable = desired.secretOrigin !== undefined && usesSecret(desired.client);
  if (!isUnusable || usesSecret({ ...current, ...desired.client })) return undefined;
  return {
    code: "public-client-secret",
    reason: `its file has a secret, and the client on the server uses none (token_endpoint_auth_method ${getTextField(current, "token_endpoint_auth_method")})`,
    hint: "add token_endpoint_auth_method to the file, or remove the secret from it",
  };
}

/** A step, still without its action, that changes no field of a client that exists. */
function stepWithoutFieldChanges(
  key: string,
  desired: DesiredClient | undefined,
  current: ClientRecord,
): Omit<StackPlanStep, "action"> {
  const secret = isPublic(current) ? "none" : "unchanged";
  return { key, clientId: current.client_id, desired, current, changes: [], shown: [], secret, notes: [] };
}

const CUSTOM_ID_REFUSAL: ClientRefusal = {
  code: "id-refused",
  reason: "this server does not accept custom client IDs (it behaves like Hydra 2.1)",
  hint: "remove client_id from the file: the client is then found by its mark",
};

/** Plans a client of the files that the server doesn't have. */
function planNewClient(
  desired: DesiredClient,
  { stack }: StackPlanOptions,
  sample: ClientRecord | undefined,
): StackPlanStep {
  const { key, clientId } = desired;
  const notes = unstoredFieldNotes(desired, sample);
  const step = { key, clientId, desired, current: undefined, changes: [], secret: secretActionForNew(desired), notes };
  const { choosesIds } = releaseTraits(sample === undefined ? undefined : detectReleaseByFields(sample));
  if (choosesIds && clientId !== undefined)
    return { ...step, action: "refused", shown: [], refusal: CUSTOM_ID_REFUSAL };
  const derived = choosesIds ? undefined : deriveClientId(stack, key);
  return { ...step, action: "create", clientId: clientId ?? derived, shown: changesOfNewClient(desired.client) };
}

/** Plans a client of the files against the client that the server has. */
export function planClient(
  desired: DesiredClient,
  current: ClientRecord | undefined,
  options: StackPlanOptions,
  sample = current,
): StackPlanStep {
  if (current === undefined) return planNewClient(desired, options, sample);
  const { key } = desired;
  const notes = unstoredFieldNotes(desired, current);
  const clientId = current.client_id;
  const refusal =
    findRefusal(current, options) ?? (options.merge ? findUnusableSecretRefusal(desired, current) : undefined);
  const changes = findChanges(current, wantedFields(desired, current, options));
  const secret = secretActionForExisting(desired, current, options.merge);
  const mark = readStackMark(current);
  const step = { key, clientId, desired, current, changes, shown: toShownChanges(changes), secret, notes };
  if (refusal !== undefined) return { ...step, action: "refused", refusal };
  if (mark === undefined || mark.stack !== options.stack) return { ...step, action: "adopt" };
  const lowered = desired.secretVersion !== undefined && desired.secretVersion < (mark.secret ?? 0);
  return {
    ...step,
    action: changes.length === 0 && (secret === "none" || secret === "unchanged") ? "unchanged" : "change",
    notes: lowered ? [...notes, `the server has secret version ${mark.secret ?? 0}, which is newer`] : notes,
  };
}

/** What a plan looks for on a server. */
interface ClientsToFind {
  readonly stack: string;
  readonly ids: ReadonlySet<string>;
  /** The owners that hydra-maester gives to the clients of manifests. */
  readonly owners: ReadonlySet<string>;
}

/** The clients of a server that a plan is about. */
class Inventory {
  readonly #byId = new Map<string, ClientRecord>();
  readonly #byKey = new Map<string, ClientRecord[]>();
  readonly #taken = new Set<string>();
  /** Unmarked clients by the owners of manifests. */
  readonly #byOwner = new Map<string, ClientRecord>();
  /** Any client, which shows the release line of the server. */
  sample: ClientRecord | undefined;

  add(record: ClientRecord, { ids: wantedIds, owners, stack }: ClientsToFind): void {
    this.sample ??= record;
    const mark = readStackMark(record);
    const isOurs = mark?.stack === stack;
    const owner = getTextField(record, "owner");
    if (mark === undefined && owner !== undefined && owners.has(owner)) this.#byOwner.set(owner, record);
    if (!isOurs && !wantedIds.has(record.client_id)) return;
    // An offset moves when clients are created meanwhile, so a page may repeat one.
    const isNew = !this.#byId.has(record.client_id);
    this.#byId.set(record.client_id, record);
    if (!isOurs || !isNew) return;
    const same = this.#byKey.get(mark.key);
    if (same === undefined) this.#byKey.set(mark.key, [record]);
    else same.push(record);
  }

  takeId(id: string): ClientRecord | undefined {
    const record = this.#taken.has(id) ? undefined : this.#byId.get(id);
    if (record !== undefined) this.#taken.add(id);
    return record;
  }

  /** The client of a key. Of several, which two runs at once may have created, always the same one. */
  takeKey(key: string, derivedId: string): ClientRecord | undefined {
    const free = (this.#byKey.get(key) ?? []).filter(({ client_id: id }) => !this.#taken.has(id));
    const [first] = free.toSorted((a, b) => creationOrderKey(a).localeCompare(creationOrderKey(b)));
    const record = free.find(({ client_id: id }) => id === derivedId) ?? first;
    if (record === undefined) return this.takeId(derivedId);
    this.#taken.add(record.client_id);
    return record;
  }

  /** A client that hydra-maester keeps for a manifest. */
  ownedBy(owner: string): ClientRecord | undefined {
    return this.#byOwner.get(owner);
  }

  /** The clients of the stack that no file has. */
  unlisted(): readonly ClientRecord[] {
    return [...this.#byKey.values()].flat().filter(({ client_id: id }) => !this.#taken.has(id));
  }
}

function creationOrderKey(record: ClientRecord): string {
  return `${getTextField(record, "created_at") ?? ""} ${record.client_id}`;
}

/** A client of the stack that is in no file. */
function planDelete(current: ClientRecord): StackPlanStep {
  return { ...stepWithoutFieldChanges(readStackMark(current)?.key ?? "", undefined, current), action: "delete" };
}

/** Compares the clients of the files with those of a server. */
export async function planStack(
  desired: readonly DesiredClient[],
  records: AsyncIterable<ClientRecord>,
  options: StackPlanOptions,
): Promise<StackPlan> {
  const { stack, prune } = options;
  const inventory = new Inventory();
  const ids = new Set(desired.map(({ key, clientId }) => clientId ?? deriveClientId(stack, key)));
  const owners = new Set(desired.flatMap(({ maesterOwner: owner }) => (owner === undefined ? [] : [owner])));
  for await (const record of records) inventory.add(record, { stack, ids, owners });
  // Clients with an ID first, so that no other one takes theirs by its key.
  const found = new Map<DesiredClient, ClientRecord | undefined>();
  for (const each of desired) if (each.clientId !== undefined) found.set(each, inventory.takeId(each.clientId));
  for (const each of desired)
    if (each.clientId === undefined) found.set(each, inventory.takeKey(each.key, deriveClientId(stack, each.key)));
  const { sample } = inventory;
  const steps = desired.map((each) => {
    const current = found.get(each);
    const { maesterOwner: owner = "" } = each;
    const maesters = current === undefined ? inventory.ownedBy(owner) : undefined;
    return maesters === undefined
      ? planClient(each, current, options, sample)
      : planRefusedMaesterClient(each, maesters, owner);
  });
  const unlisted = inventory.unlisted();
  const kept = unlisted.filter((record) => readStackMark(record)?.protect === true);
  const deletes = unlisted.filter((record) => !kept.includes(record));
  const notes = [
    ...(prune ? kept : []).map(
      ({ client_id: id }) => `client ${quote(id)} is in no file, and is kept because it is protected (x-hydra.protect)`,
    ),
    ...(prune || deletes.length === 0 ? [] : [unlistedNote(deletes.length, stack)]),
  ];
  const release = sample === undefined ? undefined : detectReleaseByFields(sample);
  return { stack, release, steps: [...steps, ...(prune ? deletes.map(planDelete) : [])], notes };
}

function unlistedNote(count: number, stack: string): string {
  const clients = count === 1 ? "1 client of stack" : `${count} clients of stack`;
  return `${clients} ${quote(stack)} ${count === 1 ? "is" : "are"} in no file; --prune would delete ${count === 1 ? "it" : "them"}`;
}

/** The plan with the clients refused that the server would create and never find again. */
export function withUnfindableClientsRefused(plan: StackPlan, refusal: ClientRefusal): StackPlan {
  const steps = plan.steps.map((step) =>
    createsSlashId(step) ? ({ ...step, action: "refused", shown: [], refusal } as const) : step,
  );
  return { ...plan, steps };
}

/** Whether a step creates a client with an ID that contains a slash, such as a URL. */
export function createsSlashId({ action, desired }: StackPlanStep): boolean {
  return action === "create" && desired?.clientId?.includes("/") === true;
}

/** The number of steps by action. */
export function countActions({ steps }: Pick<StackPlan, "steps">): Readonly<Record<StepAction, number>> {
  const counts = { create: 0, change: 0, adopt: 0, unchanged: 0, delete: 0, refused: 0 };
  for (const { action } of steps) counts[action]++;
  return counts;
}

/** Whether the files and the server differ; clients that are refused don't count. */
export function hasDifferences(plan: Pick<StackPlan, "steps">): boolean {
  return plan.steps.some(({ action }) => action !== "unchanged" && action !== "refused");
}
