import {
  type CommandLineDraft,
  labelerWithSecretName,
  readCommandLineDraft,
  rejectUnsupportedFields,
  warnAndReturnDraftErrors,
  warnAndReturnErrors,
} from "../../clients/draft/client-draft.ts";
import { dryRunResult } from "../../clients/dry-run.ts";
import { isDryRun } from "../../clients/is-dry-run.ts";
import { findUnknownSecretWarning, setAndDeliverProvidedSecret } from "../../clients/secrets/change-secret.ts";
import {
  longSecretNameProblems,
  secretFlagProblems,
  unwritableCredentialProblems,
} from "../../clients/secrets/secret-checks.ts";
import {
  encryptGivenOrGeneratedSecret,
  hasRecipientFlags,
  isSecretEchoed,
  readProvidedSecret,
} from "../../clients/secrets/secret-source.ts";
import { unwrittenClientHandler } from "../../clients/secrets/unwritten-result.ts";
import { shortRedactedValue } from "../../clients/update/change-lines.ts";
import {
  applyEditFlagsToList,
  type PlannedUpdate,
  planAndCheckUpdate,
  type RequestedUpdate,
  updateRequestOfPlan,
} from "../../clients/update/plan-update.ts";
import { sendUpdateRequest } from "../../clients/update/send-change.ts";
import { warnOfUnkeptFields } from "../../clients/update/unkept-fields.ts";
import { CLIENT_WITHOUT_SECRET_VIEW, clientWithCredentialsView } from "../../clients/views.ts";
import { type CheckedCommand, type CommandResult, type Context, defineLeaf, singleResult } from "../../command.ts";
import { findFieldOrSuggestion } from "../../core/client/changes.ts";
import { findReturnedSecret, getTextField, idOf, isPublic } from "../../core/client/client.ts";
import { clearingValue, type FieldChange, isSameValue } from "../../core/client/equality.ts";
import { type ClientField, CREDENTIAL_AND_SERVER_FIELDS, FIELD_FLAGS } from "../../core/client/fields.ts";
import { LIST_EDIT_FLAGS } from "../../core/client/list-edit-flags.ts";
import { lintClient, lintFindingProblem } from "../../core/client/rules.ts";
import {
  CREDENTIAL_OUTPUT_FLAGS,
  ENCRYPTION_FLAGS,
  EXISTING_CLIENT_SECRET_FLAGS,
  SECRET_FILE,
  SECRET_OUT,
  SECRET_PROMPT,
} from "../../core/flags/credential-flags.ts";
import type { BoolFlag, Flag, ListFlag } from "../../core/flags/flag.ts";
import type { FlagValues } from "../../core/flags/parsed-flag-values.ts";
import {
  CLIENT_FILE,
  DRY_RUN,
  LENIENT_FIELD_NAMES,
  SERVER_COMMAND_FLAGS,
  SET,
  STRICT,
} from "../../core/flags/shared-flags.ts";
import { clientIdProblems } from "../../core/id-problems.ts";
import type { JsonObject } from "../../core/json/json.ts";
import type { ResultView } from "../../core/output/render.ts";
import { quotedOperandAndFlagText } from "../../core/output/shell-quote.ts";
import { type Problem, usageError, usageErrorIf } from "../../core/problem.ts";
import { CLIENT_CREDENTIAL_FIELDS, withoutCredentialFields } from "../../core/redact.ts";
import { quote } from "../../core/text.ts";

const REPLACE_FLAG: BoolFlag = {
  kind: "switch",
  name: "replace",
  group: "input",
  help: "Replace the whole client like Hydra's own CLI; omitted fields get defaults",
};

/** A flag of a new client as update has it: what is not given stays, and only a replacement uses defaults. */
function withoutDefault(flag: Flag): Flag {
  if (!("default" in flag)) return flag;
  const { default: _, ...row } = flag;
  return row;
}

const UNSET_FLAG: ListFlag = {
  kind: "list",
  name: "unset",
  value: "FIELD",
  completes: "field",
  group: "input",
  help: "Clear fields (JSON or flag names)",
};

async function prepare(context: Context): Promise<CheckedCommand> {
  const { values } = context;
  const [id = ""] = context.operands;
  // As in Hydra's own CLI, a file in the 2.x syntax replaces the whole client too.
  const replace = values.bool(REPLACE_FLAG) || (context.syntax === "2.x" && values.isSet(CLIENT_FILE));
  const read = await readCommandLineDraft(context, replace);
  const problems: Problem[] = [...(await secretFlagProblems(context))];
  const given = await readProvidedSecret(context, problems);
  // An empty secret in a file is none.
  const secret = given?.text ?? (getTextField(read.client, "client_secret") || undefined);
  const unset = readUnsetFields(id, values);
  const editedLists = [...new Set(LIST_EDIT_FLAGS.filter(({ flag }) => values.isSet(flag)).map(({ field }) => field))];
  const set = {
    ...fieldsSetAsWhole(read),
    ...Object.fromEntries(unset.fields.map((field) => [field.name, clearingValue(field)])),
  };
  const label = labelerWithSecretName(read.label, given);
  const asked: RequestedUpdate = { id, set, nested: read.nested, editedLists, secret, label, replace };
  const update = replace ? withEditsInSet(context, asked) : asked;
  problems.push(
    ...(context.operands.length === 0 ? [] : idProblems(id, read)),
    ...unset.problems,
    ...fieldGivenTwiceProblems(read, [...unset.fields, ...editedLists]),
    ...replaceWithListEditProblems(values, asked),
    ...missingNewSecretProblems(context, secret),
    ...unwritableCredentialProblems(context, { id, secret }),
    ...longSecretNameProblems(context, id),
    ...warnAndReturnUpdateErrors(context, read, update),
  );
  if (id !== "" && problems.length === 0 && !replace && isEmptyUpdate(update))
    problems.push(
      usageError(
        `No changes given for client ${quote(id)}`,
        "add a flag such as --name, --add-scope or --unset",
        "nothing-named",
      ),
    );
  return { problems, run: () => run(context, update, isSecretEchoed(context, given)) };
}

/** A replacement with the list edits in what it sets: they need nothing of the client, and the rules see them. */
function withEditsInSet(context: Pick<Context, "values" | "warn">, update: RequestedUpdate): RequestedUpdate {
  const edited = update.editedLists.map((field) => [field.name, applyEditFlagsToList(context, field, update.set)]);
  return { ...update, set: { ...update.set, ...Object.fromEntries(edited) }, editedLists: [] };
}

/** The fields that the command line sets as a whole, other than the ID and the secret. */
function fieldsSetAsWhole({ client, nested }: CommandLineDraft): JsonObject {
  const others = new Set(["client_id", "client_secret", ...nested.map(({ path: [top] }) => top)]);
  return Object.fromEntries(Object.entries(client).filter(([field]) => !others.has(field)));
}

function isEmptyUpdate({ set, nested, editedLists, secret }: RequestedUpdate): boolean {
  return Object.keys(set).length + nested.length + editedLists.length === 0 && secret === undefined;
}

function idProblems(id: string, { client, label }: CommandLineDraft): readonly Problem[] {
  const own = client["client_id"];
  const problems = clientIdProblems([id]);
  if (typeof own !== "string" || own === id) return problems;
  const mismatch = usageError(
    `${label("client_id")} ${quote(own)} is not the client to update`,
    `a client ID cannot be changed; leave it out or write ${quote(own)} after update`,
    "id-mismatch",
  );
  return [...problems, mismatch];
}

/** The fields of `--unset`. */
function readUnsetFields(
  id: string,
  values: FlagValues,
): {
  readonly fields: readonly ClientField[];
  readonly problems: readonly Problem[];
} {
  const fields: ClientField[] = [];
  const problems: Problem[] = [];
  for (const name of values.list(UNSET_FLAG)) {
    const { field, meant } = findFieldOrSuggestion(name);
    if (field !== undefined) fields.push(field);
    else
      problems.push(
        usageError(`--unset ${quote(name)} is not a field to clear`, unsetHint(id, name, meant), "unknown-field"),
      );
  }
  return { fields, problems };
}

function unsetHint(id: string, name: string, meant: string | undefined): string {
  const plain = name.replace(/^--/, "").replaceAll("-", "_");
  if (plain === "client_secret") return `set a new secret: hydra clients rotate-secret ${quotedOperandAndFlagText(id)}`;
  return meant === undefined || CREDENTIAL_AND_SERVER_FIELDS.includes(plain)
    ? `show the fields: hydra clients get ${quotedOperandAndFlagText(id)}`
    : `did you mean ${meant}?`;
}

/** The problems of fields that are both set and cleared or edited. */
function fieldGivenTwiceProblems({ fromFlags }: CommandLineDraft, others: readonly ClientField[]): readonly Problem[] {
  return others
    .filter(({ name }) => fromFlags.has(name))
    .map(({ name }) =>
      usageError(`${name} is both set and changed by another flag`, "name each field once", "field-twice"),
    );
}

function replaceWithListEditProblems(
  values: FlagValues,
  { replace, editedLists }: RequestedUpdate,
): readonly Problem[] {
  return usageErrorIf(
    // With a file, the edits are made to its lists.
    replace && !values.isSet(CLIENT_FILE) && editedLists.length > 0,
    "--replace excludes --add-… and --remove-…",
    "leave out --replace to change single values",
    "replace-and-edit",
  );
}

/** The problem of flags about a secret that is not given. */
function missingNewSecretProblems({ values }: Pick<Context, "values">, secret: string | undefined): readonly Problem[] {
  if (secret !== undefined || values.isSet(SECRET_FILE) || values.bool(SECRET_PROMPT)) return [];
  return usageErrorIf(
    hasRecipientFlags({ values }) || values.isSet(SECRET_OUT),
    `There is no new secret to ${values.isSet(SECRET_OUT) ? "write" : "encrypt"}`,
    "give one with --secret-file, or generate one with hydra clients rotate-secret",
    "nothing-to-encrypt",
  );
}

/** The problems that the rules find without the client; rules over several fields are checked on the merged client. */
function warnAndReturnUpdateErrors(
  context: Pick<Context, "values" | "warn">,
  read: CommandLineDraft,
  { set, secret, label, replace }: RequestedUpdate,
): readonly Problem[] {
  const withSecret = secret === undefined ? {} : { client_secret: secret };
  if (replace) return warnAndReturnDraftErrors(context, { ...read, client: { ...set, ...withSecret }, label });
  const errors = lintClient(withSecret, label).filter(({ severity }) => severity === "error");
  return [...read.problems, ...warnAndReturnErrors(context, read.findings), ...errors.map(lintFindingProblem)];
}

async function run(context: Context, update: RequestedUpdate, echoed: boolean): Promise<CommandResult> {
  const { id, secret } = update;
  const nested = Object.fromEntries(update.nested.map(({ path: [top = ""], value }) => [top, value]));
  await rejectUnsupportedFields(context, { ...nested, ...update.set }, update.label);
  const recipients = secret === undefined ? [] : await context.encryption.recipients(context.values);
  const plan = planAndCheckUpdate(context, update, await context.admin.get(id));
  const { paths, update: method } = await context.admin.family();
  const request = updateRequestOfPlan(plan, method);
  if (request === undefined) return unchangedClientResult(context, plan);
  if (isDryRun(context)) return dryRunResult(context, [{ ...request, url: paths.client(id) }], "client");
  const send = (): Promise<JsonObject> => sendUpdateRequest(context.admin, id, request);
  if (secret === undefined) {
    const record = withoutCredentialFields(await send());
    reportUpdate(context, plan, record);
    return singleResult(updatedView(id, "updated"), record, unwrittenClientHandler(id, "updated"));
  }
  return setAndDeliverProvidedSecret(context, {
    id,
    action: `Cannot update client ${quote(id)}`,
    prepared: { ...(await encryptGivenOrGeneratedSecret(context, secret, recipients)), echoed },
    send,
    view: updatedView(id, "updated", recipients.length > 0),
    before: (_, record) => reportUpdate(context, plan, record),
  });
}

/** The result of an update that changes nothing, which a note says. */
function unchangedClientResult(
  context: Pick<Context, "connection" | "format" | "note" | "values" | "warn">,
  { id, wanted, current }: PlannedUpdate,
): CommandResult {
  context.note(`Client ${quote(id)} is already up to date`);
  warnOfUnkeptFields(context, wanted, current);
  if (isDryRun(context)) return dryRunResult(context, [], "client");
  return singleResult(updatedView(id, "unchanged"), withoutCredentialFields(current));
}

/** Reports on stderr what an update changed, and what became of the secret. */
function reportUpdate(
  context: Pick<Context, "note" | "noteChange" | "warn">,
  plan: PlannedUpdate,
  record: JsonObject,
): void {
  for (const { field, before, after } of observedChanges(plan, record))
    context.noteChange(field, shortRedactedValue(before), shortRedactedValue(after));
  reportSecretOutcome(context, plan, record);
  warnOfUnkeptFields(context, plan.wanted, record);
}

/** Fields that a server changes by itself with every update. */
const VOLATILE_FIELDS: readonly string[] = [
  "updated_at",
  "created_at",
  "registration_client_uri",
  ...CLIENT_CREDENTIAL_FIELDS,
];

/** The fields that have another value in the answer than before. */
function observedChanges({ replace, current, differing }: PlannedUpdate, record: JsonObject): readonly FieldChange[] {
  const fields = replace
    ? [...new Set([...Object.keys(current), ...Object.keys(record)])].filter((name) => !VOLATILE_FIELDS.includes(name))
    : differing.map(({ field }) => field);
  return fields
    .filter((field) => !isSameValue(field, current[field], record[field]))
    .map((field) => ({ field, before: current[field], after: record[field] }));
}

function reportSecretOutcome(
  { note, warn }: Pick<Context, "note" | "warn">,
  { id, secret, current, merged }: PlannedUpdate,
  record: JsonObject,
): void {
  const client = quote(id);
  const warning = findUnknownSecretWarning(id, current, merged);
  if (secret !== undefined) {
    const answered = findReturnedSecret(record);
    const source = answered === undefined || answered === secret ? "given" : "returned by the server";
    const old = isPublic(current) ? "it had none before" : "the old one no longer works";
    note(`Secret of client ${client} is the one ${source}; ${old}`);
  } else if (isPublic(merged)) {
    note(`Client ${client} ${isPublic(current) ? "has no secret" : "no longer has a secret"}: its auth method is none`);
  } else if (warning !== undefined) {
    warn(warning, "advice");
  } else {
    note(`Secret of client ${client} unchanged`);
  }
}

function updatedView(id: string, outcome: "updated" | "unchanged", encrypted = false): ResultView<JsonObject> {
  const base = encrypted ? clientWithCredentialsView("has secret") : CLIENT_WITHOUT_SECRET_VIEW;
  return {
    ...base,
    text: (client) => [`${id} OAuth 2.0 Client ${outcome}`, ...(encrypted ? (base.text?.(client) ?? []).slice(1) : [])],
    id: idOf,
  };
}

/** `clients update` and `update oauth2-client`: changes only the fields that are given. */
export default defineLeaf({
  name: "update",
  summary: "Update only the given fields of a client",
  about: [
    "Changes only the fields you pass; all others, including the secret, stay unchanged. Reports on standard error what changed. With --replace, or with --file in the 2.x syntax, it sends the whole client, like Hydra's own CLI: fields that are not given are reset, except the secret.",
    "--dry-run reads the client to show the exact request, and changes nothing.",
  ],
  operands: { name: "ID", completes: "client-id", least: 1, most: 1, help: "Client ID" },
  flags: [
    ...FIELD_FLAGS.map(withoutDefault),
    ...LIST_EDIT_FLAGS.map(({ flag }) => flag),
    UNSET_FLAG,
    SET,
    CLIENT_FILE,
    REPLACE_FLAG,
    ...EXISTING_CLIENT_SECRET_FLAGS,
    ...CREDENTIAL_OUTPUT_FLAGS,
    ...ENCRYPTION_FLAGS,
    STRICT,
    LENIENT_FIELD_NAMES,
    DRY_RUN,
    ...SERVER_COMMAND_FLAGS,
  ],
  examples: {
    "1.x": [
      [
        "clients update my-app --name 'My app' --add-callback https://app.example.com/cb",
        "Change the name and add a redirect URI",
      ],
      [
        "clients update my-app --unset logo-uri --set 'metadata.team=\"x\"'",
        "Clear one field and set a part of another",
      ],
    ],
    "2.x": [
      ["update oauth2-client my-app --scope openid,offline", "Replace the scopes"],
      ["update oauth2-client my-app --file my-app.json", "Replace the client with the file; its secret is kept"],
    ],
  },
  server: true,
  credentials: "secrets",
  prepare,
});
