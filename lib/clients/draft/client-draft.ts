import type { Context } from "../../command.ts";
import type { PathAssignment } from "../../core/client/changes.ts";
import {
  type ClientDraft,
  createFieldLabeler,
  draftClient,
  type FieldLabeler,
  isPublic,
  withoutUnsendableFields,
} from "../../core/client/client.ts";
import { isSameValue } from "../../core/client/equality.ts";
import { CLIENT_FIELDS, ID_FLAG } from "../../core/client/fields.ts";
import type { LintFinding } from "../../core/client/rule-types.ts";
import { lintClient, lintFindingProblem } from "../../core/client/rules.ts";
import { createEmptySecretFinding } from "../../core/client/usability-rules.ts";
import { SECRET } from "../../core/flags/credential-flags.ts";
import { CLIENT_FILE, LENIENT_FIELD_NAMES, SET, STRICT } from "../../core/flags/shared-flags.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { collectProblem, Problem } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";
import type { ProvidedSecret } from "../secrets/secret-source.ts";
import { findClientBoundsProblem, findTextSizeProblem } from "./client-bounds.ts";
import type { ClientFileContext } from "./client-files.ts";
import { createOfflineFindingFilter } from "./id-checks.ts";
import type { ClientAfterSetFlag } from "./set-values.ts";

/** A client read from the flags and files of a command line. */
export interface CommandLineDraft extends ClientDraft {
  /** Names of the fields that flags set, and not only the file. */
  readonly fromFlags: ReadonlySet<string>;
  /** Values of `--set` inside fields that nothing else sets, for an update to put into the existing client. */
  readonly nested: readonly PathAssignment[];
  /** What the rules find in values that are not part of the client: empty secrets. */
  readonly findings: readonly LintFinding[];
  /** Whether a file could not be read, so that nothing follows from a missing field. */
  readonly isPartial: boolean;
}

/** The client of `--file`. */
interface FileClient {
  readonly client: JsonObject;
  readonly name: string;
  readonly hasEmptySecret: boolean;
}

/** What reading a draft needs of a command's context. */
type DraftContext = ClientFileContext & Pick<Context, "values" | "syntax">;

/**
 * Reads the client that a command line describes: the file of `--file`, overridden by flags, overridden by `--set`.
 * Problems are collected; only what makes reading impossible is thrown.
 */
export async function readCommandLineDraft(context: DraftContext, defaults: boolean): Promise<CommandLineDraft> {
  const { values, syntax } = context;
  const problems: Problem[] = [];
  const base = await readClientFromFile(context, problems);
  const files = await readFieldFiles(context, problems);
  const flags = draftClient({ values, grammar: syntax, defaults, files, base });
  const named = readIdAndSecretFlags(context);
  const assigned = await withSetValues(context, { ...flags.client, ...named.client }, defaults);
  problems.push(...assigned.problems);
  const origins = new Map([...named.origins, ...assigned.origins]);
  const bounds = findClientBoundsProblem(assigned.client, "The client that the command line describes");
  if (bounds !== undefined) problems.push(bounds);
  // No check can go on with a client that is too deep or too large.
  const client = bounds === undefined ? assigned.client : {};
  const tops = Object.fromEntries(assigned.nested.map(({ path: [top = ""], value }) => [top, value]));
  const nameOf = (key: string): string =>
    origins.get(key) ?? (base === undefined ? quote(key) : `${quote(key)} in ${base.name}`);
  await reportUnknownFieldNames(context, { ...client, ...tops }, nameOf, problems);
  return {
    client,
    label: createFieldLabeler(
      (field) => origins.get(field) ?? flags.label(field),
      (field) => (origins.has(field) ? undefined : flags.label.sourceOf?.(field)),
      syntax,
    ),
    problems: [...problems, ...flags.problems],
    findings: emptySecretFindings(context, base),
    fromFlags: new Set([
      ...CLIENT_FIELDS.filter(({ flag }) => values.isSet(flag)).map(({ name }) => name),
      ...origins.keys(),
    ]),
    nested: assigned.nested,
    isPartial: (base === undefined && values.isSet(CLIENT_FILE)) || [...files.values()].includes(undefined),
  };
}

/** Reads the client of `--file`; undefined without the flag, or if it can't be read. */
async function readClientFromFile(context: DraftContext, problems: Problem[]): Promise<FileClient | undefined> {
  const path = context.values.text(CLIENT_FILE);
  if (path === undefined) return undefined;
  const { readOneClient } = await import("./client-files.ts");
  const read = await collectProblem(problems, () => readOneClient(context, path, problems));
  if (read === undefined) return undefined;
  const hasEmptySecret = read.client["client_secret"] === "" && !isPublic(read.client);
  return { name: read.name, client: withoutUnsendableFields(read.client), hasEmptySecret };
}

/** A draft with the values of `--set`, whose code is loaded only if there are any. */
async function withSetValues(
  context: Pick<Context, "values">,
  draft: JsonObject,
  defaults: boolean,
): Promise<ClientAfterSetFlag> {
  if (!context.values.isSet(SET)) return { client: draft, nested: [], origins: new Map(), problems: [] };
  const { applySetFlag } = await import("./set-values.ts");
  return applySetFlag(context, draft, defaults);
}

/** Reports keys of a client that are not fields. Flags only set fields, so it needs a file or `--set`. */
async function reportUnknownFieldNames(
  context: Pick<Context, "values" | "warn">,
  client: JsonObject,
  nameOf: (key: string) => string,
  problems: Problem[],
): Promise<void> {
  if (!context.values.isSet(CLIENT_FILE) && !context.values.isSet(SET)) return;
  const { findUnknownFields } = await import("../../core/client/field-name-findings.ts");
  const { reportFieldNameFindings } = await import("./client-files.ts");
  reportFieldNameFindings(
    context,
    findUnknownFields(client, nameOf, context.values.bool(LENIENT_FIELD_NAMES)),
    problems,
  );
}

/** The findings of an empty secret in a flag, or in a file whose secret no flag overrides. */
function emptySecretFindings(
  { values }: Pick<Context, "values">,
  base: FileClient | undefined,
): readonly LintFinding[] {
  if (values.isSet(SECRET))
    return values.text(SECRET) === "" ? [createEmptySecretFinding(values.origin(SECRET).name)] : [];
  return base?.hasEmptySecret === true ? [createEmptySecretFinding(`"client_secret" in ${base.name}`)] : [];
}

/** The texts of the files that flags such as `--jwks` name, by the flag's value; undefined if one can't be read. */
async function readFieldFiles(
  { values, readFile }: Pick<Context, "values" | "readFile">,
  problems: Problem[],
): Promise<ReadonlyMap<string, string | undefined>> {
  const files = new Map<string, string | undefined>();
  for (const { shape, flag } of CLIENT_FIELDS) {
    const path = shape === "json-or-file" && flag.kind === "text" ? values.text(flag) : undefined;
    if (path === undefined || path === "" || /^\s*[[{]/.test(path)) continue;
    files.set(path, undefined);
    await collectProblem(problems, async () => {
      const { text } = await readFile(path, `--${flag.name}`);
      const large = findTextSizeProblem(text, `--${flag.name} ${quote(path)}`);
      if (large !== undefined) throw large;
      files.set(path, text);
    });
  }
  return files;
}

/** Reads the fields of `--id` and `--secret`, which have no row among the fields, and their origins. */
function readIdAndSecretFlags({ values }: Pick<Context, "values">): {
  readonly client: JsonObject;
  readonly origins: ReadonlyMap<string, string>;
} {
  const flags = [["client_id", ID_FLAG] as const, ["client_secret", SECRET] as const];
  const given = flags.filter(([, flag]) => (values.text(flag) ?? "") !== "");
  return {
    client: Object.fromEntries(given.map(([field, flag]) => [field, values.text(flag)])),
    origins: new Map(given.map(([field, flag]) => [field, values.origin(flag).name])),
  };
}

/** How messages name a field, if the secret may come from a file or a prompt. */
export function labelerWithSecretName(label: FieldLabeler, given: ProvidedSecret | undefined): FieldLabeler {
  const isGiven = (field: string): boolean => field === "client_secret" && given !== undefined;
  return createFieldLabeler(
    (field) => (isGiven(field) ? (given?.name ?? "") : label(field)),
    (field) => (isGiven(field) ? undefined : label.sourceOf?.(field)),
    label.syntax,
  );
}

/** Checks a draft by the rules: shows the warnings, and returns the errors; under `--strict` warnings are errors too. */
export function warnAndReturnDraftErrors(
  { values, warn }: Pick<Context, "values" | "warn">,
  draft: ClientDraft & Pick<CommandLineDraft, "findings" | "isPartial">,
): readonly Problem[] {
  const findings = lintClient(draft.client, draft.label).filter(createOfflineFindingFilter({ values }));
  const certain = draft.isPartial ? findings.filter(({ severity }) => severity === "error") : findings;
  return [...draft.problems, ...warnAndReturnErrors({ values, warn }, [...draft.findings, ...certain])];
}

/** Shows the warnings among findings and returns the errors; under `--strict` warnings are errors too. */
export function warnAndReturnErrors(
  { values, warn }: Pick<Context, "values" | "warn">,
  findings: readonly LintFinding[],
): readonly Problem[] {
  const isError = ({ severity }: LintFinding): boolean => severity === "error" || values.bool(STRICT);
  for (const finding of findings)
    if (!isError(finding)) warn(`${finding.message} [${finding.rule}]: ${finding.hint}`, "advice");
  return findings.filter(isError).map(lintFindingProblem);
}

/** Rejects fields that the server's version doesn't know; the version is detected only if there is such a field. */
export async function rejectUnsupportedFields(
  context: Pick<Context, "admin" | "rareFields">,
  client: JsonObject,
  label: FieldLabeler,
): Promise<void> {
  const [first, ...others] = await findUnsupportedFieldTexts(context, [{ client, label }]);
  if (first === undefined) return;
  throw new Problem(first, {
    code: "field-unknown-to-server",
    exit: "usage",
    hint: "leave it out for this server",
    details: others,
  });
}

/** What is wrong with fields of clients that the server's version doesn't know. */
export async function findUnsupportedFieldTexts(
  { admin, rareFields }: Pick<Context, "admin" | "rareFields">,
  clients: readonly Pick<ClientDraft, "client" | "label">[],
): Promise<readonly string[]> {
  const rare = clients.flatMap(({ client, label }) =>
    Object.keys(client)
      .filter((field) => rareFields.has(field) && !isSameValue(field, client[field], undefined))
      .map((field) => ({ field, label })),
  );
  if (rare.length === 0) return [];
  const family = await admin.family();
  return rare
    .filter(({ field }) => family.unknownFields.has(field))
    .map(({ field, label }) => `${label(field)}: ${family.label} has no field ${field}`);
}
