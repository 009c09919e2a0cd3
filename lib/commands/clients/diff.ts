import { proveSecretsAndUpdatePlan } from "../../clients/apply/prove-given-secrets.ts";
import { readDesiredClients } from "../../clients/apply/state-files.ts";
import {
  findRefusedStepsProblem,
  planAndCheckAgainstServer,
  planResult,
  pruneAndEmptyInputProblems,
} from "../../clients/apply/state-plan.ts";
import { discoverVerifyEndpoints, verifyFlagProblems } from "../../clients/secrets/verify-credentials.ts";
import { type CheckedCommand, type CommandResult, type Context, defineLeaf } from "../../command.ts";
import { VERIFY_CREDENTIALS, VERIFY_FLAGS } from "../../core/flags/credential-flags.ts";
import type { Flag } from "../../core/flags/flag.ts";
import { LENIENT_FIELD_NAMES, SERVER_COMMAND_FLAGS, STRICT } from "../../core/flags/shared-flags.ts";
import { ADOPT_FROM, ALLOW_EMPTY, COMPARISON_FLAGS, EXIT_CODE, MERGE, PRUNE } from "../../core/flags/state-flags.ts";
import type { Problem } from "../../core/problem.ts";
import type { DesiredClient } from "../../core/state/desired-client.ts";
import { hasDifferences } from "../../core/state/plan.ts";

/** What flags of `apply` mean here, where nothing is changed. */
const FLAG_HELP_OF_DIFF: ReadonlyMap<Flag, string> = new Map<Flag, string>([
  [PRUNE, "Show clients of the stack that are in no file, as deletions; needs --stack"],
  [MERGE, "Compare only the fields that a file has"],
  [
    ALLOW_EMPTY,
    "Accept a directory without client files; with --prune, all clients of the stack are shown as deletions",
  ],
  [ADOPT_FROM, "Show clients of another stack as if they were moved to this one"],
  [VERIFY_CREDENTIALS, "Check the secrets that the files name against the server"],
]);

const FLAGS: readonly Flag[] = [
  ...COMPARISON_FLAGS,
  EXIT_CODE,
  STRICT,
  LENIENT_FIELD_NAMES,
  ...VERIFY_FLAGS,
  ...SERVER_COMMAND_FLAGS,
].map((flag) => ({ ...flag, help: FLAG_HELP_OF_DIFF.get(flag) ?? flag.help }));

async function prepare(context: Context): Promise<CheckedCommand> {
  const problems: Problem[] = [];
  const secrets = context.values.bool(VERIFY_CREDENTIALS) ? "read" : "leave";
  const desired = await readDesiredClients(context, problems, { reader: "diff", secrets });
  problems.push(
    ...pruneAndEmptyInputProblems(context, desired, problems.length > 0),
    ...verifyFlagProblems(context),
    // What can't be read can't be checked, and must not pass for unchanged.
    ...desired.clients.flatMap(({ secretProblem }) => secretProblem ?? []),
  );
  return { problems, run: () => run(context, desired.clients) };
}

async function run(context: Context, desired: readonly DesiredClient[]): Promise<CommandResult> {
  const endpoints = await discoverVerifyEndpoints(context);
  const plan = await proveSecretsAndUpdatePlan(context, endpoints, await planAndCheckAgainstServer(context, desired));
  const refused = findRefusedStepsProblem(plan.steps, true);
  return planResult(context, plan, { place: undefined }, () => {
    if (refused !== undefined) {
      context.fail(refused);
      return refused.exit;
    }
    return context.values.bool(EXIT_CODE) && hasDifferences(plan) ? "differs" : "done";
  });
}

/** `diff` and `clients diff`: what `apply` would change. */
export default defineLeaf({
  name: "diff",
  summary: "Compare client files with the server",
  about: [
    "Shows what hydra apply would create, change and delete; changes nothing. A file is the whole client: a field that it leaves out has the server's default, except scope.",
    "Accepts files, directories (*.json, *.yaml, *.yml) and - for standard input: clients as objects, lists, NDJSON or YAML documents, the output of list and export, and hydra-maester manifests.",
    "hydra help state describes the files, stacks and variables.",
  ],
  operands: {
    name: "FILE",
    completes: "file",
    least: 1,
    most: Number.POSITIVE_INFINITY,
    help: "File or directory with clients, or - for standard input",
  },
  nouns: ["oauth2-clients", "oauth2-client"],
  flags: FLAGS,
  examples: {
    "1.x": [
      ["diff clients/ --stack prod", "What would change"],
      ["diff clients/ --stack prod --prune --format markdown", "As a comment on a pull request"],
      ["diff clients/ --stack prod --exit-code", "Exits with 9 if the files and the server differ"],
    ],
    "2.x": [["diff oauth2-clients clients/ --stack prod", "What would change"]],
  },
  server: true,
  format: "text",
  prepare,
});
