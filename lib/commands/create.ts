import type { CreateOutcome } from "../adapters/admin.ts";
import type { KeyAlgorithm } from "../adapters/keypair.ts";
import { type Client, isEmpty, isPublic, textField } from "../core/client.ts";
import { changes } from "../core/equality.ts";
import { Problem, reworded, usage } from "../core/problem.ts";
import type { Recipient } from "../core/recipient.ts";
import {
  DRY_RUN,
  FIELD_FLAGS,
  FILE,
  GENERATE_KEY,
  ID,
  IF_EXISTS,
  KEY_OUT,
  RECIPIENT_FLAGS,
  SECRET,
  SECRET_IN_FLAGS,
  SECRET_LENGTH,
  SECRET_OUT,
  SECRET_OUT_FLAGS,
  SERVER_COMMAND_FLAGS,
  SET,
  STRICT,
  VERIFY_FLAGS,
} from "../core/rows.ts";
import { judge } from "../core/rules.ts";
import { withoutCredentials } from "../core/secret.ts";
import { quoted } from "../core/text.ts";
import { change } from "./change.ts";
import { type Context, command, type Result, type Shown, type Start, single } from "./command.ts";
import {
  closedOutput,
  deliveryOf,
  givenSecret,
  type Handover,
  handOver,
  NO_SECRET,
  type PreparedSecret,
  prepareSecret,
  publicRecipientProblems,
  recover,
  refuseHidden,
  rescue,
  secretProblems,
  tellRecipients,
  unwritableProblems,
  withHandover,
} from "./credentials.ts";
import { findings, idIn, type ReadDraft, readDraft, refuseUnknownFields, tellDropped } from "./draft.ts";
import { dryRun, isDryRun } from "./dryrun.ts";
import { guarded, type Made, madeBy, sendCreate, tellsUnwritten } from "./guard.ts";
import { createWithKey, KEY_ALGORITHMS, keyed } from "./keys.ts";
import { changeSecret } from "./secret-change.ts";
import { secretProof, verify, verifyEndpoint, verifyProblems } from "./verify.ts";
import { createdView } from "./views.ts";

/** What to do with a client of the chosen id that is there already. */
type IfExists = "fail" | "skip" | "update";

async function start(context: Context): Promise<Start> {
  const { values } = context;
  const problems: Problem[] = [];
  const ifExists = ifExistsOf(context);
  const read = keyed(context, await readDraft(context, true), problems);
  problems.push(
    // Whether they are needed where the client may be there already is known only then.
    ...(await secretProblems(context, {
      outlets: ifExists === "fail" && !(isPublic(read.client) && !values.given(GENERATE_KEY)),
      instead: [GENERATE_KEY],
    })),
    ...verifyProblems(context),
  );
  const wrong = judge(read.client, read.label).some(({ severity }) => severity === "error");
  const given = await givenSecret(context, problems, wrong || read.problems.length > 0);
  const { client_secret: drafted, ...others } = read.client;
  const secret = given?.text ?? (isEmpty(drafted) ? undefined : drafted);
  // A draft of a public client with a secret is judged without it, since the secret is not sent; an empty one is none.
  const client: Client = isPublic(read.client) || secret === undefined ? others : { ...others, client_secret: secret };
  const label = (field: string): string =>
    field === "client_secret" ? (given?.name ?? read.label(field)) : read.label(field);
  const draft: ReadDraft = { ...read, client, label };
  const id = idIn(client);
  const named = { id: id ?? "id", secret: textField(client, "client_secret") };
  problems.push(
    ...findings(context, draft),
    ...publicRecipientProblems(context, client, draft.label),
    ...unwritableProblems(context, named),
  );
  if (ifExists !== "fail" && id === undefined) {
    problems.push(
      usage(
        `${values.origin(IF_EXISTS).name} ${ifExists} needs the id of the client`,
        "add --id, by which a second run finds the client",
        "if-exists-without-id",
      ),
    );
  }
  if (isPublic(client) && secret !== undefined) {
    context.warn(`${label("client_secret")} is not sent: a client with the auth method none has no secret`);
  }
  if (isPublic(client) && values.given(SECRET_OUT)) {
    context.warn("--secret-out is not written: a client with the auth method none has no secret");
  }
  const algorithm = KEY_ALGORITHMS.find((known) => known === values.text(GENERATE_KEY));
  if (algorithm === undefined) return { problems, run: () => run(context, draft, ifExists) };
  if (given !== undefined && isEmpty(drafted)) {
    problems.push(
      usage(`--generate-key ${algorithm} and ${given.name} exclude each other`, "leave one of them out", "two-keys"),
    );
  }
  if (ifExists === "update") {
    problems.push(
      usage(
        `--generate-key ${algorithm} cannot update a client: it would lose the key that it has`,
        "use --if-exists skip, or change its keys with hydra clients update --jwks",
        "key-for-existing",
      ),
    );
  }
  return { problems, run: () => runWithKey(context, draft, algorithm, ifExists) };
}

async function runWithKey(
  context: Context,
  draft: ReadDraft,
  algorithm: KeyAlgorithm,
  ifExists: IfExists,
): Promise<Result> {
  const id = idIn(draft.client);
  if (ifExists !== "skip" || id === undefined || isDryRun(context)) return createWithKey(context, draft, algorithm);
  const skipped = async (): Promise<Result | undefined> => {
    const current = await context.admin.find(id);
    const client = omit(draft.client, "jwks");
    return current === undefined
      ? undefined
      : existing(context, { ...draft, client }, ifExists, current, async () => []);
  };
  const before = await skipped();
  if (before !== undefined) return before;
  try {
    return await createWithKey(context, draft, algorithm);
  } catch (error) {
    // Someone else made it in between; a conflict in doubt may be this run's own client.
    if (!(error instanceof Problem) || error.exit !== "conflict" || error.doubtful) throw error;
    const meanwhile = await skipped();
    if (meanwhile === undefined) throw error;
    return meanwhile;
  }
}

function omit(client: Client, field: string): Client {
  return Object.fromEntries(Object.entries(client).filter(([name]) => name !== field));
}

function ifExistsOf(context: Context): IfExists {
  const way = context.values.text(IF_EXISTS);
  return way === "skip" || way === "update" ? way : "fail";
}

async function run(context: Context, draft: ReadDraft, ifExists: IfExists): Promise<Result> {
  const { client } = draft;
  const id = idIn(client);
  const given = typeof client["client_secret"] === "string" ? client["client_secret"] : undefined;
  let keys: Promise<readonly Recipient[]> | undefined;
  // Read once, since one may come from standard input.
  const found = (): Promise<readonly Recipient[]> => {
    keys ??= context.keys.recipients(context.values);
    return keys;
  };
  const payload = { ...client, client_id: id ?? context.host.uuid() };
  if (isDryRun(context)) {
    const body = isPublic(client) ? payload : { ...payload, client_secret: given ?? "made here" };
    return dryRun(context, [{ method: "POST", url: context.clientsPath, body }]);
  }
  await refuseUnknownFields(context, client, draft.label);
  if (ifExists !== "fail" && id !== undefined) {
    const current = await context.admin.find(id);
    if (current !== undefined) return existing(context, draft, ifExists, current, found);
  }
  const recipients = await found();
  const prepared = isPublic(client) ? NO_SECRET : await prepareSecret(context, given, recipients);
  const endpoint = await verifyEndpoint(context);
  const way = { action: "Cannot create client", mustRescue: false };
  const around = prepared.plain === undefined ? withoutSecret : withHandover;
  return around(context, way, async (handover) => {
    refuseHidden(context, prepared, handover);
    const outcome = await sendCreate(context.admin, { ...payload, client_secret: prepared.plain }, id === undefined);
    if (outcome.kind === "refused") {
      if (
        ifExists !== "fail" &&
        id !== undefined &&
        outcome.problem instanceof Problem &&
        outcome.problem.exit === "conflict"
      ) {
        // Someone else made it in between.
        const current = await context.admin.find(id);
        await handover.sink?.discard();
        if (current !== undefined) return existing(context, draft, ifExists, current, found);
      }
      throw outcome.problem;
    }
    if (outcome.kind === "unknown") throw await unknown(context, handover, outcome, prepared);
    let made = madeBy(outcome, prepared);
    return guarded(
      context,
      handover,
      () => made,
      async () => {
        const more = ifExists === "fail" ? {} : { outcome: "created" };
        const { record } = outcome;
        const delivery = await deliveryOf(context, prepared, { ...record, ...more });
        made = { ...made, delivery, prepared };
        tellDropped(context, client, record);
        const secret = textField(record, "client_secret") ?? prepared.plain;
        const proof = secret === undefined ? undefined : secretProof({ ...client, ...record }, secret);
        const works = proof === undefined || (await verify(context, endpoint, record.client_id, proof));
        tellRecipients(context, prepared.plain === undefined ? [] : recipients);
        const result = await created(context, handover, made);
        return works ? result : { ...result, exit: () => "failed" };
      },
    );
  });
}

/** The work around a client that has no secret, which needs no way out but the one that tells its id. */
const withoutSecret: typeof withHandover = (context, { action }, work) =>
  context.critical(async () => {
    if (context.host.stdoutWasClosed()) throw closedOutput(action, "its id");
    return work({ place: undefined, sink: undefined });
  });

async function created(context: Context, handover: Handover, made: Made): Promise<Result> {
  const { delivery, prepared } = made;
  const view = createdView(prepared.plain === undefined ? "none" : "given");
  const { shown, precious } = await handOver(context, handover, delivery, (text) =>
    context.shows(view, delivery.shown, text),
  );
  if (precious === undefined) return single(view, shown, tellsUnwritten(delivery.credentials.id, "created"));
  return single(view, shown, {
    undelivered: ([lost], reason) =>
      recover(context, handover.place, { ...made, leaked: lost?.leaked !== false }, reason),
  });
}

/** The problem of a create whose end is not known: the secret is kept, because the client may be there. */
async function unknown(
  context: Context,
  handover: Handover,
  outcome: Extract<CreateOutcome, { kind: "unknown" }>,
  prepared: PreparedSecret,
): Promise<Problem> {
  const { problem, clientId } = outcome;
  const kept = await rescue(
    context,
    handover.place,
    { id: clientId, state: "unverified", reason: problem.message },
    prepared,
  );
  return reworded(problem, `${problem.message}${kept}`);
}

/** The client of this id was there: it is left alone or brought to what the command line says; no secret is made. */
async function existing(
  context: Context,
  draft: ReadDraft,
  ifExists: IfExists,
  current: Shown & { readonly client_id: string },
  recipients: () => Promise<readonly Recipient[]>,
): Promise<Result> {
  const id = current.client_id;
  const given = textField(draft.client, "client_secret");
  const wanted = omit(draft.client, "client_secret");
  const differing = changes(current, wanted);
  const differs = differing.map(({ field }) => field);
  const view = createdView("given");
  const shown = (record: Shown, outcome: string): Result =>
    single(view, { ...withoutCredentials(record), outcome, ...(outcome === "skipped" ? { differs } : {}) });
  if (ifExists === "skip") {
    context.note(
      `Client ${quoted(id)} is there already and was skipped: ${differs.length === 0 ? "nothing differs" : `it differs in ${differs.join(", ")}`}; no secret was delivered`,
    );
    return shown(current, "skipped");
  }
  if (differs.length === 0 && given === undefined) {
    tellDropped(context, wanted, current);
    context.note(`Client ${quoted(id)} is there already and unchanged; no secret was delivered`);
    return shown(current, "unchanged");
  }
  const updated = `Client ${quoted(id)} was there already and is updated${differs.length === 0 ? "" : ` in ${differs.join(", ")}`}`;
  if (given === undefined) {
    const record = await change(context.admin, id, current, differing);
    tellDropped(context, wanted, record);
    context.note(`${updated}; its secret stays, and none was delivered`);
    return { ...shown(record, "updated"), ...tellsUnwritten(id, "updated") };
  }
  const prepared = await prepareSecret(context, given, await recipients());
  const all = [...differing, { field: "client_secret", before: undefined, after: given }];
  // A variable may be set for other commands, so its name is told where it changed a client that is there.
  const origin = context.values.origin(SECRET);
  const variable = origin.from === "environment" && draft.label("client_secret") === origin.name;
  return changeSecret(context, {
    id,
    action: `Cannot update client ${quoted(id)}`,
    prepared,
    view,
    send: async () => ({ ...(await change(context.admin, id, current, all)), outcome: "updated" }),
    before({ precious, differs: other }, record) {
      tellDropped(context, wanted, record);
      const source = other ? "that the server answered" : `given${variable ? ` by ${origin.name}` : ""}`;
      const out = precious !== undefined || context.values.given(SECRET_OUT);
      context.note(`${updated}; its secret is the one ${source}${out ? "" : ", and none was delivered"}`);
    },
  });
}

/** `clients create` and `create oauth2-client`: registers a client and hands over its credentials. */
export const create = command({
  name: "create",
  summary: "Register a client and print its id and secret",
  about: [
    "Registers an OAuth 2.0 client. A secret is made here and printed once; with a recipient, only its encrypted form is printed, and nothing is created unless every key can be used.",
    "List flags take commas and repeats; quote a value that holds a comma: '\"a,b\",c'.",
  ],
  flags: [
    ID,
    ...FIELD_FLAGS,
    ...SECRET_IN_FLAGS,
    SECRET_LENGTH,
    GENERATE_KEY,
    KEY_OUT,
    ...VERIFY_FLAGS,
    ...SECRET_OUT_FLAGS,
    ...RECIPIENT_FLAGS,
    FILE,
    SET,
    IF_EXISTS,
    STRICT,
    DRY_RUN,
    ...SERVER_COMMAND_FLAGS,
  ],
  examples: {
    "1.x": [
      [
        'clients create -n "my app" -c http://localhost/cb -g authorization_code -r code -a core,foobar',
        "A client for sign-ins",
      ],
      [
        "clients create -g client_credentials -r token -a core,foobar --keybase alice",
        "Its secret encrypted to a Keybase user",
      ],
      ["clients create --id web --token-endpoint-auth-method none -c https://app.example.com/cb", "A public client"],
      [
        "clients create --id job -g client_credentials --if-exists skip --secret-out job.env",
        "In a pipeline that runs twice",
      ],
    ],
    "2.x": [
      [
        'create oauth2-client --name "my app" --redirect-uri http://localhost/cb --scope core,foobar --format json',
        "A client for sign-ins",
      ],
      [
        "create oauth2-client --grant-type client_credentials --pgp-key @team.asc",
        "Its secret encrypted to an OpenPGP key",
      ],
    ],
  },
  server: true,
  credentials: "secrets",
  format: { "1.x": "text", "2.x": "table" },
  start,
});
