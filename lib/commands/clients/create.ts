import type { CredentialsToProve } from "../../adapters/prove-credentials.ts";
import {
  type CreatedClientToDeliver,
  type PreparedRegistration,
  prepareClientRegistration,
  registerAndDeliver,
} from "../../clients/create/register.ts";
import {
  type CommandLineDraft,
  labelerWithSecretName,
  readCommandLineDraft,
  rejectUnsupportedFields,
  warnAndReturnDraftErrors,
} from "../../clients/draft/client-draft.ts";
import { rejectUnfindableIds } from "../../clients/draft/id-checks.ts";
import { isDryRun } from "../../clients/is-dry-run.ts";
import {
  longSecretNameProblems,
  publicClientRecipientProblems,
  secretFlagProblems,
  unwritableCredentialProblems,
} from "../../clients/secrets/secret-checks.ts";
import {
  encryptSecretForNewClient,
  isSecretEchoed,
  type ProvidedSecret,
  readProvidedSecret,
} from "../../clients/secrets/secret-source.ts";
import {
  discoverVerifyEndpoints,
  ownKeysVerifyProblems,
  secretWithAuthMethod,
  tryVerifyCredentials,
  verifyFlagProblems,
} from "../../clients/secrets/verify-credentials.ts";
import { deliverCredentials, runWithSecretTarget } from "../../clients/secrets/with-secret-target.ts";
import { warnOfUnkeptFields } from "../../clients/update/unkept-fields.ts";
import { CLIENT_WITH_ENCRYPTED_KEY_VIEW, clientWithCredentialsView } from "../../clients/views.ts";
import { type CheckedCommand, type CommandResult, type Context, defineLeaf } from "../../command.ts";
import {
  type ClientRecord,
  findReturnedSecret,
  getTextField,
  isAbsentOrEmpty,
  isPublic,
  requestedId,
} from "../../core/client/client.ts";
import { FIELD_FLAGS, ID_FLAG } from "../../core/client/fields.ts";
import { lintClient } from "../../core/client/rules.ts";
import { canAskForMissingInput } from "../../core/environment/interactive.ts";
import {
  CREDENTIAL_OUTPUT_FLAGS,
  ENCRYPTION_FLAGS,
  GENERATE_KEY,
  KEY_OUT,
  NEW_CLIENT_SECRET_FLAGS,
  SECRET_LENGTH,
  SECRET_OUT,
  VERIFY_CREDENTIALS,
  VERIFY_FLAGS,
} from "../../core/flags/credential-flags.ts";
import type { Flag } from "../../core/flags/flag.ts";
import {
  CLIENT_FILE,
  DRY_RUN,
  IF_EXISTS,
  type IfExists,
  LENIENT_FIELD_NAMES,
  NO_INPUT,
  SERVER_COMMAND_FLAGS,
  SET,
  STRICT,
} from "../../core/flags/shared-flags.ts";
import type { GeneratedKeyAlgorithm } from "../../core/jwk/assertion-algorithms.ts";
import type { Recipient } from "../../core/pgp/recipient.ts";
import { isConflict, Problem, usageErrorIf, withMessage } from "../../core/problem.ts";
import { quote } from "../../core/text.ts";

/** What a create command is to do. */
interface CreateJob {
  readonly draft: CommandLineDraft;
  readonly ifExists: IfExists;
  /** For a client that authenticates with a key pair generated here. */
  readonly algorithm: GeneratedKeyAlgorithm | undefined;
  /** Whether the result shows a provided secret. */
  readonly echoed: boolean;
}

/** The flags that describe a client, or where its description is. */
const DESCRIBING: readonly Flag[] = [ID_FLAG, ...FIELD_FLAGS, CLIENT_FILE, SET, GENERATE_KEY];

/** Asks for the client if someone can be asked and the command line doesn't describe one. */
async function prepare(context: Context): Promise<CheckedCommand> {
  const { values, host, hasErrors } = context;
  const isDescribed = DESCRIBING.some((flag) => values.isSet(flag));
  if (isDescribed || hasErrors || !canAskForMissingInput(host, values.bool(NO_INPUT)))
    return readAndCheckCreate(context);
  const { askClientFlags } = await import("../../clients/draft/ask-client.ts");
  return readAndCheckCreate({ ...context, values: await askClientFlags(context, values) });
}

async function readAndCheckCreate(context: Context): Promise<CheckedCommand> {
  const { values } = context;
  const ifExists = values.text(IF_EXISTS);
  const algorithm = values.text(GENERATE_KEY);
  const problems: Problem[] = [];
  const described = await readCommandLineDraft(context, true);
  const read =
    values.isSet(GENERATE_KEY) || values.isSet(KEY_OUT)
      ? (await import("../../clients/create/key-pair.ts")).draftForGeneratedKey(context, described, problems)
      : described;
  // With --if-exists it is unknown yet whether a secret file is needed.
  const needsFile = ifExists === "fail" && (!isPublic(read.client) || values.isSet(GENERATE_KEY));
  problems.push(
    ...(await secretFlagProblems(context, { checksFiles: needsFile, instead: [GENERATE_KEY] })),
    ...verifyFlagProblems(context),
    ...(algorithm === undefined ? ownKeysVerifyProblems(context, read.client) : []),
  );
  const hasErrors = (): boolean =>
    read.problems.length > 0 || lintClient(read.client, read.label).some(({ severity }) => severity === "error");
  const given = await readProvidedSecret(context, problems, hasErrors);
  const draft = withSecret(context, read, given);
  const credentials = { id: requestedId(draft.client) ?? "id", secret: getTextField(draft.client, "client_secret") };
  problems.push(
    ...warnAndReturnDraftErrors(context, draft),
    ...publicClientRecipientProblems(context, draft.client, draft.label),
    ...unwritableCredentialProblems(context, credentials),
    ...longSecretNameProblems(context, requestedId(draft.client)),
    ...ifExistsProblems(context, { draft, ifExists, algorithm }),
    ...usageErrorIf(
      algorithm !== undefined && given !== undefined && isAbsentOrEmpty(read.client["client_secret"]),
      `--generate-key ${algorithm} and ${given?.name} cannot be used together`,
      "leave one of them out",
      "two-keys",
    ),
  );
  return { problems, run: () => run(context, { draft, ifExists, algorithm, echoed: isSecretEchoed(context, given) }) };
}

/** A draft with the secret that the user provides. A public client has none, so it is checked and sent without one. */
function withSecret(
  { values, warn }: Pick<Context, "values" | "warn">,
  read: CommandLineDraft,
  given: ProvidedSecret | undefined,
): CommandLineDraft {
  const { client_secret: drafted, ...others } = read.client;
  // An empty secret in a file is none.
  const secret = given?.text ?? (isAbsentOrEmpty(drafted) ? undefined : drafted);
  const label = labelerWithSecretName(read.label, given);
  if (!isPublic(read.client))
    return { ...read, client: secret === undefined ? others : { ...others, client_secret: secret }, label };
  const reason = "a client with the auth method none has no secret";
  if (secret !== undefined) warn(`${label("client_secret")} is not sent: ${reason}`);
  if (values.isSet(SECRET_OUT)) warn(`--secret-out is not written: ${reason}`);
  if (values.bool(VERIFY_CREDENTIALS)) warn(`--verify checks nothing: ${reason}`);
  return { ...read, client: others, label };
}

function ifExistsProblems(
  { values }: Pick<Context, "values">,
  { draft, ifExists, algorithm }: Omit<CreateJob, "echoed">,
): readonly Problem[] {
  return [
    ...usageErrorIf(
      ifExists !== "fail" && requestedId(draft.client) === undefined,
      `${values.origin(IF_EXISTS).name} ${ifExists} needs the client ID`,
      "add --id, so that a second run finds the client",
      "if-exists-without-id",
    ),
    ...usageErrorIf(
      ifExists === "update" && algorithm !== undefined,
      `--generate-key ${algorithm} cannot update a client: it would lose its current key`,
      "use --if-exists skip, or change its keys with hydra clients update ID --jwks FILE",
      "key-for-existing",
    ),
  ];
}

/** The client with the ID of a create, looked up only if `--if-exists` needs it. */
async function findClientForIfExists(
  context: Pick<Context, "admin">,
  { draft, ifExists }: Pick<CreateJob, "draft" | "ifExists">,
): Promise<ClientRecord | undefined> {
  const id = requestedId(draft.client);
  return ifExists === "fail" || id === undefined ? undefined : context.admin.find(id);
}

async function run(context: Context, job: CreateJob): Promise<CommandResult> {
  const { draft } = job;
  if (isDryRun(context)) return dryRunCreate(context, job);
  await rejectUnsupportedFields(context, draft.client, draft.label);
  await rejectUnfindableIds(context, [draft]);
  // Read once, since a key may come from standard input.
  const recipients = once(() => context.encryption.recipients(context.values));
  const existing = await findClientForIfExists(context, job);
  if (existing !== undefined) return keepOrUpdateExisting(context, { ...job, recipients }, existing);
  const { registration, proofOf } = await generateCredentialsAndRegistration(context, job, await recipients());
  const endpoints = await discoverVerifyEndpoints(context);
  const options = {
    action: "Cannot create client",
    needsRecoveryCopy: false,
    hasSecret: !isPublic(draft.client),
    target: job.algorithm === undefined ? SECRET_OUT : KEY_OUT,
  };
  return runWithSecretTarget(context, options, async (opened) => {
    const targets = { admin: context.admin, copies: "a file of its own", ...opened } as const;
    const registered = await registerAndDeliver(context, targets, registration, async (created) => {
      warnOfUnkeptFields(context, registration.payload, created.record);
      const works = await tryVerifyCredentials(context, endpoints, created.record.client_id, proofOf(created));
      const { recipients: used } = registration.prepared;
      if (used.length > 0) (await import("../../clients/secrets/report-recipients.ts")).reportRecipients(context, used);
      const client = { id: created.record.client_id, view: registration.view, what: "created" } as const;
      const result = await deliverCredentials(context, opened, client, created);
      if (!registration.ownId) await markEarlierCopiesVoid(context, created.record.client_id);
      return works ? result : { ...result, exit: () => "failed" as const };
    });
    if (registered.kind === "delivered") return registered.result;
    if (!isConflict(registered.problem)) throw withRefusedId(registered.problem, draft);
    await opened.target?.discard();
    if (job.ifExists === "fail") {
      const { warnOfLeftoversOfClient } = await import("../../clients/secrets/leftover-secrets.ts");
      await warnOfLeftoversOfClient(context, registration.payload.client_id);
      throw registered.problem;
    }
    // Someone else may have created it since it was looked up.
    const { readAgain } = await import("../../clients/changed-meanwhile.ts");
    const meanwhile = await readAgain(context.admin, registration.payload.client_id);
    return keepOrUpdateExisting(context, { ...job, recipients }, meanwhile);
  });
}

/** The problem of a server that generates the IDs, with the ID that it did not accept. */
function withRefusedId(problem: unknown, { client, label }: Pick<CommandLineDraft, "client" | "label">): unknown {
  if (!(problem instanceof Problem) || problem.code !== "id-refused") return problem;
  return withMessage(problem, `${problem.message} (${label("client_id")} ${quote(requestedId(client) ?? "")})`);
}

/** Marks as void the recovery copies of an earlier client with the same ID. */
async function markEarlierCopiesVoid(
  context: Pick<Context, "endpoint" | "openLeftovers" | "warn">,
  id: string,
): Promise<void> {
  const { findEarlierCopies, markCopiesVoidByClientId } = await import("../../clients/secrets/void-recovery-copies.ts");
  markCopiesVoidByClientId(context, await findEarlierCopies(context), id);
}

/** Work that is done when it is first asked for, and only once. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined;
  return () => {
    started ??= work();
    return started;
  };
}

/** Shows the request that a create would send. Whether the client exists is not asked, because nothing is sent. */
async function dryRunCreate(context: Context, job: CreateJob): Promise<CommandResult> {
  const { algorithm, ifExists } = job;
  const { client } = job.draft;
  const { dryRunResult, plannedCreateRequest } = await import("../../clients/dry-run.ts");
  if (ifExists !== "fail")
    context.note(`If the client exists, it would be ${ifExists === "skip" ? "left unchanged" : "updated"} instead`);
  if (algorithm === undefined) return dryRunResult(context, [plannedCreateRequest(context, client)]);
  const { publicJwk } = await context.keyPairs.generate(algorithm);
  return dryRunResult(context, [plannedCreateRequest(context, { ...client, jwks: { keys: [publicJwk] } }, false)]);
}

/** Leaves an existing client as it is, or updates it, as `--if-exists` says. */
async function keepOrUpdateExisting(
  context: Context,
  job: CreateJob & { readonly recipients: () => Promise<readonly Recipient[]> },
  existing: ClientRecord,
): Promise<CommandResult> {
  const { keepOrUpdate } = await import("../../clients/create/keep-or-update.ts");
  return keepOrUpdate(context, job, existing);
}

/** A registration, and how the new client authenticates for `--verify`. */
interface PreparedCreate {
  readonly registration: PreparedRegistration;
  readonly proofOf: (created: CreatedClientToDeliver) => CredentialsToProve | undefined;
}

/** Generates the credentials of the new client as far as none are given, encrypts them, and makes its registration. */
async function generateCredentialsAndRegistration(
  context: Pick<Context, "values" | "host" | "encryption" | "keyPairs">,
  { draft: { client }, ifExists, algorithm, echoed }: CreateJob,
  recipients: readonly Recipient[],
): Promise<PreparedCreate> {
  const more = ifExists === "fail" ? {} : { outcome: "created" };
  if (algorithm !== undefined) {
    const { generateAndEncryptKeyPair } = await import("../../clients/create/key-pair.ts");
    const { pair, prepared } = await generateAndEncryptKeyPair(context, algorithm, recipients);
    const view = context.values.isSet(KEY_OUT)
      ? clientWithCredentialsView("has secret")
      : CLIENT_WITH_ENCRYPTED_KEY_VIEW;
    const registered = { ...client, jwks: { keys: [pair.publicJwk] } };
    return {
      registration: prepareClientRegistration(context, registered, prepared, { view, more }),
      proofOf: ({ record }) => ({
        way: "private_key_jwt",
        assertion: (audience) => context.keyPairs.assertion(pair, record.client_id, audience),
      }),
    };
  }
  const prepared = { ...(await encryptSecretForNewClient(context, client, recipients)), echoed };
  const view = clientWithCredentialsView(prepared.plain === undefined ? "no secret" : "has secret");
  return {
    registration: prepareClientRegistration(context, client, prepared, { view, more }),
    proofOf: ({ record }) => {
      const secret = findReturnedSecret(record) ?? prepared.plain;
      return secret === undefined ? undefined : secretWithAuthMethod({ ...client, ...record }, secret);
    },
  };
}

/** `clients create` and `create oauth2-client`: creates a client and delivers its credentials. */
export default defineLeaf({
  name: "create",
  summary: "Create a client and print its ID and secret",
  about: [
    "Creates an OAuth 2.0 client. A secret is generated locally and printed once. With a recipient (--pgp-key, --pgp-key-url or --keybase), only the encrypted secret is printed, and nothing is created unless every key is usable.",
    "Without flags that describe the client, asks for its kind, name, redirect URIs and scopes on a terminal, and shows the equivalent command line. With --no-input, in CI and in pipes, it never asks.",
    "List flags accept commas or may be repeated; quote a value containing a comma: '\"a,b\",c'.",
  ],
  flags: [
    ID_FLAG,
    ...FIELD_FLAGS,
    ...NEW_CLIENT_SECRET_FLAGS,
    SECRET_LENGTH,
    GENERATE_KEY,
    KEY_OUT,
    ...VERIFY_FLAGS,
    ...CREDENTIAL_OUTPUT_FLAGS,
    ...ENCRYPTION_FLAGS,
    CLIENT_FILE,
    SET,
    IF_EXISTS,
    STRICT,
    LENIENT_FIELD_NAMES,
    DRY_RUN,
    ...SERVER_COMMAND_FLAGS,
  ],
  examples: {
    "1.x": [
      [
        'clients create -n "my app" -c http://localhost/cb -g authorization_code -r code -a core,foobar',
        "A client for user login",
      ],
      [
        "clients create -g client_credentials -a core,foobar --keybase alice",
        "With the secret encrypted to a Keybase user",
      ],
      ["clients create --id web --token-endpoint-auth-method none -c https://app.example.com/cb", "A public client"],
      [
        "clients create --id job -g client_credentials --if-exists skip --secret-out job.env",
        "In a pipeline that may run twice",
      ],
    ],
    "2.x": [
      [
        'create oauth2-client --name "my app" --redirect-uri http://localhost/cb --scope core,foobar --format json',
        "A client for user login",
      ],
      [
        "create oauth2-client --grant-type client_credentials --pgp-key @team.asc",
        "With the secret encrypted to an OpenPGP key",
      ],
    ],
  },
  server: true,
  credentials: "secrets",
  prepare,
});
