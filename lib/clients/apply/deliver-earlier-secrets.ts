import type {
  LeftoverCopyStore,
  LeftoverRecoveryCopy,
  UndeliveredRecord,
} from "../../adapters/leftover-recovery-copies.ts";
import type { ProofEndpoints } from "../../adapters/prove-credentials.ts";
import type { Context } from "../../command.ts";
import { getTextField } from "../../core/client/client.ts";
import { releaseTraits } from "../../core/client/equality.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { ENCRYPTED_SECRET_FIELD } from "../../core/output/credential-formats.ts";
import type { ResultView } from "../../core/output/render.ts";
import { quotedOperandAndFlagText } from "../../core/output/shell-quote.ts";
import type { Recipient } from "../../core/pgp/recipient.ts";
import { errorMessage, Problem, safeErrorReason } from "../../core/problem.ts";
import { partToDeleteText } from "../../core/recovery-record.ts";
import type { StackPlan, StackPlanStep } from "../../core/state/plan.ts";
import { escapeControls, quote } from "../../core/text.ts";
import type { ClientOutcome } from "../batch-results.ts";
import { UNDELIVERED_CODE } from "../secrets/credentials-to-deliver.ts";
import { encryptGivenOrGeneratedSecret, hasRecipientFlags, type PreparedSecret } from "../secrets/secret-source.ts";
import { secretWithAuthMethod, verifyAndReturnProblem } from "../secrets/verify-credentials.ts";
import { markRecoveryCopyVoid } from "../secrets/void-recovery-copies.ts";
import { readSecretPlaceKind } from "./secret-file-texts.ts";
import { SecretPlace, secretOwnerOfStep } from "./secret-out-places.ts";
import { makeFolderAndFindPlaceProblems } from "./secret-out-problems.ts";
import { readSecretPlaceStatus } from "./secret-place-status.ts";

/** A secret of a client that exists, which a run that was killed has not delivered. */
export interface RecoveredSecret {
  readonly step: StackPlanStep;
  readonly clientId: string;
  readonly copy: LeftoverRecoveryCopy;
  readonly record: UndeliveredRecord;
  readonly secret: string;
  /** How certain it is that the client still has this secret. */
  readonly certainty: Certainty;
  /** What other runs have left of this client: void once this secret is delivered. */
  readonly others: readonly LeftoverRecoveryCopy[];
}

type Certainty =
  /** The server confirmed it, and the client was not changed since. */
  | "confirmed"
  /** The run did not see the server's answer, but the client was changed right then. */
  | "likely"
  /** The client was changed since. */
  | "doubtful";

/** How far two times of the same server may differ: some databases round to seconds. */
const ROUNDING_MS = 2000;

/** How far the clock of this machine and that of the server may differ, with the time that a request takes. */
const CLOCKS_MS = 10 * 60_000;

/** Finds the secrets that earlier runs have saved and not delivered; for each client the one that it most likely has. */
export function pickRecoveredSecrets(
  copies: readonly LeftoverRecoveryCopy[],
  plan: StackPlan,
): readonly RecoveredSecret[] {
  // Another client with the same mark may be one that is deleted.
  const kept = plan.steps.filter(({ action }) => action !== "delete");
  const byKey = new Map(kept.map((step) => [step.key, step]));
  const best = new Map<string, RecoveredSecret>();
  for (const copy of copies) {
    const found = findSecretInCopy(copy, plan, byKey);
    if (found === undefined) continue;
    const other = best.get(found.step.key);
    best.set(found.step.key, other === undefined ? found : pickBetter(other, found));
  }
  return [...best.values()];
}

/** The certainties, from the least. */
const CERTAINTIES: readonly Certainty[] = ["doubtful", "likely", "confirmed"];

/** The more certain of two secrets of a client, or else the newer one, with the copy of the other one. */
function pickBetter(a: RecoveredSecret, b: RecoveredSecret): RecoveredSecret {
  const gain = CERTAINTIES.indexOf(b.certainty) - CERTAINTIES.indexOf(a.certainty);
  const isBBetter = gain === 0 ? a.record.time <= b.record.time : gain > 0;
  const [other, better] = isBBetter ? [a, b] : [b, a];
  return { ...better, others: [...better.others, ...other.others, other.copy] };
}

/** The secret in a recovery copy, if it is due and of a client that the plan keeps; undefined for any other. */
function findSecretInCopy(
  copy: LeftoverRecoveryCopy,
  plan: StackPlan,
  byKey: ReadonlyMap<string, StackPlanStep>,
): RecoveredSecret | undefined {
  const { due: record, clientId } = copy;
  const step = record?.stack === plan.stack ? byKey.get(record.key) : undefined;
  const current = step?.current;
  if (record === undefined || step === undefined || current === undefined) return undefined;
  if ((step.action !== "change" && step.action !== "unchanged") || step.secret !== "unchanged") return undefined;
  const { choosesIds } = releaseTraits(plan.release);
  const isOfClient =
    clientId === current.client_id ||
    (record.state === "unverified" && choosesIds && step.desired?.clientId === undefined);
  const secret = record.client_secret_encrypted ?? record.client_secret;
  if (!isOfClient || secret === undefined) return undefined;
  const certainty = certaintyOf(record, current);
  return { step, clientId: current.client_id, copy, record, secret, certainty, others: [] };
}

function certaintyOf({ state, time, request, updated_at: set }: UndeliveredRecord, current: JsonObject): Certainty {
  const changed = timeOf(current, "updated_at");
  if (state === "made" && set !== undefined)
    return Math.abs(changed - Date.parse(set)) <= ROUNDING_MS ? "confirmed" : "doubtful";
  const sent = Date.parse(time);
  const created = timeOf(current, "created_at");
  // On every server, the two times of a client that was not changed since it was created are nearly the same.
  const isCreateOverwritten =
    request !== "change" && Math.abs(created - sent) <= CLOCKS_MS && changed - created > ROUNDING_MS;
  return Math.abs(changed - sent) <= CLOCKS_MS && !isCreateOverwritten ? "likely" : "doubtful";
}

function timeOf(client: JsonObject, field: string): number {
  return Date.parse(getTextField(client, field) ?? "");
}

/** Whether the flags name a place for secrets of clients that exist. */
export function hasSecretPlaceFlags(context: Pick<Context, "values">): boolean {
  return readSecretPlaceKind(context) !== "result" || hasRecipientFlags(context);
}

type RecoveredSecretsContext = Parameters<typeof SecretPlace.open>[0] &
  Parameters<typeof encryptGivenOrGeneratedSecret>[0] &
  Pick<Context, "warn" | "note" | "credentialVerifier" | "outputContainsValue">;

/** What delivering the secrets of earlier runs needs. */
interface RecoveredSecretsJob {
  readonly context: RecoveredSecretsContext;
  readonly leftovers: LeftoverCopyStore;
  readonly recipients: readonly Recipient[];
  readonly endpoints: ProofEndpoints | undefined;
  readonly view: ResultView<JsonObject>;
}

/** A secret of an earlier run in its place, or why it is not there. */
export interface RecoveredSecretOutcome {
  readonly due: RecoveredSecret;
  readonly shown: JsonObject;
  readonly problem?: Problem | undefined;
  /** With `--verify`: whether the server has rejected the secret, so that no run can deliver it. */
  readonly isRejected?: boolean;
  /** For a secret that the result delivers. */
  readonly delivery?: NonNullable<ClientOutcome["delivery"]>;
}

/**
 * Splits the secrets that are in their place already, whose copies it removes, from those that are still to be
 * delivered.
 */
export async function splitPlacedAndRemoveCopies(
  job: Pick<RecoveredSecretsJob, "context" | "leftovers">,
  due: readonly RecoveredSecret[],
): Promise<{ readonly placed: readonly RecoveredSecret[]; readonly missing: readonly RecoveredSecret[] }> {
  const { context } = job;
  const placed: RecoveredSecret[] = [];
  const missing: RecoveredSecret[] = [];
  for (const each of due) {
    const found = await readSecretPlaceStatus(context, secretOwnerOfStep(each.step), each.secret);
    if (found === "there") {
      removeAndVoidCopies(job, each);
      placed.push(each);
    } else if (found === "missing") missing.push(each);
    else {
      const what =
        found === "unreadable"
          ? "its destination cannot be read"
          : `its destination has other credentials; once you have checked that those work, delete ${partToDeleteText(each.copy.path)}`;
      context.warn(
        `an earlier run left a secret of client ${quote(each.step.key)} in ${quote(each.copy.path)}, and ${what}`,
      );
    }
  }
  return { placed, missing };
}

/** The secrets of earlier runs that a later run can still deliver, since this one has not: it had no place, or could not. */
export function stillDeliverableSecrets(
  all: readonly RecoveredSecret[],
  placed: readonly RecoveredSecret[],
  outcomes: readonly RecoveredSecretOutcome[],
): readonly RecoveredSecret[] {
  const done = new Set([
    ...placed,
    ...outcomes.flatMap(({ due, problem, isRejected }) => (problem === undefined || isRejected ? due : [])),
  ]);
  return all.filter((each) => each.certainty !== "doubtful" && !done.has(each));
}

/** Puts the secrets of earlier runs into their place, before anything else is done. */
export async function deliverRecoveredSecrets(
  job: RecoveredSecretsJob,
  due: readonly RecoveredSecret[],
): Promise<readonly RecoveredSecretOutcome[]> {
  const { context } = job;
  const outcomes: RecoveredSecretOutcome[] = [];
  const proven: PreparedRecoveredSecret[] = [];
  for (const each of due) {
    const doubt = await findReasonNotToDeliver(job, each);
    if (doubt === undefined) proven.push({ due: each, prepared: await prepareRecoveredSecret(job, each) });
    else outcomes.push({ due: each, shown: {}, ...doubt });
  }
  const owners = proven.map(({ due: { step } }) => secretOwnerOfStep(step));
  const [wrongPlace] = await makeFolderAndFindPlaceProblems(context, owners);
  if (wrongPlace !== undefined) throw wrongPlace;
  const place = await SecretPlace.open(context, owners);
  const placed: RecoveredSecretOutcome[] = [];
  for (const each of proven) placed.push(await placeRecoveredSecret(job, place, each));
  // Nothing is in a file that could not be written, so that all of them failed.
  const unwritten = await place.finish();
  const note = place.note();
  if (note !== undefined) context.note(note);
  return [...outcomes, ...placed.map((outcome, at) => ({ ...outcome, problem: unwritten[at] ?? outcome.problem }))];
}

/**
 * Checks whether a secret may be delivered, with `--verify` at the server; returns why not, and undefined if it may.
 */
async function findReasonNotToDeliver(
  { context, endpoints }: RecoveredSecretsJob,
  due: RecoveredSecret,
): Promise<Required<Pick<RecoveredSecretOutcome, "problem" | "isRejected">> | undefined> {
  const { step, record, certainty } = due;
  if (endpoints !== undefined && record.client_secret !== undefined) {
    const proof = secretWithAuthMethod(step.current ?? {}, record.client_secret);
    const failure = await verifyAndReturnProblem(context, endpoints, due.clientId, proof);
    if (failure === undefined) return undefined;
    return { problem: doubtfulSecretProblem(due, failure.message), isRejected: failure.code === "not-verified" };
  }
  if (certainty === "doubtful") {
    const problem = doubtfulSecretProblem(due, "the client was changed since, so it may have another one now");
    return { problem, isRejected: false };
  }
  if (certainty === "likely")
    context.warn(
      `the secret of client ${quote(step.key)} is from an earlier run that ended before the server's answer; to be sure, log in with it`,
    );
  return undefined;
}

function doubtfulSecretProblem({ step, clientId, copy }: RecoveredSecret, reason: string): Problem {
  return new Problem(
    `The secret of client ${quote(step.key)} that an earlier run left in ${quote(copy.path)} is not delivered: ${reason}`,
    {
      code: UNDELIVERED_CODE,
      hint: `set another one: hydra clients rotate-secret ${quotedOperandAndFlagText(clientId)}; then delete ${partToDeleteText(copy.path)}`,
    },
  );
}

async function prepareRecoveredSecret(
  { context, recipients }: RecoveredSecretsJob,
  { record, secret }: RecoveredSecret,
): Promise<PreparedSecret> {
  if (record.client_secret_encrypted === undefined) return encryptGivenOrGeneratedSecret(context, secret, recipients);
  return { plain: undefined, given: true, encrypted: secret, recipients: [], kind: "client_secret" };
}

interface PreparedRecoveredSecret {
  readonly due: RecoveredSecret;
  readonly prepared: PreparedSecret;
}

/** Puts one secret into its place, or adds it to those for the file that all clients share. */
async function placeRecoveredSecret(
  job: RecoveredSecretsJob,
  place: SecretPlace,
  { due, prepared }: PreparedRecoveredSecret,
): Promise<RecoveredSecretOutcome> {
  const { context, view } = job;
  const owner = secretOwnerOfStep(due.step);
  const delivered = (): void => removeAndVoidCopies(job, due);
  if (place.kind === "shared") {
    const undelivered = async (reason: unknown): Promise<Problem> => undeliveredRecoveredSecretProblem(due, reason);
    place.add({ ...owner, id: due.clientId, secret: prepared, delivered, undelivered });
    return { due, shown: {} };
  }
  if (place.kind === "result") {
    const shown = { [ENCRYPTED_SECRET_FIELD]: prepared.encrypted ?? null };
    const secret = prepared.encrypted ?? "";
    const reason = new Error("this output format omits it");
    const problem = undeliveredRecoveredSecretProblem(due, reason, "use --format json, or --secret-out");
    if (!context.outputContainsValue(view, shown, secret)) return { due, shown: {}, problem };
    return { due, shown, delivery: { secret, delivered, hidden: () => context.warn(problem.message) } };
  }
  const own = await place.openOwn(owner);
  if (own === undefined) return { due, shown: {} };
  try {
    await place.writeOwn(own, due.clientId, prepared);
  } catch (error) {
    await own.target.discard();
    return { due, shown: {}, problem: undeliveredRecoveredSecretProblem(due, error) };
  }
  delivered();
  return { due, shown: { secret_file: own.path } };
}

function undeliveredRecoveredSecretProblem(
  { step, copy }: RecoveredSecret,
  reason: unknown,
  hint = "run the command again",
): Problem {
  return new Problem(
    `Cannot deliver the secret of client ${quote(step.key)}: ${safeErrorReason(reason)}; it is still in ${quote(copy.path)}`,
    { code: UNDELIVERED_CODE, hint, cause: reason },
  );
}

/** Removes the copy of a secret that is in its place, and marks the others of the client as void. */
function removeAndVoidCopies(
  { context, leftovers }: Pick<RecoveredSecretsJob, "context" | "leftovers">,
  { copy, others }: RecoveredSecret,
): void {
  try {
    leftovers.remove(copy);
  } catch (error) {
    context.warn(
      `cannot remove ${quote(copy.path)}, which is no longer needed: ${escapeControls(errorMessage(error))}`,
    );
  }
  for (const each of others) markRecoveryCopyVoid(context, leftovers, each);
}
