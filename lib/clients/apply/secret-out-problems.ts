import type { Context } from "../../command.ts";
import { SECRET_OUT } from "../../core/flags/credential-flags.ts";
import { isKubernetesSecretName } from "../../core/output/credential-formats.ts";
import { clientFileNameProblems, FILE_PROBLEM_WORDING_FOR_APPLY } from "../../core/output/file-name.ts";
import { Problem, usageError } from "../../core/problem.ts";
import type { StackPlanStep } from "../../core/state/plan.ts";
import { quote } from "../../core/text.ts";
import { UNDELIVERED_CODE } from "../secrets/credentials-to-deliver.ts";
import { hasRecipientFlags } from "../secrets/secret-source.ts";
import {
  clientSecretPath,
  credentialNamesOfClient,
  entryNameInSharedFile,
  isSecretOutDescriptor,
  parseSharedSecretFile,
  readSecretPlaceKind,
  SECRET_FILE_EXTENSIONS,
  type SecretOwner,
  type SecretPlaceContext,
  secretFileFormatOrDotenv,
  variablePrefix,
} from "./secret-file-texts.ts";
import { stepSetsSecret } from "./secret-out-places.ts";

type ValuesContext = Pick<Context, "values">;

/** The problem of further secrets for a descriptor that has got those of an earlier run: no JSON value can follow another one. */
export function findSecondJsonForDescriptorProblem(
  context: ValuesContext,
  owners: readonly SecretOwner[],
): Problem | undefined {
  if (owners.length === 0 || !isSecretOutDescriptor(context) || secretFileFormatOrDotenv(context) !== "json")
    return undefined;
  return new Problem("Only secrets of an earlier run were delivered, because a descriptor takes one JSON object", {
    code: UNDELIVERED_CODE,
    hint: "run the command again for the rest; no client was changed",
  });
}

/** The problem of secrets that would be generated and have no destination. */
export function findMissingPlaceProblem(
  { values }: ValuesContext,
  steps: readonly StackPlanStep[],
): Problem | undefined {
  const generated = steps.filter((step) => stepSetsSecret(step) && step.secret === "generated");
  if (generated.length === 0 || readSecretPlaceKind({ values }) !== "result" || hasRecipientFlags({ values }))
    return undefined;
  const clients = generated.length === 1 ? "1 client needs" : `${generated.length} clients need`;
  return new Problem(`${clients} a destination for ${generated.length === 1 ? "its" : "their"} generated secret`, {
    code: "no-secret-place",
    exit: "usage",
    hint: "add --secret-out DIR, or a recipient such as --pgp-key; nothing was changed",
    details: generated.map(({ key }) => key),
  });
}

/** What a file with several credentials is called in messages. */
const CONTENTS_WORDS = {
  dotenv: "assignments of variables",
  json: "a JSON object with the credentials of clients",
  k8s: "Kubernetes Secrets",
} as const;

/** What is wrong with the file that all clients share, which is extended if an earlier run wrote it. */
async function sharedFileProblems(
  context: SecretPlaceContext,
  target: string,
  owners: readonly SecretOwner[],
): Promise<readonly Problem[]> {
  const problem = await context.findFileProblem(SECRET_OUT, target, "is extended");
  if (problem !== undefined) return [problem];
  const there = await context.readSecretFile(target);
  if (there === undefined) return [];
  const file = `--${SECRET_OUT.name} ${quote(target)}`;
  const entries = await parseSharedSecretFile(context, there.text);
  if (entries === undefined)
    return [
      usageError(
        `${file} already exists, and does not contain ${CONTENTS_WORDS[secretFileFormatOrDotenv(context)]}`,
        "use another file name, or --secret-format for the format of this file",
        "secret-out-exists",
      ),
    ];
  return owners
    .filter((owner) => entries.has(entryNameInSharedFile(context, owner)))
    .map(({ key }) =>
      usageError(
        `${file} already has credentials of client ${quote(key)}`,
        "write to another file; this one may hold the only copy of its secrets",
        "secret-out-exists",
      ),
    );
}

/** The problems of clients whose credentials would have the same name in a file. */
function nameClashProblems(names: readonly (readonly [key: string, name: string])[], what: string): readonly Problem[] {
  const owners = new Map<string, string>();
  return names.flatMap(([key, name]) => {
    const owner = owners.get(name);
    owners.set(name, owner ?? key);
    if (owner === undefined) return [];
    return [
      usageError(
        `${quote(owner)} and ${quote(key)} have the same ${what} ${quote(name)}`,
        "give one of them another x-hydra.key, or write to a directory",
        "file-name-twice",
      ),
    ];
  });
}

function duplicateKeyProblems(owners: readonly SecretOwner[]): readonly Problem[] {
  return [...Map.groupBy(owners, ({ key }) => key)]
    .filter(([, sharing]) => sharing.length > 1)
    .map(([key, { length }]) =>
      usageError(`${length} clients have the key ${quote(key)}`, "give each another x-hydra.key", "key-twice"),
    );
}

/** What is wrong with the names that the credentials of clients would have in their file or folder. */
function secretNameProblems(context: ValuesContext, owners: readonly SecretOwner[]): readonly Problem[] {
  const format = secretFileFormatOrDotenv(context);
  // Every format names the credentials of a client by its key; of two with the same name, one would be lost.
  const twice = duplicateKeyProblems(owners);
  if (twice.length > 0) return twice;
  if (format === "k8s") {
    const named = owners.map((owner) => {
      const { name = "", namespace = "" } = credentialNamesOfClient(context, owner).metadata ?? {};
      return { key: owner.key, name, namespace };
    });
    const wrong = named.find(({ name }) => !isKubernetesSecretName(name));
    if (wrong !== undefined)
      return [
        usageError(
          `${quote(wrong.name)} of client ${quote(wrong.key)} is not a name for a Kubernetes Secret`,
          "use a shorter --secret-name",
          "file-name-too-long",
        ),
      ];
    return nameClashProblems(
      named.map(({ key, name, namespace }) => [key, namespace === "" ? name : `${namespace}/${name}`]),
      "Kubernetes Secret",
    );
  }
  if (format === "dotenv" && readSecretPlaceKind(context) === "shared")
    return nameClashProblems(
      owners.map(({ key }) => [key, variablePrefix(key)]),
      "prefix",
    );
  return [];
}

/**
 * Makes the folder of the secrets that a run would write, except in a dry run, and returns what is wrong with their places,
 * before the server is changed.
 */
export async function makeFolderAndFindPlaceProblems(
  context: SecretPlaceContext,
  owners: readonly SecretOwner[],
  isDryRun = false,
): Promise<readonly Problem[]> {
  const target = context.values.text(SECRET_OUT);
  const kind = readSecretPlaceKind(context);
  if (target === undefined || owners.length === 0) return [];
  const problems = [...secretNameProblems(context, owners)];
  if (kind === "shared") {
    return [...problems, ...(await sharedFileProblems(context, target, owners))];
  }
  const exists = await context.makeSecretFolder(SECRET_OUT, target, isDryRun);
  const keys = owners.map(({ key }) => key);
  const template = `{id}${SECRET_FILE_EXTENSIONS[secretFileFormatOrDotenv(context)]}`;
  const named = clientFileNameProblems(template, keys, `--${SECRET_OUT.name}`, FILE_PROBLEM_WORDING_FOR_APPLY);
  // The system would report a name that is too long in other words.
  if (named.length > 0 || !exists) return [...problems, ...named];
  for (const key of keys) {
    const problem = await context.findFileProblem(SECRET_OUT, clientSecretPath(context, key));
    if (problem !== undefined) problems.push(problem);
    // The folder is the same for all.
    if (problem !== undefined && problem.code !== "secret-out-exists") break;
  }
  return problems;
}
