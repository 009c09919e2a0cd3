import { type CommandResult, type Context, singleResult } from "../../command.ts";
import { type ClientRecord, findReturnedSecret, getTextField } from "../../core/client/client.ts";
import { type FieldChange, findChanges } from "../../core/client/equality.ts";
import { SECRET, SECRET_OUT } from "../../core/flags/credential-flags.ts";
import type { IfExists } from "../../core/flags/shared-flags.ts";
import type { JsonObject } from "../../core/json/json.ts";
import type { Recipient } from "../../core/pgp/recipient.ts";
import { withoutCredentialFields } from "../../core/redact.ts";
import { quote } from "../../core/text.ts";
import type { CommandLineDraft } from "../draft/client-draft.ts";
import {
  type ChangeSecretContext,
  findUnknownSecretWarning,
  setAndDeliverProvidedSecret,
} from "../secrets/change-secret.ts";
import { warnOfLeftoversOfClient } from "../secrets/leftover-secrets.ts";
import { secretFileText } from "../secrets/secret-out-text.ts";
import { encryptGivenOrGeneratedSecret, type PreparedSecret } from "../secrets/secret-source.ts";
import { unwrittenClientHandler } from "../secrets/unwritten-result.ts";
import { discoverVerifyEndpoints, secretWithAuthMethod, tryVerifyCredentials } from "../secrets/verify-credentials.ts";
import { warnOfLeavingStack } from "../update/leaving-stack.ts";
import { sendClientChanges } from "../update/send-change.ts";
import { warnOfUnkeptFields } from "../update/unkept-fields.ts";
import { clientWithCredentialsView } from "../views.ts";

/** The create that has found its client. */
interface KeepOrUpdateOptions {
  readonly draft: CommandLineDraft;
  readonly ifExists: IfExists;
  /** The algorithm of a key pair that would be generated. */
  readonly algorithm: string | undefined;
  readonly recipients: () => Promise<readonly Recipient[]>;
  /** Whether the result shows a provided secret. */
  readonly echoed: boolean;
}

/** What keeping or updating an existing client needs of a command's context. */
type ExistingContext = ChangeSecretContext &
  Pick<
    Context,
    "admin" | "credentialVerifier" | "fail" | "readSecretFile" | "secretDrafts" | "signal" | "uninterruptible"
  >;

/** Keeps an existing client as it is, or updates it to match the command line. No secret is generated. */
export async function keepOrUpdate(
  context: ExistingContext,
  create: KeepOrUpdateOptions,
  current: ClientRecord,
): Promise<CommandResult> {
  const difference = differenceFrom(create, current);
  const secret = create.ifExists === "skip" ? undefined : getTextField(create.draft.client, "client_secret");
  if (secret !== undefined) return updateExistingWithSecret(context, create, difference, secret);
  const result = await (create.ifExists === "skip"
    ? reportSkippedClient(context, current, difference.differing)
    : updateExistingClient(context, difference));
  await warnOfLeftoversOfClient(context, current.client_id);
  return result;
}

/** An existing client, and how it differs from what the command line describes. */
interface Difference {
  readonly current: ClientRecord;
  readonly wanted: JsonObject;
  readonly differing: readonly FieldChange[];
}

function differenceFrom(
  { draft, algorithm }: Pick<KeepOrUpdateOptions, "draft" | "algorithm">,
  current: ClientRecord,
): Difference {
  // The key of --generate-key doesn't exist yet, so there is nothing to compare.
  const ignored = ["client_secret", ...(algorithm === undefined ? [] : ["jwks"])];
  const wanted = Object.fromEntries(Object.entries(draft.client).filter(([field]) => !ignored.includes(field)));
  return { current, wanted, differing: findChanges(current, wanted) };
}

function changedFieldNames(differing: readonly FieldChange[]): string {
  return differing.map(({ field }) => field).join(", ");
}

function existingResult(record: JsonObject, more: JsonObject): CommandResult {
  return singleResult(clientWithCredentialsView("has secret"), { ...withoutCredentialFields(record), ...more });
}

/** Notes that an existing client was skipped; returns its result. */
function reportSkippedClient(
  { note }: Pick<Context, "note">,
  current: ClientRecord,
  differing: readonly FieldChange[],
): CommandResult {
  const how = differing.length === 0 ? "nothing differs" : `it differs in ${changedFieldNames(differing)}`;
  note(`Client ${quote(current.client_id)} already exists and was skipped: ${how}; no secret was delivered`);
  return existingResult(current, { outcome: "skipped", differs: differing.map(({ field }) => field) });
}

/** Updates an existing client if it differs. */
async function updateExistingClient(
  context: Pick<Context, "admin" | "note" | "warn">,
  { current, wanted, differing }: Difference,
): Promise<CommandResult> {
  const id = current.client_id;
  if (differing.length === 0) {
    warnOfUnkeptFields(context, wanted, current);
    context.note(`Client ${quote(id)} already exists and is unchanged; no secret was delivered`);
    return existingResult(current, { outcome: "unchanged" });
  }
  const record = await sendClientChanges(context.admin, id, current, differing);
  warnOfUnkeptFields(context, wanted, record);
  warnOfLeavingStack(context, id, current, { ...current, ...wanted });
  const warning = findUnknownSecretWarning(id, current, { ...current, ...wanted });
  context.note(
    `${updateNote(id, differing)}${warning === undefined ? "; its secret is unchanged, and none was delivered" : ""}`,
  );
  if (warning !== undefined) context.warn(warning);
  return { ...existingResult(record, { outcome: "updated" }), ...unwrittenClientHandler(id, "updated") };
}

function updateNote(id: string, differing: readonly FieldChange[]): string {
  const fields = differing.length === 0 ? "" : ` (${changedFieldNames(differing)})`;
  return `Client ${quote(id)} already exists and was updated${fields}`;
}

/** The file of `--secret-out` if it has exactly these credentials already, from an earlier run; else undefined. */
async function findWrittenFile(
  { values, readSecretFile }: Pick<Context, "values" | "readSecretFile">,
  id: string,
  prepared: PreparedSecret,
): Promise<string | undefined> {
  const path = values.text(SECRET_OUT);
  const there = path === undefined ? undefined : await readSecretFile(path);
  return there?.text === secretFileText({ values }, id, prepared) ? path : undefined;
}

async function updateExistingWithSecret(
  context: ExistingContext,
  create: KeepOrUpdateOptions,
  found: Difference,
  secret: string,
): Promise<CommandResult> {
  const { values } = context;
  const { draft, recipients, echoed } = create;
  const id = found.current.client_id;
  const encrypted = await encryptGivenOrGeneratedSecret(context, secret, await recipients());
  const writtenFile = await findWrittenFile(context, id, encrypted);
  const prepared = { ...encrypted, echoed: echoed && writtenFile === undefined };
  const endpoints = await discoverVerifyEndpoints(context);
  // Keys and endpoints may have taken long, and Hydra 1.x is sent the whole client.
  const { current, wanted, differing } =
    prepared.recipients.length === 0 && endpoints === undefined
      ? found
      : differenceFrom(create, await context.admin.get(id));
  const all = [...differing, { field: "client_secret", before: undefined, after: secret }];
  // An environment variable may be set for other commands, so it is named where it changed an existing client.
  const origin = values.origin(SECRET);
  const isVariable = origin.from === "environment" && draft.label("client_secret") === origin.name;
  let works = true;
  return setAndDeliverProvidedSecret(context, {
    id,
    action: `Cannot update client ${quote(id)}`,
    prepared,
    needsTarget: writtenFile === undefined,
    view: clientWithCredentialsView("has secret"),
    send: async () => ({ ...(await sendClientChanges(context.admin, id, current, all)), outcome: "updated" }),
    async before({ mustDeliver, differs }, record) {
      if (differs && writtenFile !== undefined)
        throw new Error(`the server set another secret than the one in ${quote(writtenFile)}`);
      warnOfUnkeptFields(context, wanted, record);
      warnOfLeavingStack(context, id, current, { ...current, ...wanted });
      const source = differs ? "returned by the server" : isVariable ? `given by ${origin.name}` : "given";
      const isDelivered = mustDeliver !== undefined || echoed || values.isSet(SECRET_OUT);
      const where = writtenFile === undefined ? "" : `, already in ${quote(writtenFile)}`;
      context.note(
        `${updateNote(id, differing)}; its secret is the one ${source}${isDelivered ? where : ", and none was delivered"}`,
      );
      const proof = secretWithAuthMethod({ ...current, ...wanted }, findReturnedSecret(record) ?? secret);
      works = await tryVerifyCredentials(context, endpoints, id, proof);
    },
    exit: () => (works ? "done" : "failed"),
  });
}
