import type { Admin } from "../../adapters/admin/admin.ts";
import type { LeftoverRecoveryCopy } from "../../adapters/leftover-recovery-copies.ts";
import type { ProofEndpoints } from "../../adapters/prove-credentials.ts";
import type { SharedRecoveryFile } from "../../adapters/recovery-store.ts";
import type { Context } from "../../command.ts";
import type { ClientRecord } from "../../core/client/client.ts";
import { isSameJson, type JsonObject } from "../../core/json/json.ts";
import { ENCRYPTED_SECRET_FIELD } from "../../core/output/credential-formats.ts";
import type { ResultView } from "../../core/output/render.ts";
import type { Recipient } from "../../core/pgp/recipient.ts";
import { isConflict, Problem, withMessage } from "../../core/problem.ts";
import { type ClientInStack, partToDeleteText } from "../../core/recovery-record.ts";
import { withoutCredentialFields } from "../../core/redact.ts";
import { type DesiredClient, formatFileLine } from "../../core/state/desired-client.ts";
import { bodyOfNewClient, planClient, type StackPlanOptions, type StackPlanStep } from "../../core/state/plan.ts";
import { readStackMark } from "../../core/state/stack-mark.ts";
import { quote } from "../../core/text.ts";
import { type ClientOutcome, failureMembers, unexpectedProblem } from "../batch-results.ts";
import { readAgain, undeliveredHereText } from "../changed-meanwhile.ts";
import { prepareClientRegistration, type RegisterContext, registerAndDeliver } from "../create/register.ts";
import { type AcceptedSecret, deliverOrKeep, sendWithRecoveryCopy } from "../secrets/change-secret.ts";
import {
  type CredentialsToDeliver,
  type PendingDelivery,
  UNDELIVERED_CODE,
} from "../secrets/credentials-to-deliver.ts";
import { encryptGivenOrGeneratedSecret, type PrepareContext, type PreparedSecret } from "../secrets/secret-source.ts";
import { secretWithAuthMethod, verifyAndReturnProblem } from "../secrets/verify-credentials.ts";
import {
  type EarlierRecoveryCopies,
  markCopiesVoidByClientId,
  markCopiesVoidByStackAndKey,
} from "../secrets/void-recovery-copies.ts";
import { sendClientChanges } from "../update/send-change.ts";
import { hasSecretPlaceFlags, type RecoveredSecret, type RecoveredSecretOutcome } from "./deliver-earlier-secrets.ts";
import { type SecretPlace, secretOwnerOfStep, stepSetsSecret } from "./secret-out-places.ts";
import { findRefusedStepsProblem } from "./state-plan.ts";

/** How one client of an apply ended. */
export interface ApplyOutcome extends ClientOutcome {
  readonly outcome: "created" | "changed" | "adopted" | "unchanged" | "deleted" | "failed" | "delivered";
  readonly step: StackPlanStep;
  /** What the server did with the client that was not asked for. */
  readonly notes?: readonly string[];
}

/** What the clients of one apply share. */
export interface ApplyRun {
  readonly context: RegisterContext &
    PrepareContext &
    Pick<Context, "outputContainsValue" | "credentialVerifier" | "note" | "warn">;
  readonly options: StackPlanOptions;
  readonly adopt: boolean;
  readonly recipients: readonly Recipient[];
  readonly place: SecretPlace;
  readonly copies: SharedRecoveryFile | "none" | "a file of its own";
  /** The recovery copies of earlier runs. */
  readonly earlier: EarlierRecoveryCopies;
  /** The secrets of earlier runs that a later run can still deliver, since this one has not. */
  readonly undelivered: readonly RecoveredSecret[];
  readonly endpoints: ProofEndpoints | undefined;
  readonly view: ResultView<JsonObject>;
  /** The admin API, with a deadline for one client. */
  readonly admin: () => Admin;
  /** Whether the server chooses the IDs, as Hydra 2.0 and 2.1 do; known after the first answer. */
  choosesIds: boolean;
}

/** Brings one client to what its file says. It never throws: a failure must not lose the secrets of the other clients. */
export async function applyStep(job: ApplyRun, step: StackPlanStep): Promise<ApplyOutcome> {
  try {
    switch (step.action) {
      case "create":
        return await createOrChangeFromStep(job, step);
      case "delete":
        return await deleteFromStep(job, step);
      default:
        return await replanAndChangeFromStep(job, step);
    }
  } catch (error) {
    return failedApplyOutcome(step, error instanceof Problem ? error : unexpectedApplyProblem(error));
  }
}

function unexpectedApplyProblem(error: unknown): Problem {
  return unexpectedProblem("Cannot apply the client", error, "check the client, then run the command again");
}

function fileLineOfStep({ desired }: StackPlanStep): string {
  return desired === undefined ? "" : formatFileLine(desired.source);
}

function failedApplyOutcome(step: StackPlanStep, error: Problem): ApplyOutcome {
  const where = fileLineOfStep(step);
  const problem = where === "" ? error : withMessage(error, `${where}: ${error.message}`);
  return { ...outcomeOf(step, "failed", step.clientId, { error: failureMembers(problem) }), problem };
}

function outcomeOf(
  step: StackPlanStep,
  outcome: ApplyOutcome["outcome"],
  id: string | undefined,
  more: JsonObject = {},
): ApplyOutcome {
  const { key } = step;
  const from = fileLineOfStep(step);
  const shown = { outcome, key, client_id: id ?? null, ...(from === "" ? {} : { from }), ...more };
  return { outcome, step, shown };
}

/** The outcome of a client that is as its file says. */
export function unchangedOutcome(step: StackPlanStep): ApplyOutcome {
  return outcomeOf(step, "unchanged", step.clientId);
}

/** The outcome of a secret of an earlier run, as that of its client. */
export function toApplyOutcome({ due, shown, problem, delivery }: RecoveredSecretOutcome): ApplyOutcome {
  if (problem !== undefined) return failedApplyOutcome(due.step, problem);
  const outcome = outcomeOf(due.step, "delivered", due.clientId, shown);
  return delivery === undefined ? outcome : { ...outcome, delivery };
}

/** The desired client of a step; throws if it has none. */
function requireDesiredClient({ desired }: StackPlanStep): DesiredClient {
  if (desired === undefined) throw new TypeError("a client that is in no file can't be written");
  return desired;
}

async function prepareStepSecret({ context, recipients }: ApplyRun, step: StackPlanStep): Promise<PreparedSecret> {
  if (stepSetsSecret(step))
    return encryptGivenOrGeneratedSecret(
      context,
      step.secret === "generated" ? undefined : step.desired?.secret,
      recipients,
    );
  return { plain: undefined, given: false, encrypted: undefined, recipients, kind: "client_secret" };
}

async function createOrChangeFromStep(job: ApplyRun, step: StackPlanStep): Promise<ApplyOutcome> {
  const desired = requireDesiredClient(step);
  const prepared = await prepareStepSecret(job, step);
  const body = bodyOfNewClient(desired, job.options);
  const isChosen = desired.clientId !== undefined;
  const hasId = isChosen || (!job.choosesIds && step.clientId !== undefined);
  const outcome = await registerAndDeliverOrProblem(
    job,
    step,
    prepared,
    hasId ? { ...body, client_id: step.clientId } : body,
  );
  if (!(outcome instanceof Problem)) return outcome;
  if (outcome.code === "id-refused") {
    if (isChosen)
      throw withMessage(outcome, outcome.message, {
        hint: "remove client_id from the file: the client is then found by its mark",
      });
    job.choosesIds = true;
    const repeated = await registerAndDeliverOrProblem(job, step, prepared, body);
    if (repeated instanceof Problem) throw repeated;
    return repeated;
  }
  if (!isConflict(outcome)) throw outcome;
  // Someone else, perhaps another run of the same files, created it between the list and this request.
  const current = await readAgain(job.admin(), step.clientId ?? "");
  const now = planClient(desired, current, job.options);
  const refused = findRefusedStepsProblem([now], job.adopt);
  if (refused !== undefined) throw refused;
  if (now.secret === "unchanged") {
    requireNoUndeliveredSecretMeanwhile(job, now);
    job.context.warn(undeliveredHereText(current.client_id));
  } else job.context.warn(`client ${quote(current.client_id)} was created by someone else meanwhile`);
  return replanAndChangeFromStep(job, now);
}

/** The recovery copies of a client of this stack now: another run may have delivered one since this one began. */
function findDueCopies(
  { context, options: { stack }, earlier }: ApplyRun,
  { key }: StackPlanStep,
): readonly LeftoverRecoveryCopy[] {
  return earlier.store.find(context.endpoint).copies.filter(({ due }) => due?.stack === stack && due.key === key);
}

/** Throws if a killed run has left the secret that a client has got since the plan: a second run delivers it. */
function requireNoUndeliveredSecretMeanwhile(job: ApplyRun, step: StackPlanStep): void {
  const { clientId = "" } = step;
  const copy = findDueCopies(job, step).find((each) => each.clientId === clientId);
  if (copy === undefined) return;
  throw new Problem(`The secret of client ${quote(clientId)}, which was set meanwhile, is not delivered yet`, {
    code: UNDELIVERED_CODE,
    hint: `run the command again; its secret is in ${quote(copy.path)}`,
  });
}

/**
 * Throws if the secret of an earlier run that the client has is still only in its recovery copy: after another change,
 * nobody would know whether it is the client's.
 */
function requireNoUndeliveredEarlierSecret(job: ApplyRun, step: StackPlanStep): void {
  const { key, clientId = "" } = step;
  const due = job.undelivered.find((each) => each.step.key === key && each.clientId === clientId);
  if (due === undefined) return;
  const { copy } = due;
  // A run that is still at work moves its records when it ends.
  const isDue = job.earlier.store.isStillThere(copy) || findDueCopies(job, step).some(({ path }) => path === copy.path);
  if (!isDue) return;
  throw new Problem(
    `Client ${quote(clientId)} is not changed, because its secret from an earlier run is not delivered yet; it is in ${quote(copy.path)}`,
    {
      code: UNDELIVERED_CODE,
      hint: `run the command again with ${hasSecretPlaceFlags(job.context) ? "another" : "a"} place for it (--secret-out, or a recipient such as --pgp-key), or, if you don't need it, delete ${partToDeleteText(copy.path)}`,
    },
  );
}

/** The client of a step, as its recovery copy names it. */
function clientInStackOfStep({ options: { stack } }: ApplyRun, { key }: StackPlanStep): ClientInStack {
  return { stack, key };
}

/** Creates a client and delivers its secret; returns the problem of a server that created nothing. */
async function registerAndDeliverOrProblem(
  job: ApplyRun,
  step: StackPlanStep,
  prepared: PreparedSecret,
  body: JsonObject,
): Promise<ApplyOutcome | Problem> {
  const { context, place, copies, view } = job;
  const more = { outcome: "created", key: step.key, from: fileLineOfStep(step) };
  const registration = prepareClientRegistration(context, body, prepared, {
    view,
    more,
    owner: clientInStackOfStep(job, step),
  });
  const own = prepared.plain === undefined ? undefined : await place.openOwn(secretOwnerOfStep(step));
  try {
    const targets = { admin: job.admin(), target: place.targetOf(own, typeof copies === "string"), copies };
    const registered = await registerAndDeliver(context, targets, registration, async (created) => {
      const { delivery, record } = created;
      if (stepSetsSecret(step)) markCopiesVoidByStackAndKey(context, job.earlier, clientInStackOfStep(job, step));
      const sent = await deliverSecretToPlace(job, step, created, own);
      const notes = unkeptFieldNotes(job, step, record);
      const verified = await verifyNewSecret(job, record, delivery);
      const { shown } = outcomeOf(step, "created", record.client_id, sent.shown);
      return { outcome: "created" as const, step, shown, notes, ...sent.delivery, ...verified };
    });
    if (registered.kind === "delivered") return registered.result;
    await own?.target.discard();
    return registered.problem instanceof Problem ? registered.problem : unexpectedApplyProblem(registered.problem);
  } catch (error) {
    await own?.target.discard();
    throw error;
  }
}

/** What delivering a secret adds to the result of a client. */
interface DeliveryResultParts {
  /** What the result shows of it. */
  readonly shown: JsonObject;
  readonly delivery: Pick<ApplyOutcome, "delivery">;
}

/** Delivers the secret of a client to its place; never to standard output, unless it is encrypted. */
async function deliverSecretToPlace(
  { place, context, view }: ApplyRun,
  step: StackPlanStep,
  { delivery, delivered, hidden, undelivered }: PendingDelivery,
  own: Awaited<ReturnType<SecretPlace["openOwn"]>>,
): Promise<DeliveryResultParts> {
  const { credentials, secret, mustDeliver, shown } = delivery;
  const nothing = { shown: {}, delivery: {} };
  if (secret.plain === undefined && secret.encrypted === undefined) {
    await own?.target.discard();
    return nothing;
  }
  if (own !== undefined) {
    await place.writeOwn(own, credentials.id, secret);
    delivered();
    return { ...nothing, shown: { secret_file: own.path } };
  }
  if (place.kind === "shared") {
    place.add({ ...secretOwnerOfStep(step), id: credentials.id, secret, delivered, undelivered });
    return nothing;
  }
  if (mustDeliver === undefined) {
    delivered();
    return nothing;
  }
  const encrypted = {
    [ENCRYPTED_SECRET_FIELD]: shown[ENCRYPTED_SECRET_FIELD],
    client_secret_recipients: shown["client_secret_recipients"],
  };
  // A server that answers with another secret than the one that was given must not get it printed.
  if (encrypted[ENCRYPTED_SECRET_FIELD] === undefined) {
    hidden();
    return nothing;
  }
  if (!context.outputContainsValue(view, encrypted, mustDeliver)) throw new Error("this output format omits it");
  return { shown: encrypted, delivery: { delivery: { secret: mustDeliver, delivered, hidden, undelivered } } };
}

async function verifyNewSecret(
  { context, endpoints }: ApplyRun,
  record: ClientRecord,
  { secret }: CredentialsToDeliver,
): Promise<Pick<ApplyOutcome, "problem">> {
  if (endpoints === undefined || secret.plain === undefined) return {};
  const proof = secretWithAuthMethod(record, secret.plain);
  const problem = await verifyAndReturnProblem(context, endpoints, record.client_id, proof);
  return problem === undefined ? {} : { problem };
}

/** Notes on what the server did not keep of what was sent. */
function unkeptFieldNotes({ options }: ApplyRun, step: StackPlanStep, record: ClientRecord): readonly string[] {
  const { changes, notes } = planClient(requireDesiredClient(step), record, options);
  return [...notes, ...changes.map(({ field }) => `the server keeps another value of ${field} than the one sent`)];
}

async function replanAndChangeFromStep(job: ApplyRun, planned: StackPlanStep): Promise<ApplyOutcome> {
  const admin = job.admin();
  // Right before it is changed: no server can reject a change of what someone else has changed.
  const current = await readAgain(admin, planned.clientId ?? "");
  const again = planClient(requireDesiredClient(planned), current, job.options);
  const refused = findRefusedStepsProblem([again], job.adopt);
  if (refused !== undefined) throw refused;
  const step = { ...again, secret: chooseSecretAfterSecondRead(job, planned, again) };
  const differs =
    again.changes.length !== planned.changes.length ||
    again.changes.some(({ field, after }, at) => {
      const before = planned.changes[at];
      return before === undefined || before.field !== field || !isSameJson(before.after, after);
    });
  if (differs)
    job.context.warn(`client ${quote(current.client_id)} was changed by someone else meanwhile; planned again`);
  if (step.changes.length === 0 && !stepSetsSecret(step)) return unchangedOutcome(step);
  return stepSetsSecret(step) ? changeWithSecret(job, step, current) : changeFields(job, step, current, admin);
}

/** Chooses what is done with the secret: one that someone else has set since the plan is kept, with a warning. */
function chooseSecretAfterSecondRead(
  job: ApplyRun,
  planned: StackPlanStep,
  again: StackPlanStep,
): StackPlanStep["secret"] {
  if (planned.secret !== "generated" || again.secret === "generated") return planned.secret;
  if (again.secret === "unchanged") {
    requireNoUndeliveredSecretMeanwhile(job, again);
    job.context.warn(
      `client ${quote(again.clientId ?? "")} got a secret from someone else meanwhile, which was not delivered here`,
    );
  }
  return again.secret;
}

function adoptedOrChanged(step: StackPlanStep): "adopted" | "changed" {
  return step.action === "adopt" ? "adopted" : "changed";
}

function changedFieldsForResult(step: StackPlanStep): JsonObject {
  return { fields: step.shown.map(({ field }) => field) };
}

async function changeFields(
  job: ApplyRun,
  step: StackPlanStep,
  current: ClientRecord,
  admin: Admin,
): Promise<ApplyOutcome> {
  requireNoUndeliveredEarlierSecret(job, step);
  const record = await sendClientChanges(admin, current.client_id, current, step.changes);
  const outcome = outcomeOf(step, adoptedOrChanged(step), current.client_id, changedFieldsForResult(step));
  return { ...outcome, notes: unkeptFieldNotes(job, step, record) };
}

/** Changes a client and sets its secret, in one request. */
async function changeWithSecret(job: ApplyRun, step: StackPlanStep, current: ClientRecord): Promise<ApplyOutcome> {
  const { context, place } = job;
  const id = current.client_id;
  const prepared = await prepareStepSecret(job, step);
  const own = await place.openOwn(secretOwnerOfStep(step));
  const secret = { field: "client_secret", before: undefined, after: prepared.plain };
  try {
    const owner = clientInStackOfStep(job, step);
    const send = (): Promise<ClientRecord> => sendClientChanges(job.admin(), id, current, [...step.changes, secret]);
    const changed = await sendWithRecoveryCopy(context, id, prepared, send, { ...owner, request: "change" });
    markCopiesVoidByStackAndKey(context, job.earlier, owner);
    const record = { ...changed.record, client_id: id };
    const { delivery, sent } = await deliverSet(job, step, changed, own);
    const shown = { ...changedFieldsForResult(step), ...sent.shown, secret: "set" };
    const verified = await verifyNewSecret(job, record, delivery);
    const outcome = outcomeOf(step, adoptedOrChanged(step), id, shown);
    return { ...outcome, notes: unkeptFieldNotes(job, step, record), ...sent.delivery, ...verified };
  } catch (error) {
    await own?.target.discard();
    throw error;
  }
}

/** Delivers a secret that was set. Whatever fails, the problem says which file holds it. */
function deliverSet(
  job: ApplyRun,
  step: StackPlanStep,
  changed: AcceptedSecret,
  own: Awaited<ReturnType<SecretPlace["openOwn"]>>,
): Promise<{ readonly delivery: CredentialsToDeliver; readonly sent: DeliveryResultParts }> {
  const id = step.clientId ?? "";
  return deliverOrKeep(job.context, id, changed, async (pending) => ({
    delivery: pending.delivery,
    sent: await deliverSecretToPlace(job, step, pending, own),
  }));
}

async function deleteFromStep(job: ApplyRun, step: StackPlanStep): Promise<ApplyOutcome> {
  const admin = job.admin();
  const id = step.clientId ?? "";
  const current = await admin.find(id);
  if (current === undefined) return outcomeOf(step, "deleted", id);
  const mark = readStackMark(current);
  const isOurs = mark?.stack === job.options.stack && mark.key === step.key && mark.protect !== true;
  if (!isOurs)
    throw new Problem(`Client ${quote(id)} is not deleted: its mark was changed by someone else meanwhile`, {
      code: "changed-meanwhile",
      exit: "conflict",
      hint: "run hydra diff --prune again",
    });
  await admin.remove(id);
  markCopiesVoidByClientId(job.context, job.earlier, id);
  // Whole, so that it can be created again.
  return outcomeOf(step, "deleted", id, { client: withoutCredentialFields(current) });
}
