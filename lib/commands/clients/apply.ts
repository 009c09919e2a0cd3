import type { SharedRecoveryFile } from "../../adapters/recovery-store.ts";
import { createAdminWithDeadlineFactory } from "../../clients/admin-deadlines.ts";
import { type ApplyOutcome, type ApplyRun, applyStep, toApplyOutcome } from "../../clients/apply/apply-client.ts";
import { APPLY_VIEW, ApplyResults } from "../../clients/apply/apply-results.ts";
import {
  deliverRecoveredSecrets,
  hasSecretPlaceFlags,
  pickRecoveredSecrets,
  type RecoveredSecret,
  splitPlacedAndRemoveCopies,
  stillDeliverableSecrets,
} from "../../clients/apply/deliver-earlier-secrets.ts";
import { proveSecretsAndUpdatePlan } from "../../clients/apply/prove-given-secrets.ts";
import {
  describeSecretDelivery,
  SecretPlace,
  secretOwnerOfStep,
  stepSetsSecret,
} from "../../clients/apply/secret-out-places.ts";
import {
  findMissingPlaceProblem,
  findSecondJsonForDescriptorProblem,
  makeFolderAndFindPlaceProblems,
} from "../../clients/apply/secret-out-problems.ts";
import { readDesiredClients } from "../../clients/apply/state-files.ts";
import {
  findRefusedStepsProblem,
  planAndCheckAgainstServer,
  planOptions,
  planResult,
  pruneAndEmptyInputProblems,
} from "../../clients/apply/state-plan.ts";
import { warnOfEarlierRunSecrets, warnOfUnreadCopies } from "../../clients/apply/warn-of-earlier-secrets.ts";
import { concurrencyFlagProblems, OrderedPool } from "../../clients/batch.ts";
import { confirmationFlag, requireConfirmation } from "../../clients/confirm.ts";
import { warnNoRecoveryFolder } from "../../clients/secrets/recovery-copy-tracker.ts";
import { reportRecipients } from "../../clients/secrets/report-recipients.ts";
import { secretFlagProblems, unwritableCredentialProblems } from "../../clients/secrets/secret-checks.ts";
import { hasRecipientFlags } from "../../clients/secrets/secret-source.ts";
import { requireOpenOutput } from "../../clients/secrets/unwritten-result.ts";
import { discoverVerifyEndpoints, verifyFlagProblems } from "../../clients/secrets/verify-credentials.ts";
import { findEarlierCopies } from "../../clients/secrets/void-recovery-copies.ts";
import { terminalColumns } from "../../clients/terminal-columns.ts";
import { type CheckedCommand, type CommandResult, type Context, defineLeaf } from "../../command.ts";
import { releaseTraits } from "../../core/client/equality.ts";
import { allowsQuestions } from "../../core/environment/interactive.ts";
import {
  CREDENTIAL_OUTPUT_FLAGS,
  ENCRYPTION_FLAGS,
  KEYBASE,
  PGP_KEY,
  PGP_KEY_URL,
  SECRET_LENGTH,
  SECRET_OUT,
  VERIFY_CREDENTIALS,
  VERIFY_FLAGS,
} from "../../core/flags/credential-flags.ts";
import type { BoolFlag, TextFlag } from "../../core/flags/flag.ts";
import {
  CONCURRENCY,
  LENIENT_FIELD_NAMES,
  NO_INPUT,
  SERVER_COMMAND_FLAGS,
  STRICT,
} from "../../core/flags/shared-flags.ts";
import { ADOPT, COMPARISON_FLAGS, MAX_DELETES } from "../../core/flags/state-flags.ts";
import { ENCRYPTED_SECRET_FIELD } from "../../core/output/credential-formats.ts";
import type { Recipient } from "../../core/pgp/recipient.ts";
import { combineProblems, Problem, resultOrProblem, usageError } from "../../core/problem.ts";
import type { DesiredClient } from "../../core/state/desired-client.ts";
import { countActions, type StackPlan, type StackPlanStep } from "../../core/state/plan.ts";
import { planAsStyledLines, summarizePlan } from "../../core/state/plan-text.ts";

const YES = confirmationFlag("Apply without asking for confirmation");

const DRY_RUN_FLAG: BoolFlag = {
  kind: "switch",
  name: "dry-run",
  group: "output",
  help: "Show what would be changed, like hydra diff, and change nothing; fails if the run itself would stop, but fetches no encryption keys",
  brief: "Show what would be changed, like hydra diff",
};

const APPLY_SECRET_OUT_FLAG: TextFlag = {
  ...SECRET_OUT,
  value: "DIR|FILE|fd:N",
  completes: "file",
  help: "Write credentials to new files (mode 0600) and not to the output: one file per client in a DIR, or all in one FILE (.yaml, .json, .env) or descriptor",
  brief: "Write new credentials into a directory, a file per client, or into one file",
};

async function prepare(context: Context): Promise<CheckedCommand> {
  const problems: Problem[] = [];
  const desired = await readDesiredClients(context, problems, { reader: "apply", secrets: "read" });
  problems.push(
    ...pruneAndEmptyInputProblems(context, desired, problems.length > 0),
    ...concurrencyFlagProblems(context),
    ...(await secretFlagProblems(context, { checksFiles: false })),
    ...desired.clients.flatMap(({ key, secret }) => unwritableCredentialProblems(context, { id: key, secret })),
    ...verifyFlagProblems(context),
    // To be checked, every secret is needed; otherwise only those that will be set.
    ...(context.values.bool(VERIFY_CREDENTIALS)
      ? desired.clients.flatMap(({ secretProblem }) => secretProblem ?? [])
      : []),
  );
  return { problems, run: () => run(context, desired.clients) };
}

async function run(context: Context, desired: readonly DesiredClient[]): Promise<CommandResult> {
  const endpoints = await discoverVerifyEndpoints(context);
  const plan = await proveSecretsAndUpdatePlan(context, endpoints, await planAndCheckAgainstServer(context, desired));
  const earlier = await findEarlierCopies(context);
  const { copies, store: leftovers } = earlier;
  const left = pickRecoveredSecrets(copies, plan);
  const due = hasSecretPlaceFlags(context) ? left : [];
  const picked = new Set(due.map(({ copy }) => copy));
  const others = copies.filter((copy) => !picked.has(copy));
  await warnOfEarlierRunSecrets(context, plan.steps, others);
  warnOfUnreadCopies(context, earlier.unread);
  if (context.values.bool(DRY_RUN_FLAG)) return dryRun(context, plan, due);
  const target = context.values.text(SECRET_OUT);
  if (target !== undefined) await context.removeEmptyDrafts(target);
  // First of all: this changes nothing on the server, and whatever stops this run must not keep them back.
  const { placed, missing } = await splitPlacedAndRemoveCopies({ context, leftovers }, due);
  const early = missing.length === 0 ? undefined : await resolveAndReportRecipients(context);
  const delivered = await deliverRecoveredSecrets(
    { context, leftovers, recipients: early ?? [], endpoints, view: APPLY_VIEW },
    missing,
  );
  const steps = plan.steps.filter(({ action }) => action !== "unchanged");
  const owners = steps.filter(stepSetsSecret).map(secretOwnerOfStep);
  // The descriptor may have got secrets of an earlier run, and can't take those of this one.
  const second = findSecondJsonForDescriptorProblem(context, owners);
  const failures = delivered.flatMap(({ problem }) => problem ?? []);
  if (second !== undefined && failures.length < delivered.length) throwProblemsIfAny([second, ...failures]);
  const problem = findProblemBeforeApplying(context, steps);
  if (problem !== undefined) throw problem;
  for (const note of plan.notes) context.note(note);
  await showPlanAndConfirm(context, plan, steps);
  const recipients = owners.length === 0 ? [] : (early ?? (await resolveAndReportRecipients(context)));
  context.signal.throwIfAborted();
  throwProblemsIfAny(await makeFolderAndFindPlaceProblems(context, owners));
  const place = await SecretPlace.open(context, owners);
  const needsLog = place.kind !== "result" || recipients.length > 0;
  const log = needsLog ? openSharedRecoveryFile(context, place.kind, steps) : undefined;
  const job: ApplyRun = {
    context,
    options: planOptions(context),
    adopt: context.values.bool(ADOPT),
    recipients,
    place,
    copies: log ?? (place.kind === "folder" ? "a file of its own" : "none"),
    earlier,
    undelivered: stillDeliverableSecrets(left, placed, delivered),
    endpoints,
    view: APPLY_VIEW,
    admin: createAdminWithDeadlineFactory(context),
    choosesIds: releaseTraits(plan.release).choosesIds,
  };
  return resultThatAppliesSteps(context, job, { plan, steps, log, delivered: delivered.map(toApplyOutcome) });
}

/** Resolves the recipients of the secrets of this run, and reports them. */
async function resolveAndReportRecipients(context: Context): Promise<readonly Recipient[]> {
  const recipients = await context.encryption.recipients(context.values);
  context.signal.throwIfAborted();
  reportRecipients(context, recipients);
  if (context.values.text(SECRET_OUT) === undefined) requireOpenOutput(context, "Cannot apply clients", "the secret");
  return recipients;
}

async function dryRun(context: Context, plan: StackPlan, due: readonly RecoveredSecret[]): Promise<CommandResult> {
  if (due.length > 0)
    context.note(
      `${due.length === 1 ? "1 secret" : `${due.length} secrets`} that earlier runs have left would be delivered`,
    );
  const place = describeSecretDelivery(context, recipientCount(context));
  const owners = plan.steps.filter(stepSetsSecret).map(secretOwnerOfStep);
  const found = await resultOrProblem(() => makeFolderAndFindPlaceProblems(context, owners, true));
  const unusable = found instanceof Problem ? found : combineProblems(found);
  const problem = findProblemBeforeApplying(context, plan.steps) ?? unusable;
  return planResult(context, plan, { place }, () => {
    if (problem === undefined) return "done";
    context.fail(problem);
    return problem.exit;
  });
}

function recipientCount({ values }: Pick<Context, "values">): number {
  return [PGP_KEY, PGP_KEY_URL, KEYBASE].reduce((sum, flag) => sum + values.list(flag).length, 0);
}

/** Throws the first of several problems, with the others as its details; does nothing without one. */
function throwProblemsIfAny(problems: readonly Problem[]): void {
  const problem = combineProblems(problems);
  if (problem !== undefined) throw problem;
}

/** Why nothing may be changed: a client of somebody else, too many clients to delete, or a secret that would be lost. */
function findProblemBeforeApplying(
  context: Pick<Context, "values" | "outputContainsValue">,
  steps: readonly StackPlanStep[],
): Problem | undefined {
  return (
    findRefusedStepsProblem(steps, context.values.bool(ADOPT)) ??
    findTooManyDeletesProblem(context, steps) ??
    combineProblems(steps.filter(stepSetsSecret).flatMap(({ desired }) => desired?.secretProblem ?? [])) ??
    findMissingPlaceProblem(context, steps) ??
    findHidingFormatProblem(context, steps)
  );
}

function findTooManyDeletesProblem(
  { values }: Pick<Context, "values">,
  steps: readonly StackPlanStep[],
): Problem | undefined {
  const deletes = steps.filter(({ action }) => action === "delete");
  const most = values.number(MAX_DELETES);
  if (deletes.length <= most) return undefined;
  const clients = deletes.length === 1 ? "1 client" : `${deletes.length} clients`;
  return new Problem(`--prune would delete ${clients}, more than --max-deletes ${most}`, {
    code: "too-many-deletes",
    exit: "usage",
    hint: `check them with hydra diff --prune, then add --max-deletes ${deletes.length}; nothing was changed`,
    details: deletes.map(({ clientId = "" }) => clientId),
  });
}

/** The problem of encrypted secrets that the result would omit, although they go nowhere else. */
function findHidingFormatProblem(
  context: Pick<Context, "values" | "outputContainsValue">,
  steps: readonly StackPlanStep[],
): Problem | undefined {
  if (context.values.isSet(SECRET_OUT) || !hasRecipientFlags(context) || !steps.some(stepSetsSecret)) return undefined;
  const encrypted = "an encrypted secret";
  if (context.outputContainsValue(APPLY_VIEW, { [ENCRYPTED_SECRET_FIELD]: encrypted }, encrypted)) return undefined;
  return usageError(
    "This output format omits the encrypted secrets",
    "use --format json, or add --secret-out; nothing was changed",
    "secret-not-shown",
  );
}

/** On a terminal, shows the plan and asks; throws unless the answer is yes. */
async function showPlanAndConfirm(
  context: Pick<Context, "endpoint" | "host" | "operands" | "tell" | "values">,
  plan: StackPlan,
  steps: readonly StackPlanStep[],
): Promise<void> {
  const { values, host, operands } = context;
  if (steps.length === 0 || values.bool(YES) || !host.stderr.isTerminal) return;
  if (!allowsQuestions(host, values.bool(NO_INPUT))) return;
  const from = operands.includes("-") ? "terminal" : "stdin";
  if (from === "stdin" && !host.stdinIsTerminal) return;
  const place = describeSecretDelivery(context, recipientCount(context));
  const columns = terminalColumns(host.stderr);
  for (const { text, role } of planAsStyledLines(plan, { place, columns })) context.tell(text, role);
  await requireConfirmation({ host }, { text: `Apply to ${context.endpoint}?`, declined: "Nothing was changed", from });
}

/** Opens the file for the recovery copies of secrets of new clients. */
function openSharedRecoveryFile(
  { recovery, warn }: Pick<Context, "recovery" | "warn">,
  kind: SecretPlace["kind"],
  steps: readonly StackPlanStep[],
): SharedRecoveryFile | undefined {
  if (!steps.some((step) => step.action === "create" && stepSetsSecret(step))) return undefined;
  const log = recovery.openSharedFile();
  // In a folder, the drafts of its files are the copies.
  if (log === undefined && kind !== "folder") warnNoRecoveryFolder({ warn });
  return log;
}

/** What is known of a run of apply before its first step. */
interface PreparedApply {
  readonly plan: StackPlan;
  readonly steps: readonly StackPlanStep[];
  readonly log: SharedRecoveryFile | undefined;
  readonly delivered: readonly ApplyOutcome[];
}

/** The result of apply, which takes the steps while its items are read. */
function resultThatAppliesSteps(
  context: Context,
  job: ApplyRun,
  { plan, steps, log, delivered }: PreparedApply,
): CommandResult {
  const options = { concurrency: context.values.number(CONCURRENCY), signal: context.signal };
  const poolOf = (some: readonly StackPlanStep[]): OrderedPool<StackPlanStep, ApplyOutcome> =>
    new OrderedPool(some, (step) => applyStep(job, step), options);
  const { delete: deleted } = countActions(plan);
  if (steps.length - deleted > 0)
    context.detail("On Hydra 25 and later, every update ends the client's registration access token");
  const results = new ApplyResults(context, {
    delivered,
    writes: poolOf(steps.filter(({ action }) => action !== "delete")),
    deletes: poolOf(steps.filter(({ action }) => action === "delete")),
    place: job.place,
    log,
    unchanged: plan.steps.filter(({ action }) => action === "unchanged"),
    total: steps.length,
    clients: plan.steps.length,
  });
  if (steps.length > 0) context.detail(`Plan: ${summarizePlan(plan)}`);
  return results.result();
}

/** `apply` and `clients apply`: makes the clients on a server match client files. */
export default defineLeaf({
  name: "apply",
  summary: "Create, change and delete clients to match client files",
  about: [
    "Compares the files with the server like hydra diff, then makes the changes. A file is the whole client: a field that it leaves out is reset to the server's default, except scope. --merge changes only the fields that a file has.",
    "Clients that belong to no stack are taken over only with --adopt; clients of other stacks and of hydra-maester are never touched. --prune deletes clients of the stack that are in no file.",
    "A generated secret needs a destination: --secret-out, or recipients to encrypt it to. --secret-out takes a directory for one file per client, or a file that ends in .yaml, .json or .env for all of them.",
    "On a terminal, the plan is shown and confirmed. If a client fails, the others are still applied and the exit code is 8; a second run continues. --fail-after limits the time for each client.",
  ],
  operands: {
    name: "FILE",
    completes: "file",
    least: 1,
    most: Number.POSITIVE_INFINITY,
    help: "File or directory with clients, or - for standard input",
  },
  nouns: ["oauth2-clients", "oauth2-client"],
  flags: [
    ...COMPARISON_FLAGS,
    MAX_DELETES,
    ADOPT,
    CONCURRENCY,
    STRICT,
    LENIENT_FIELD_NAMES,
    YES,
    DRY_RUN_FLAG,
    SECRET_LENGTH,
    ...VERIFY_FLAGS,
    ...CREDENTIAL_OUTPUT_FLAGS.map((flag) => (flag === SECRET_OUT ? APPLY_SECRET_OUT_FLAG : flag)),
    ...ENCRYPTION_FLAGS,
    ...SERVER_COMMAND_FLAGS,
  ],
  examples: {
    "1.x": [
      ["apply clients/ --stack prod --adopt", "Once: takes over clients that exist"],
      ["apply clients/ --stack prod --prune --secret-out secrets/", "On every merge"],
      ["apply clients/ --stack prod --keybase alice --format ndjson", "With new secrets encrypted, in the result"],
    ],
    "2.x": [["apply oauth2-clients clients/ --stack prod", "Create and change clients"]],
  },
  server: true,
  format: "text",
  prepare,
});
