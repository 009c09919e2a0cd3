import type { ClientProof } from "../../adapters/token-endpoint.ts";
import { changeSecret } from "../../clients/change-secret.ts";
import { tellRecipients } from "../../clients/delivery.ts";
import { idIn, lintDraft, type ReadDraft, readDraft, refuseUnknownFields, warnDropped } from "../../clients/draft.ts";
import { dryRun, isDryRun } from "../../clients/dry-run.ts";
import { applyGenerateKey, prepareKey } from "../../clients/key-pair.ts";
import { reportClientOnWriteFailure, withOutlets } from "../../clients/outlets.ts";
import { type CreatedClient, deliverCreated, type Registration, register } from "../../clients/register.ts";
import {
  NO_SECRET,
  prepareSecret,
  providedSecret,
  publicRecipientProblems,
  secretProblems,
  unwritableProblems,
} from "../../clients/secret-source.ts";
import { change } from "../../clients/send-change.ts";
import { secretProof, verify, verifyEndpoint, verifyProblems } from "../../clients/verify.ts";
import { createdView, KEYED_VIEW } from "../../clients/views.ts";
import { type Context, command, type PreparedCommand, type Result, single } from "../../command.ts";
import { type ClientRecord, isEmpty, isPublic, textField } from "../../core/client/client.ts";
import { changes } from "../../core/client/equality.ts";
import { lint } from "../../core/client/rules.ts";
import {
  DRY_RUN,
  FIELD_FLAGS,
  FILE,
  GENERATE_KEY,
  ID,
  IF_EXISTS,
  type IfExists,
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
} from "../../core/flags/flag-table.ts";
import type { JsonObject } from "../../core/json.ts";
import type { KeyAlgorithm } from "../../core/keys/key-algorithm.ts";
import type { Recipient } from "../../core/keys/recipient.ts";
import { Problem, usageError } from "../../core/problem.ts";
import { withoutCredentials } from "../../core/redact.ts";
import { quote } from "../../core/text.ts";

async function prepare(context: Context): Promise<PreparedCommand> {
  const { values } = context;
  const problems: Problem[] = [];
  const ifExists = context.values.text(IF_EXISTS);
  const read = applyGenerateKey(context, await readDraft(context, true), problems);
  problems.push(
    // Whether they are needed where the client may be there already is known only then.
    ...(await secretProblems(context, {
      outlets: ifExists === "fail" && !(isPublic(read.client) && !values.isSet(GENERATE_KEY)),
      instead: [GENERATE_KEY],
    })),
    ...verifyProblems(context),
  );
  const wrong = lint(read.client, read.label).some(({ severity }) => severity === "error");
  const given = await providedSecret(context, problems, wrong || read.problems.length > 0);
  const { client_secret: drafted, ...others } = read.client;
  const secret = given?.text ?? (isEmpty(drafted) ? undefined : drafted);
  // A draft of a public client with a secret is judged without it, since the secret is not sent; an empty one is none.
  const client: JsonObject =
    isPublic(read.client) || secret === undefined ? others : { ...others, client_secret: secret };
  const label = (field: string): string =>
    field === "client_secret" ? (given?.name ?? read.label(field)) : read.label(field);
  const draft: ReadDraft = { ...read, client, label };
  const id = idIn(client);
  const named = { id: id ?? "id", secret: textField(client, "client_secret") };
  problems.push(
    ...lintDraft(context, draft),
    ...publicRecipientProblems(context, client, draft.label),
    ...unwritableProblems(context, named),
  );
  if (ifExists !== "fail" && id === undefined) {
    problems.push(
      usageError(
        `${values.origin(IF_EXISTS).name} ${ifExists} needs the id of the client`,
        "add --id, by which a second run finds the client",
        "if-exists-without-id",
      ),
    );
  }
  if (isPublic(client) && secret !== undefined) {
    context.warn(`${label("client_secret")} is not sent: a client with the auth method none has no secret`);
  }
  if (isPublic(client) && values.isSet(SECRET_OUT)) {
    context.warn("--secret-out is not written: a client with the auth method none has no secret");
  }
  const algorithm = values.text(GENERATE_KEY);
  if (algorithm !== undefined) {
    if (given !== undefined && isEmpty(drafted)) {
      problems.push(
        usageError(
          `--generate-key ${algorithm} and ${given.name} exclude each other`,
          "leave one of them out",
          "two-keys",
        ),
      );
    }
    if (ifExists === "update") {
      problems.push(
        usageError(
          `--generate-key ${algorithm} cannot update a client: it would lose the key that it has`,
          "use --if-exists skip, or change its keys with hydra clients update --jwks",
          "key-for-existing",
        ),
      );
    }
  }
  return { problems, run: () => run(context, { draft, ifExists, algorithm }) };
}

/** What a create command is to do. */
interface CreateJob {
  readonly draft: ReadDraft;
  readonly ifExists: IfExists;
  /** For a client that signs in with a key pair generated here. */
  readonly algorithm: KeyAlgorithm | undefined;
}

function omit(client: JsonObject, field: string): JsonObject {
  return Object.fromEntries(Object.entries(client).filter(([name]) => name !== field));
}

async function run(context: Context, job: CreateJob): Promise<Result> {
  const { draft, ifExists, algorithm } = job;
  const id = idIn(draft.client);
  if (isDryRun(context)) return foretell(context, job);
  await refuseUnknownFields(context, draft.client, draft.label);
  // Read once, since a key may come from standard input.
  let keys: Promise<readonly Recipient[]> | undefined;
  const recipients = (): Promise<readonly Recipient[]> => {
    keys ??= context.keys.recipients(context.values);
    return keys;
  };
  const found = async (): Promise<Result | undefined> => {
    const current = ifExists === "fail" || id === undefined ? undefined : await context.admin.find(id);
    return current === undefined ? undefined : existing(context, job, current, recipients);
  };
  const before = await found();
  if (before !== undefined) return before;
  const { registration, proof } = await prepareRegistration(context, job, await recipients());
  const endpoint = await verifyEndpoint(context);
  const options = {
    action: "Cannot create client",
    mustRescue: false,
    result: registration.prepared.plain === undefined ? "its id" : "the secret",
    target: algorithm === undefined ? SECRET_OUT : KEY_OUT,
  } as const;
  return withOutlets(context, options, async (outlets) => {
    const targets = { admin: context.admin, copies: "a file of its own", ...outlets } as const;
    const registered = await register(context, targets, registration, async (created) => {
      warnDropped(context, registration.payload, created.record);
      const works = await verify(context, endpoint, created.record.client_id, proof(created));
      tellRecipients(context, registration.prepared.recipients);
      const result = await deliverCreated(context, outlets, registration, created);
      return works ? result : { ...result, exit: () => "failed" as const };
    });
    if (registered.kind === "delivered") return registered.result;
    const { problem } = registered;
    // Someone else may have created it in between.
    const meanwhile = problem instanceof Problem && problem.exit === "conflict" ? await found() : undefined;
    if (meanwhile === undefined) throw problem;
    await outlets.target?.discard();
    return meanwhile;
  });
}

/** The request that a create would send. */
async function foretell(context: Context, { draft, algorithm }: CreateJob): Promise<Result> {
  const { client } = draft;
  const payload = { ...client, client_id: idIn(client) ?? context.host.uuid() };
  const body =
    algorithm !== undefined
      ? { ...payload, jwks: { keys: [(await context.pairs.generate(algorithm)).publicJwk] } }
      : isPublic(client)
        ? payload
        : { ...payload, client_secret: textField(client, "client_secret") ?? "made here" };
  return dryRun(context, [{ method: "POST", url: context.plannedFamily.paths.clients, body }]);
}

/** A registration, and how the new client proves itself for `--verify`. */
interface PreparedCreate {
  readonly registration: Registration;
  readonly proof: (created: CreatedClient) => ClientProof | undefined;
}

async function prepareRegistration(
  context: Context,
  { draft: { client }, ifExists, algorithm }: CreateJob,
  recipients: readonly Recipient[],
): Promise<PreparedCreate> {
  const id = idIn(client);
  const common = {
    payload: { ...client, client_id: id ?? context.host.uuid() },
    ownId: id === undefined,
    ...(ifExists === "fail" ? {} : { more: { outcome: "created" } }),
  };
  if (algorithm !== undefined) {
    const { pair, prepared } = await prepareKey(context, algorithm, recipients);
    const payload = { ...common.payload, jwks: { keys: [pair.publicJwk] } };
    return {
      registration: {
        ...common,
        payload,
        prepared,
        view: context.values.isSet(KEY_OUT) ? createdView("given") : KEYED_VIEW,
      },
      proof: ({ record }) => ({
        way: "private_key_jwt",
        assertion: (audience) => context.pairs.assertion(pair, record.client_id, audience),
      }),
    };
  }
  const prepared = isPublic(client)
    ? NO_SECRET
    : await prepareSecret(context, textField(client, "client_secret"), recipients);
  return {
    registration: { ...common, prepared, view: createdView(prepared.plain === undefined ? "none" : "given") },
    proof: ({ record }) => {
      const secret = textField(record, "client_secret") ?? prepared.plain;
      return secret === undefined ? undefined : secretProof({ ...client, ...record }, secret);
    },
  };
}

/** The client of this id was there: it is left alone or brought to what the command line says; no secret is made. */
async function existing(
  context: Context,
  { draft, ifExists, algorithm }: CreateJob,
  current: ClientRecord,
  recipients: () => Promise<readonly Recipient[]>,
): Promise<Result> {
  const id = current.client_id;
  const given = textField(draft.client, "client_secret");
  // The key of a draft with --generate-key does not exist yet, so there is nothing to compare.
  const wished = algorithm === undefined ? draft.client : omit(draft.client, "jwks");
  const wanted = omit(wished, "client_secret");
  const differing = changes(current, wanted);
  const differs = differing.map(({ field }) => field);
  const view = createdView("given");
  const shown = (record: JsonObject, outcome: string): Result =>
    single(view, { ...withoutCredentials(record), outcome, ...(outcome === "skipped" ? { differs } : {}) });
  if (ifExists === "skip") {
    context.note(
      `Client ${quote(id)} is there already and was skipped: ${differs.length === 0 ? "nothing differs" : `it differs in ${differs.join(", ")}`}; no secret was delivered`,
    );
    return shown(current, "skipped");
  }
  if (differs.length === 0 && given === undefined) {
    warnDropped(context, wanted, current);
    context.note(`Client ${quote(id)} is there already and unchanged; no secret was delivered`);
    return shown(current, "unchanged");
  }
  const updated = `Client ${quote(id)} was there already and is updated${differs.length === 0 ? "" : ` in ${differs.join(", ")}`}`;
  if (given === undefined) {
    const record = await change(context.admin, id, current, differing);
    warnDropped(context, wanted, record);
    context.note(`${updated}; its secret stays, and none was delivered`);
    return { ...shown(record, "updated"), ...reportClientOnWriteFailure(id, "updated") };
  }
  const prepared = await prepareSecret(context, given, await recipients());
  const all = [...differing, { field: "client_secret", before: undefined, after: given }];
  // A variable may be set for other commands, so its name is told where it changed a client that is there.
  const origin = context.values.origin(SECRET);
  const variable = origin.from === "environment" && draft.label("client_secret") === origin.name;
  return changeSecret(context, {
    id,
    action: `Cannot update client ${quote(id)}`,
    prepared,
    view,
    send: async () => ({ ...(await change(context.admin, id, current, all)), outcome: "updated" }),
    before({ mustDeliver, differs: other }, record) {
      warnDropped(context, wanted, record);
      const source = other ? "that the server answered" : `given${variable ? ` by ${origin.name}` : ""}`;
      const out = mustDeliver !== undefined || context.values.isSet(SECRET_OUT);
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
  prepare,
});
