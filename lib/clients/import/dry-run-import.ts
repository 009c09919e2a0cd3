import type { Admin } from "../../adapters/admin/admin.ts";
import type { CommandResult, Context } from "../../command.ts";
import { createUpdateRequest } from "../../core/client/changes.ts";
import { idOf, requestedId } from "../../core/client/client.ts";
import { detectReleaseByFields, releaseTraits } from "../../core/client/equality.ts";
import { DRY_RUN, FORMAT, IF_EXISTS, type IfExists } from "../../core/flags/shared-flags.ts";
import { CHOSEN_ID_REFUSED } from "../../core/id-problems.ts";
import type { JsonObject } from "../../core/json/json.ts";
import type { PlannedRequest } from "../../core/output/curl.ts";
import { paintDiffLine, type ResultView } from "../../core/output/render.ts";
import { Problem, resultOrProblem, withMessage } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";
import { type BatchRun, OrderedPool } from "../batch.ts";
import { batchSummaryText } from "../batch-results.ts";
import { type ClientEntry, clientPayload } from "../draft/client-files.ts";
import { dryRunResult, plannedCreateRequest } from "../dry-run.ts";
import { changesAsDiffLines } from "../update/change-lines.ts";
import { compareEntryWithClient } from "./compare-entry.ts";
import type { ImportOutcome } from "./import-client.ts";
import { findSecretFileProblemOfCreate, findSecretFileProblemOfUpdate } from "./import-secret-files.ts";

/** The server family, whose paths and methods the requests use. */
type Family = Context["plannedFamily"];

/** What an import would do with one client. */
interface EntryPlan extends Pick<ImportOutcome, "outcome" | "entry" | "changes" | "problem"> {
  readonly request?: PlannedRequest;
}

/** What planning an import needs of a command's context. */
type PlanContext = Pick<
  Context,
  "admin" | "connection" | "format" | "host" | "note" | "plannedFamily" | "progress" | "signal"
> &
  SecretFileContext;

/** What checking the file for a secret needs of it. */
type SecretFileContext = Parameters<typeof findSecretFileProblemOfUpdate>[0];

/** What an import plans, and how. */
interface ImportPlanOptions {
  readonly entries: readonly ClientEntry[];
  readonly concurrency: number;
  readonly batch: BatchRun;
  /** The admin API, with a deadline for one client. */
  readonly adminOfEach: () => Admin;
}

/** The result of `import --dry-run`: it reads the clients that the input names, and changes nothing. */
export async function dryRunImport(context: PlanContext, options: ImportPlanOptions): Promise<CommandResult> {
  const { entries, batch } = options;
  const reads = entries.some(({ client }) => requestedId(client) !== undefined);
  const family = reads ? await context.admin.family() : context.plannedFamily;
  const plans = await withRefusedIds(context, await planAllEntries(context, options, family));
  for (const { problem } of plans) if (problem !== undefined) batch.fail(problem);
  const exit = (): ReturnType<BatchRun["exit"]> => batch.exit();
  if (isForPeople(context)) {
    const items = plans
      .filter(({ outcome }) => outcome === "created" || outcome === "updated")
      .map(entryPlanAsResultItem);
    const finish = (): ReturnType<BatchRun["exit"]> => {
      context.note("Dry run: nothing was changed");
      reportCounts(context, plans);
      return batch.exit();
    };
    return { view: PLAN_VIEW, isList: true, items, format: { kind: "text" }, exit: finish };
  }
  for (const plan of plans) {
    if (plan.outcome !== "updated") continue;
    context.note(`Would update client ${quote(idOf(plan.entry.client))}`);
    for (const line of changesAsDiffLines(plan.changes ?? [])) context.note(line);
  }
  const requests = plans.flatMap(({ request }) => request ?? []);
  const result = { ...dryRunResult(context, requests, reads ? "clients" : undefined), exit };
  reportCounts(context, plans);
  return result;
}

async function planAllEntries(
  context: PlanContext,
  { entries, concurrency, adminOfEach }: ImportPlanOptions,
  family: Family,
): Promise<readonly EntryPlan[]> {
  const ifExists = context.values.text(IF_EXISTS);
  const { signal } = context;
  const plan = (entry: ClientEntry): Promise<EntryPlan> =>
    planEntryOrFailure({ context, family, ifExists, admin: adminOfEach() }, entry);
  const pool = new OrderedPool(entries, plan, { concurrency, signal });
  const plans: EntryPlan[] = [];
  for await (const plan of pool) {
    plans.push(plan);
    context.progress(entries.length, plans.length);
  }
  context.progress(0, 0);
  signal.throwIfAborted();
  return plans;
}

/** The plans, in which a server that chooses the IDs itself, as a client of it shows, fails those that would choose one. */
async function withRefusedIds(
  { admin }: Pick<Context, "admin">,
  plans: readonly EntryPlan[],
): Promise<readonly EntryPlan[]> {
  const choosesId = ({ outcome, entry }: EntryPlan): boolean =>
    outcome === "created" && requestedId(entry.client) !== undefined;
  if (!plans.some(choosesId)) return plans;
  const page = await resultOrProblem(() => admin.page({ size: 1 }));
  const [sample] = page instanceof Problem ? [] : page.clients;
  if (sample === undefined || !releaseTraits(detectReleaseByFields(sample)).choosesIds) return plans;
  return plans.map((plan) => {
    if (!choosesId(plan)) return plan;
    const message = `${plan.entry.location}: Cannot create client: ${CHOSEN_ID_REFUSED.reason}`;
    return { outcome: "failed", entry: plan.entry, problem: new Problem(message, CHOSEN_ID_REFUSED) };
  });
}

/** What a plan for one client needs. */
interface PlanJob {
  readonly context: SecretFileContext & Pick<Context, "host">;
  readonly admin: Admin;
  readonly family: Family;
  readonly ifExists: IfExists;
}

/** Failures that are the same for every client. */
const FOR_ALL: ReadonlySet<string> = new Set(["unreachable", "unauthorised"]);

/** Plans one client; a failure that concerns only this client becomes its plan. */
async function planEntryOrFailure(job: PlanJob, entry: ClientEntry): Promise<EntryPlan> {
  try {
    return await planEntryOrThrow(job, entry);
  } catch (error) {
    if (!(error instanceof Problem) || FOR_ALL.has(error.exit)) throw error;
    return { outcome: "failed", entry, problem: withMessage(error, `${entry.location}: ${error.message}`) };
  }
}

async function planEntryOrThrow({ context, admin, family, ifExists }: PlanJob, entry: ClientEntry): Promise<EntryPlan> {
  const payload = clientPayload(entry.client);
  const id = requestedId(payload);
  const current = id === undefined ? undefined : await admin.find(id);
  if (id === undefined || current === undefined) {
    const taken = await findSecretFileProblemOfCreate(context, payload);
    if (taken !== undefined) throw taken;
    return {
      outcome: "created",
      entry,
      request: plannedCreateRequest({ host: context.host, plannedFamily: family }, payload),
    };
  }
  if (ifExists === "skip") return { outcome: "skipped", entry };
  if (ifExists === "fail")
    throw new Problem(`Client ${quote(id)} already exists`, {
      code: "conflict",
      exit: "conflict",
      hint: "add --if-exists skip or --if-exists update",
    });
  const { secret, differing } = compareEntryWithClient(payload, current);
  if (differing.length === 0) return { outcome: "unchanged", entry };
  const taken = secret === undefined ? undefined : await findSecretFileProblemOfUpdate(context, id, secret);
  if (taken !== undefined) throw taken;
  const request = createUpdateRequest(family.update, current, differing);
  return { outcome: "updated", entry, changes: differing, request: { ...request, url: family.paths.client(id) } };
}

/** Whether the plan goes to a person, who didn't ask for the requests. */
function isForPeople({ host, values }: Pick<Context, "host" | "values">): boolean {
  return host.stdout.isTerminal && !values.isSet(FORMAT) && values.text(DRY_RUN) !== "curl";
}

function entryPlanAsResultItem({ outcome, entry, changes: differing = [] }: EntryPlan): JsonObject {
  const id = requestedId(entry.client);
  return {
    line:
      outcome === "updated"
        ? `Would update client ${id ?? ""}`
        : `Would create client ${id ?? "with a generated ID"} from: ${entry.location}`,
    diff: changesAsDiffLines(differing),
  };
}

const PLAN_VIEW: ResultView<JsonObject> = {
  columns: [],
  paintLine: paintDiffLine,
  id: (plan) => String(plan["line"]),
  text: ({ line, diff }) => [String(line), ...(Array.isArray(diff) ? diff.map(String) : [])],
};

/** The verbs of the outcomes, in the order of the summary. */
const VERBS = [
  ["created", "would be created"],
  ["updated", "would be updated"],
  ["unchanged", "unchanged"],
  ["skipped", "would be skipped"],
  ["failed", "would fail"],
] as const;

function reportCounts({ note }: Pick<Context, "note">, plans: readonly EntryPlan[]): void {
  const counts = VERBS.map(
    ([outcome, verb]) => [plans.filter((plan) => plan.outcome === outcome).length, verb] as const,
  );
  note(batchSummaryText("Import", counts));
}
