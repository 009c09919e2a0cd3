import type { OpenSecretTarget } from "../../adapters/secret-target.ts";
import type { Context } from "../../command.ts";
import { getTextField, isPublic, requestedId } from "../../core/client/client.ts";
import { SECRET_OUT } from "../../core/flags/credential-flags.ts";
import { IF_EXISTS } from "../../core/flags/shared-flags.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { isKubernetesSecretName, kubernetesSecretNameOfClient } from "../../core/output/credential-formats.ts";
import {
  clientFileNameProblems,
  fillTemplate,
  findTemplateProblem,
  isPathTemplate,
} from "../../core/output/file-name.ts";
import { type Problem, usageError } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";
import { type ClientEntry, MAX_SHOWN_PROBLEMS } from "../draft/client-files.ts";
import { longSecretNameProblems, unwritableCredentialProblems } from "../secrets/secret-checks.ts";
import { kubernetesSecretMetadata, secretFileFormat, secretFileText } from "../secrets/secret-out-text.ts";
import { hasRecipientFlags, type PlainAndEncryptedSecret } from "../secrets/secret-source.ts";
import { shortenProblemList } from "../shorten-problem-list.ts";

/** The flag as messages name it. */
const FLAG = `--${SECRET_OUT.name}`;

/** What checking the secret files of an import needs of a command's context. */
type CheckContext = Pick<Context, "values" | "format" | "host" | "findFileProblem">;

/** The problems of the files that `import --secret-out` would write, all found before anything is sent. */
export async function importSecretFileProblems(
  context: CheckContext,
  entries: readonly ClientEntry[],
): Promise<readonly Problem[]> {
  const template = context.values.text(SECRET_OUT);
  if (template === undefined) return [];
  const invalid = findTemplateProblem(template, FLAG);
  if (invalid !== undefined) return [invalid];
  if (!isPathTemplate(template))
    return [
      usageError(
        `${FLAG} ${quote(template)} has no {id}, so all clients would have the same file`,
        `use {id} in the file name, such as ${FLAG} 'secrets/{id}.env'`,
        "secret-out-without-id",
      ),
    ];
  const withSecret = entries.map(({ client }) => client).filter((client) => !isPublic(client));
  const ids = [...new Set(withSecret.flatMap((client) => requestedId(client) ?? []))];
  const found = [
    ...clientFileNameProblems(template, ids, FLAG),
    ...kubernetesSecretNameProblems(context, ids),
    ...withSecret.flatMap((client) => secretFileContentProblems(context, client)),
  ];
  // Where IDs are generated, one path is checked for all of them: only the folder matters.
  const paths = (ids.length === 0 && withSecret.length > 0 ? [context.host.uuid()] : ids).map((id) =>
    fillTemplate(template, id),
  );
  return shortenProblemList(found.length > 0 ? found : await pathProblems(context, paths), MAX_SHOWN_PROBLEMS);
}

function secretFileContentProblems(context: Pick<Context, "values">, client: JsonObject): readonly Problem[] {
  const id = requestedId(client) ?? "id";
  return unwritableCredentialProblems(context, { id, secret: getTextField(client, "client_secret") });
}

/** The problems of the names of Kubernetes Secrets: the same for two clients, or too long. */
function kubernetesSecretNameProblems(
  context: Pick<Context, "values" | "format">,
  ids: readonly string[],
): readonly Problem[] {
  if (secretFileFormat(context) !== "k8s") return [];
  const metadata = kubernetesSecretMetadata(context);
  // A template that is not a valid name for any client is a single problem.
  if (!isKubernetesSecretName(kubernetesSecretNameOfClient(metadata, "id"))) return [];
  const owners = new Map<string, string>();
  return ids.flatMap((id) => {
    const name = kubernetesSecretNameOfClient(metadata, id);
    const owner = owners.get(name);
    owners.set(name, owner ?? id);
    if (owner !== undefined)
      return [
        usageError(
          `Client IDs ${quote(owner)} and ${quote(id)} have the same Kubernetes Secret ${quote(name)}`,
          "use {id} in --secret-name, such as --secret-name {id}-oauth",
          "file-name-twice",
        ),
      ];
    return longSecretNameProblems(context, id);
  });
}

/** What is wrong with the files themselves. With `--if-exists`, an earlier run may have written them. */
async function pathProblems(context: CheckContext, paths: readonly string[]): Promise<readonly Problem[]> {
  const mayExist = context.values.text(IF_EXISTS) !== "fail";
  const problems: Problem[] = [];
  for (const path of paths) {
    const problem = await context.findFileProblem(SECRET_OUT, path);
    if (problem === undefined || (mayExist && problem.code === "secret-out-exists")) continue;
    // The folder is the same for all.
    if (problem.code !== "secret-out-exists") return [problem];
    problems.push(problem);
  }
  return problems;
}

/** What comparing the file of a client needs of a command's context. */
type WrittenFileContext = Pick<Context, "values" | "readSecretFile">;

/** The file of a client if it has exactly these credentials already, such as from an earlier run; else undefined. */
async function findFileWithSameCredentials(
  context: WrittenFileContext,
  id: string,
  secret: PlainAndEncryptedSecret,
): Promise<string | undefined> {
  const template = context.values.text(SECRET_OUT);
  if (template === undefined) return undefined;
  const path = fillTemplate(template, id);
  const there = await context.readSecretFile(path);
  return there?.text === secretFileText(context, id, secret) ? path : undefined;
}

/** What is wrong with the file for the secret of a client that would be created. */
export async function findSecretFileProblemOfCreate(
  { values, findFileProblem }: Pick<Context, "values" | "findFileProblem">,
  client: JsonObject,
): Promise<Problem | undefined> {
  const template = values.text(SECRET_OUT);
  const id = requestedId(client);
  if (template === undefined || id === undefined || isPublic(client)) return undefined;
  return findFileProblem(SECRET_OUT, fillTemplate(template, id));
}

/** What is wrong with the file for a secret that an update would set. */
export async function findSecretFileProblemOfUpdate(
  context: WrittenFileContext & Pick<Context, "findFileProblem">,
  id: string,
  secret: string,
): Promise<Problem | undefined> {
  const template = context.values.text(SECRET_OUT);
  if (template === undefined) return undefined;
  const problem = await context.findFileProblem(SECRET_OUT, fillTemplate(template, id));
  // No secret is encrypted twice to the same text.
  if (problem === undefined || hasRecipientFlags(context)) return problem;
  const prepared = { plain: secret, encrypted: undefined, kind: "client_secret" } as const;
  return (await findFileWithSameCredentials(context, id, prepared)) === undefined ? problem : undefined;
}

/** The file for the credentials of one client of an import, open and not named yet. */
export interface ClientSecretFile {
  /** Undefined if the file has the credentials already. */
  readonly target?: OpenSecretTarget;
  /** Writes the credentials; the server may have chosen another ID than the one that was sent. Returns the path. */
  write(id: string, secret: PlainAndEncryptedSecret): Promise<string>;
}

/** Opens the file of a client by the template of `--secret-out`; undefined without one. */
export async function openClientSecretFile(
  context: Pick<Context, "values" | "openTarget">,
  id: string,
): Promise<ClientSecretFile | undefined> {
  const template = context.values.text(SECRET_OUT);
  if (template === undefined) return undefined;
  const target = await context.openTarget(SECRET_OUT, fillTemplate(template, id));
  if (target === undefined) return undefined;
  return {
    target,
    async write(finalId, secret) {
      const path = fillTemplate(template, finalId);
      await target.commit(secretFileText(context, finalId, secret), path);
      return path;
    },
  };
}

/** Opens the file for a secret that an update sets, as for a new client; one that has it already stays as it is. */
export async function openSecretFileOfUpdate(
  context: WrittenFileContext & Pick<Context, "openTarget">,
  id: string,
  given: PlainAndEncryptedSecret,
): Promise<ClientSecretFile | undefined> {
  const path = await findFileWithSameCredentials(context, id, given);
  if (path === undefined) return openClientSecretFile(context, id);
  return {
    async write(_, { plain }) {
      if (plain !== given.plain) throw new Error(`the server set another secret than the one in ${quote(path)}`);
      return path;
    },
  };
}
