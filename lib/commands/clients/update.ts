import { changeSecret } from "../../clients/change-secret.ts";
import { invalidPath, lintDraft, readDraft, refuseUnknownFields, warnDropped } from "../../clients/draft.ts";
import { dryRun, isDryRun } from "../../clients/dry-run.ts";
import { reportClientOnWriteFailure } from "../../clients/outlets.ts";
import {
  prepareSecret,
  providedSecret,
  secretProblems,
  unwritableProblems,
  wantsRecipients,
} from "../../clients/secret-source.ts";
import { sendChange } from "../../clients/send-change.ts";
import { CLIENT_VIEW, createdView, idOf } from "../../clients/views.ts";
import { type Context, command, type PreparedCommand, type Result, single } from "../../command.ts";
import {
  type ChangeRequest,
  changeRequest,
  fieldNamed,
  type PathAssignment,
  setPath,
} from "../../core/client/changes.ts";
import { isPublic, listField, textField, usesSecret } from "../../core/client/client.ts";
import { type Change, changes, emptyOf, incomparable, sameValue } from "../../core/client/equality.ts";
import { type Field, LIST_EDITS } from "../../core/client/fields.ts";
import { badId } from "../../core/client/id.ts";
import { findingProblem, lint } from "../../core/client/rules.ts";
import {
  DRY_RUN,
  FIELD_FLAGS,
  FILE,
  NEW_SECRET_FLAGS,
  RECIPIENT_FLAGS,
  SECRET_FILE,
  SECRET_OUT,
  SECRET_OUT_FLAGS,
  SECRET_PROMPT,
  SERVER_COMMAND_FLAGS,
  SET,
  STRICT,
} from "../../core/flags/flag-table.ts";
import type { BoolFlag, ListFlag } from "../../core/flags/parse.ts";
import { type JsonObject, toJson } from "../../core/json.ts";
import { redacted } from "../../core/output/curl.ts";
import type { View } from "../../core/output/render.ts";
import { Problem, usageError, withMessage } from "../../core/problem.ts";
import { CREDENTIAL_FIELDS, withoutCredentials } from "../../core/redact.ts";
import { quote } from "../../core/text.ts";

const REPLACE: BoolFlag = {
  kind: "switch",
  name: "replace",
  group: "input",
  help: "Replace the whole client, as the reference does: what is not named falls back to its default",
};

const UNSET: ListFlag = {
  kind: "list",
  name: "unset",
  value: "FIELD",
  group: "input",
  help: "Empty these fields, by their JSON names or their flags'",
};

/** What a command line wants of a client, as far as it can be said without knowing the client. */
interface RequestedUpdate {
  readonly id: string;
  /** Fields with their new values. */
  readonly set: JsonObject;
  /** Values for places inside other fields. */
  readonly inside: readonly PathAssignment[];
  readonly label: (field: string) => string;
  readonly replace: boolean;
}

function unsetFields(context: Context, problems: Problem[]): readonly Field[] {
  return context.values.list(UNSET).flatMap((name) => {
    const { field, meant } = fieldNamed(name);
    if (field !== undefined) return [field];
    problems.push(
      usageError(
        `--unset ${quote(name)} is no field that can be emptied`,
        name.replace(/^--/, "").replaceAll("-", "_") === "client_secret"
          ? "hydra clients rotate-secret gives the client a new secret"
          : meant === undefined
            ? "hydra clients get shows the fields"
            : `did you mean ${meant}?`,
        "unknown-field",
      ),
    );
    return [];
  });
}

/** The list that adding and removing make of the one a client has. */
function applyListEdits(context: Context, field: Field, current: JsonObject): unknown {
  const has =
    field.shape === "space-separated"
      ? (textField(current, field.name) ?? "").split(" ").filter((word) => word !== "")
      : listField(current, field.name);
  const edits = LIST_EDITS.filter((edit) => edit.field === field);
  const of = (way: "add" | "remove"): readonly string[] =>
    edits.filter((edit) => edit.way === way).flatMap((edit) => context.values.list(edit.flag));
  const missing = of("remove").filter((value) => !has.includes(value));
  for (const value of missing)
    context.warn(`--remove-${field.singular ?? field.name} ${quote(value)} is not in ${field.name}`);
  const fresh = [...new Set(of("add"))].filter((value) => !has.includes(value));
  const after = [...has, ...fresh].filter((value) => !of("remove").includes(value));
  return field.shape === "space-separated" ? after.join(" ") : after;
}

/** The fields that a client has, with values put inside them. */
function applyNested(current: JsonObject, inside: readonly PathAssignment[]): JsonObject {
  let whole = current;
  for (const placed of inside) {
    const set = setPath(whole, placed);
    if (set === undefined) throw invalidPath(placed.path);
    whole = set;
  }
  return Object.fromEntries(inside.map(({ path: [top = ""] }) => [top, whole[top]]));
}

function editedFields(context: Context): readonly Field[] {
  return [...new Set(LIST_EDITS.filter(({ flag }) => context.values.isSet(flag)).map(({ field }) => field))];
}

async function prepare(context: Context): Promise<PreparedCommand> {
  const { values } = context;
  const replace = values.bool(REPLACE);
  const read = await readDraft(context, replace);
  const problems: Problem[] = [...(await secretProblems(context))];
  const given = await providedSecret(context, problems);
  const [id = ""] = context.operands;
  const bad = context.operands.length === 0 ? undefined : badId(id);
  if (bad !== undefined) problems.push(bad);
  const own = read.client["client_id"];
  if (typeof own === "string" && own !== id)
    problems.push(
      usageError(
        `${read.label("client_id")} ${quote(own)} is not the client to update`,
        `a client's id cannot be changed; leave it out or write ${quote(own)} after update`,
        "id-mismatch",
      ),
    );
  const emptied = unsetFields(context, problems);
  const within = new Set(read.nested.map(({ path: [top] }) => top));
  const edits = editedFields(context);
  for (const field of [...emptied, ...edits]) {
    if (read.fromFlags.has(field.name))
      problems.push(
        usageError(`${field.name} is set and changed by another flag at once`, "name each field once", "field-twice"),
      );
  }
  if (replace && edits.length > 0)
    problems.push(
      usageError(
        "--replace excludes --add-… and --remove-…",
        "leave out --replace to change single values",
        "replace-and-edit",
      ),
    );
  const secret = given?.text ?? textField(read.client, "client_secret");
  const none = secret === undefined && !values.isSet(SECRET_FILE) && !values.bool(SECRET_PROMPT);
  if ((wantsRecipients(context) || values.isSet(SECRET_OUT)) && none) {
    problems.push(
      usageError(
        `There is no new secret to ${values.isSet(SECRET_OUT) ? "write" : "encrypt"}`,
        "hydra clients rotate-secret makes one; here give it with --secret-file",
        "nothing-to-encrypt",
      ),
    );
  }
  problems.push(...unwritableProblems(context, { id, secret }));
  const fields = Object.entries(read.client).filter(
    ([field]) => field !== "client_id" && field !== "client_secret" && !within.has(field),
  );
  const set: JsonObject = {
    ...Object.fromEntries(fields),
    ...Object.fromEntries(emptied.map((field) => [field.name, emptyOf(field)])),
  };
  // Rules that look at several fields are applied to the merged client, below.
  const judged = {
    ...read,
    client: secret === undefined ? set : { ...set, client_secret: secret },
    label: (field: string) => (field === "client_secret" ? (given?.name ?? read.label(field)) : read.label(field)),
  };
  problems.push(...(replace ? lintDraft(context, judged) : read.problems));
  if (!replace && secret !== undefined) {
    const found = lint({ client_secret: secret }, () => judged.label("client_secret"));
    problems.push(...found.filter(({ severity }) => severity === "error").map(findingProblem));
  }
  for (const warning of replace ? [] : read.warnings) context.warn(warning);
  const nothing = fields.length + within.size + emptied.length + edits.length === 0 && secret === undefined;
  if (nothing && !replace && problems.length === 0) {
    problems.push(
      usageError(
        `Nothing to change on client ${quote(id)} is named`,
        "add a flag such as --name, --add-scope or --unset",
        "nothing-named",
      ),
    );
  }
  return { problems, run: () => run(context, { id, set, inside: read.nested, label: judged.label, replace }, secret) };
}

/** Rules over the client as it would become, told only where the change has to do with them. */
function mergedProblems(
  context: Context,
  merged: JsonObject,
  wish: RequestedUpdate,
  before: JsonObject,
): readonly Problem[] {
  const label = (field: string): string =>
    Object.hasOwn(wish.set, field) || field === "client_secret" ? wish.label(field) : `the client's ${field}`;
  const known = new Set(lint(before, label).map(({ rule, message }) => `${rule} ${message}`));
  const fresh = lint(merged, label).filter(({ rule, message }) => !known.has(`${rule} ${message}`));
  const strict = context.values.bool(STRICT);
  for (const finding of fresh)
    if (finding.severity === "warning" && !strict)
      context.warn(`${finding.message} [${finding.rule}]: ${finding.hint}`);
  return fresh.filter(({ severity }) => severity === "error" || strict).map(findingProblem);
}

function shownBrief(value: unknown): string {
  const text = value === undefined || value === null ? "(nothing)" : toJson(redacted(value));
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

async function run(context: Context, wish: RequestedUpdate, secret: string | undefined): Promise<Result> {
  const { id } = wish;
  const dry = isDryRun(context);
  if (!dry)
    await refuseUnknownFields(
      context,
      { ...Object.fromEntries(wish.inside.map(({ path: [top = ""], value }) => [top, value])), ...wish.set },
      wish.label,
    );
  const recipients = secret === undefined ? [] : await context.keys.recipients(context.values);
  const current = await context.admin.get(id);
  const base = { ...current, ...wish.set };
  const edits = Object.fromEntries(
    editedFields(context).map((field) => [field.name, applyListEdits(context, field, base)]),
  );
  const wanted: JsonObject = { ...wish.set, ...applyNested(current, wish.inside), ...edits };
  const differing = [...changes(current, wanted), ...incomparable(current, wanted)];
  const merged = { ...current, ...wanted, ...(secret === undefined ? {} : { client_secret: secret }) };
  const broken = wish.replace ? [] : mergedProblems(context, merged, wish, current);
  const [first, ...others] = broken;
  if (first !== undefined) {
    throw withMessage(first, first.message, { details: others.map(({ message }) => message) });
  }
  if (secret !== undefined && isPublic(merged)) {
    throw new Problem(`Client ${quote(id)} takes no secret: its auth method is none`, {
      code: "public-client-secret",
      exit: "usage",
      hint: "leave the secret out, or choose another --token-endpoint-auth-method",
    });
  }
  const family = await context.admin.family();
  const all: readonly Change[] = [
    ...differing,
    ...(secret === undefined ? [] : [{ field: "client_secret", before: undefined, after: secret }]),
  ];
  if (all.length === 0 && !wish.replace) {
    context.note(`Client ${quote(id)} is so already: nothing was sent; its secret stays`);
    warnDropped(context, wanted, current);
    if (dry) return dryRun(context, [], "read");
    return single(updatedView(id, "unchanged"), withoutCredentials(current));
  }
  const path = family.paths.client(id);
  const request: ChangeRequest = wish.replace
    ? { method: "PUT", body: { client_id: id, ...wanted, ...(secret === undefined ? {} : { client_secret: secret }) } }
    : changeRequest(family.update, current, all);
  if (dry) return dryRun(context, [{ ...request, url: path }], "read");
  const send = (): Promise<JsonObject> => sendChange(context.admin, id, request);
  const tell = (record: JsonObject): void => {
    const seen = wish.replace
      ? [...new Set([...Object.keys(current), ...Object.keys(record)])].flatMap((field): Change[] =>
          ["updated_at", "created_at", "registration_client_uri", ...CREDENTIAL_FIELDS].includes(field) ||
          sameValue(field, current[field], record[field])
            ? []
            : [{ field, before: current[field], after: record[field] }],
        )
      : differing.flatMap(({ field, before }): Change[] =>
          sameValue(field, before, record[field]) ? [] : [{ field, before, after: record[field] }],
        );
    for (const { field, before, after } of seen) context.note(`${field}: ${shownBrief(before)} → ${shownBrief(after)}`);
    const answered = textField(record, "client_secret") ?? "";
    const whose = answered === "" || answered === secret ? "given" : "that the server answered";
    if (secret !== undefined) {
      const old = isPublic(current) ? "it had none before" : "the old one stopped working";
      context.note(`The secret of client ${quote(id)} is the one ${whose}; ${old}`);
    } else if (isPublic(merged)) {
      context.note(`Client ${quote(id)} has no secret${isPublic(current) ? "" : " any more"}: its auth method is none`);
    } else if (isPublic(current) && usesSecret(merged)) {
      context.warn(`client ${quote(id)} has no secret yet: hydra clients rotate-secret ${id} makes one`);
    } else context.note(`The secret of client ${quote(id)} stays as it was`);
    warnDropped(context, wanted, record);
  };
  if (secret === undefined) {
    const record = withoutCredentials(await send());
    tell(record);
    return single(updatedView(id, "updated"), record, reportClientOnWriteFailure(id, "updated"));
  }
  const prepared = await prepareSecret(context, secret, recipients);
  return changeSecret(context, {
    id,
    action: `Cannot update client ${quote(id)}`,
    prepared,
    send,
    view: updatedView(id, "updated", recipients.length > 0),
    before: (_, record) => tell(record),
  });
}

function updatedView(id: string, outcome: "updated" | "unchanged", encrypted = false): View<JsonObject> {
  const base = encrypted ? createdView("given") : CLIENT_VIEW;
  return {
    ...base,
    text: (client) => [`${id} OAuth 2.0 Client ${outcome}`, ...(encrypted ? (base.text?.(client) ?? []).slice(1) : [])],
    id: idOf,
  };
}

/** `clients update` and `update oauth2-client`: changes what is named and nothing else. */
export const update = command({
  name: "update",
  summary: "Change a client: what is named, and nothing else",
  about: [
    "Changes the named fields and leaves all others, the secret among them. Tells on standard error what changed. With --replace it sends the whole client, as the reference does.",
    "--dry-run reads the client to show the exact request, and writes nothing.",
  ],
  operands: { name: "ID", least: 1, most: 1, help: "The id of the client" },
  flags: [
    ...FIELD_FLAGS,
    ...LIST_EDITS.map(({ flag }) => flag),
    UNSET,
    SET,
    FILE,
    REPLACE,
    ...NEW_SECRET_FLAGS,
    ...SECRET_OUT_FLAGS,
    ...RECIPIENT_FLAGS,
    STRICT,
    DRY_RUN,
    ...SERVER_COMMAND_FLAGS,
  ],
  examples: {
    "1.x": [
      [
        "clients update my-app --name 'My app' --add-callback https://app.example.com/cb",
        "A name and one more redirect URI",
      ],
      [
        "clients update my-app --unset logo-uri --set 'metadata.team=\"x\"'",
        "Empty one field and set a part of another",
      ],
    ],
    "2.x": [["update oauth2-client my-app --scope openid,offline", "Other scopes"]],
  },
  server: true,
  credentials: "secrets",
  format: { "1.x": "text", "2.x": "table" },
  prepare,
});
