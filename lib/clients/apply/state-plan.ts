import type { Admin } from "../../adapters/admin/admin.ts";
import type { CommandResult, Context } from "../../command.ts";
import { singleResult } from "../../command.ts";
import { type ClientRecord, idOf } from "../../core/client/client.ts";
import { releaseTraits } from "../../core/client/equality.ts";
import { STRICT } from "../../core/flags/shared-flags.ts";
import { ADOPT_FROM, ALLOW_EMPTY, EXIT_CODE, MERGE, PRUNE, STACK } from "../../core/flags/state-flags.ts";
import { Problem, usageErrorIf } from "../../core/problem.ts";
import { type DesiredClient, formatFileLineColumn } from "../../core/state/desired-client.ts";
import {
  type ClientRefusal,
  createsSlashId,
  planStack,
  type StackPlan,
  type StackPlanOptions,
  type StackPlanStep,
  withUnfindableClientsRefused,
} from "../../core/state/plan.ts";
import { planAsJson } from "../../core/state/plan-json.ts";
import { planAsMarkdown } from "../../core/state/plan-markdown.ts";
import { planAsStyledLines, type SecretDestinationText, summarizePlan } from "../../core/state/plan-text.ts";
import { readStackMark } from "../../core/state/stack-mark.ts";
import { quote } from "../../core/text.ts";
import { canServerLookUpId } from "../draft/id-checks.ts";
import { readClientPages } from "../list/client-pages.ts";
import { terminalColumns } from "../terminal-columns.ts";
import type { DesiredClientsAndFileCount } from "./state-files.ts";

/** Clients per page of the list. */
const CLIENTS_PER_PAGE = 500;

/** How the flags ask to compare. */
export function planOptions({ values }: Pick<Context, "values">): StackPlanOptions {
  return {
    stack: values.text(STACK),
    merge: values.bool(MERGE),
    prune: values.bool(PRUNE),
    adoptFrom: values.text(ADOPT_FROM),
  };
}

/** The problems of `--prune`, and of an input without clients, that show before anything is sent. */
export function pruneAndEmptyInputProblems(
  { values }: Pick<Context, "values">,
  { clients, files }: DesiredClientsAndFileCount,
  hasProblems: boolean,
): readonly Problem[] {
  const isEmpty = !hasProblems && clients.length === 0 && !values.bool(ALLOW_EMPTY);
  // A file that was cut short must not pass for one without drift.
  if (!values.bool(PRUNE))
    return usageErrorIf(
      isEmpty && values.isSet(EXIT_CODE),
      `${noClientsReadText(files)}, so there is nothing to compare`,
      "check the path, or add --allow-empty",
      "no-clients",
    );
  return [
    // Another stack could be pruned by mistake.
    ...usageErrorIf(
      !values.isSet(STACK),
      "--prune needs --stack NAME",
      "name the stack, so that two repositories with the same default don't delete each other's clients",
      "prune-without-stack",
    ),
    ...usageErrorIf(
      isEmpty,
      `${noClientsReadText(files)}, and --prune would delete all clients of stack ${quote(values.text(STACK))}`,
      "check the path, or add --allow-empty to delete them",
      "no-clients",
    ),
  ];
}

function noClientsReadText(files: number): string {
  return files === 0 ? "No file was read" : `No client is in the ${files === 1 ? "file" : `${files} files`}`;
}

/** Reads all clients of a server; at once only one page of them is in memory. */
async function* readAllClients(admin: Admin, onPage = (): void => {}): AsyncGenerator<ClientRecord> {
  const pages = readClientPages({ admin }, { size: CLIENTS_PER_PAGE }, "check proxies in front of the server");
  for await (const { clients, unreadable } of pages) {
    onPage();
    for (const client of clients) {
      const problem = unreadable.get(client);
      if (problem !== undefined) throw problem;
      yield client;
    }
  }
}

const SLASH_ID_REFUSAL: ClientRefusal = {
  code: "client-id-slash",
  reason: "its ID contains a slash, which this server cannot look up",
  hint: "choose an ID without a slash: Hydra up to 2.3 creates such a client and never finds it again",
};

/** Plans by a list of the clients; lists them twice if a client could be hidden that is then created again. */
async function planListedClients(
  context: Pick<Context, "admin" | "values">,
  desired: readonly DesiredClient[],
): Promise<StackPlan> {
  const options = planOptions(context);
  let pages = 0;
  const plan = await planStack(
    desired,
    readAllClients(context.admin, () => pages++),
    options,
  );
  // Where pages are by offset, and a client is deleted meanwhile, the next page lacks its first client. If that one is found
  // by its mark, the ID of a new client does not conflict with it.
  const mayHideClients = pages > 1 && releaseTraits(plan.release).mayMissClientsBetweenPages;
  const createsByKey = plan.steps.some(
    ({ action, desired: file }) => action === "create" && file?.clientId === undefined,
  );
  return mayHideClients && createsByKey
    ? planStack(desired, listAgainKeepingPlanned(context.admin, plan), options)
    : plan;
}

/** Lists all clients of a server again, and adds those of an earlier plan that this list lacks. */
async function* listAgainKeepingPlanned(admin: Admin, { steps }: StackPlan): AsyncGenerator<ClientRecord> {
  const ids = new Set<string>();
  for await (const client of readAllClients(admin)) {
    ids.add(client.client_id);
    yield client;
  }
  for (const { current } of steps) if (current !== undefined && !ids.has(current.client_id)) yield current;
}

/** Compares the clients of the server with those of the files. */
export async function planAndCheckAgainstServer(
  context: Pick<Context, "admin" | "values">,
  desired: readonly DesiredClient[],
): Promise<StackPlan> {
  const listed = await planListedClients(context, desired);
  const slash = listed.steps.find(createsSlashId)?.clientId;
  const plan =
    slash === undefined || (await canServerLookUpId(context.admin, slash))
      ? listed
      : withUnfindableClientsRefused(listed, SLASH_ID_REFUSAL);
  rejectUnkeptFieldsIfStrict(context, plan);
  return plan;
}

/** With `--strict`, rejects fields that the server doesn't keep. */
function rejectUnkeptFieldsIfStrict({ values }: Pick<Context, "values">, { steps }: StackPlan): void {
  if (!values.bool(STRICT)) return;
  const found = steps.flatMap(({ desired, notes }) =>
    desired === undefined ? [] : notes.map((note) => `${desired.source.file}:${desired.source.line}: ${note}`),
  );
  const [first, ...details] = found;
  if (first === undefined) return;
  throw new Problem(first, {
    code: "field-not-kept",
    exit: "usage",
    hint: "remove the field, or leave out --strict; nothing was changed",
    details,
  });
}

/** The problem of clients that belong to somebody else, or that the server can't have; undefined if there are none. */
export function findRefusedStepsProblem(steps: readonly StackPlanStep[], adopt: boolean): Problem | undefined {
  const refused = steps.flatMap(({ action, clientId = "", refusal, desired, current }) => {
    if (refusal !== undefined) {
      const { code, reason, hint } = refusal;
      // A client of somebody else is not the file's fault.
      const source = code === "not-ours" ? undefined : desired?.source;
      const where = source === undefined ? "" : `${formatFileLineColumn(source)}: `;
      return [{ code, line: `${where}client ${quote(clientId)}: ${reason}`, hint }];
    }
    // One of another stack is only planned like this with --adopt-from.
    if (action !== "adopt" || adopt || (current !== undefined && readStackMark(current) !== undefined)) return [];
    return [
      {
        code: "not-ours" as const,
        line: `client ${quote(clientId)} exists and belongs to no stack`,
        hint: "hydra diff shows what would be reset; --adopt takes it over",
      },
    ];
  });
  const [first, ...others] = refused;
  if (first === undefined) return undefined;
  return new Problem(`Nothing was changed: ${first.line}`, {
    code: first.code,
    exit: first.code === "not-ours" ? "conflict" : "usage",
    hint: first.hint,
    details: others.map(({ line }) => line),
  });
}

/** The result with the IDs of the clients that differ; of one that the server names itself, its key. */
function differingIdsResult(plan: StackPlan, exit: NonNullable<CommandResult["exit"]>): CommandResult {
  const items = plan.steps
    .filter(({ action }) => action !== "unchanged")
    .map(({ clientId, key }) => ({ client_id: clientId ?? key }));
  return { view: { columns: [], text: (item) => [idOf(item)], id: idOf }, isList: true, items, exit };
}

/** A plan as the result of a command. */
export function planResult(
  { endpoint, host, format }: Pick<Context, "endpoint" | "host" | "format">,
  plan: StackPlan,
  { place }: { readonly place: SecretDestinationText },
  exit: NonNullable<CommandResult["exit"]>,
): CommandResult {
  if (format.kind === "id") return differingIdsResult(plan, exit);
  return singleResult(
    {
      columns: [
        { label: "STACK", value: () => plan.stack },
        { label: "SUMMARY", value: () => summarizePlan(plan) },
      ],
      styledText: () => planAsStyledLines(plan, { place, columns: terminalColumns(host.stdout) }),
      markdown: () => planAsMarkdown(plan),
      id: () => plan.stack,
    },
    planAsJson(plan, endpoint),
    { exit, isPaged: true },
  );
}
