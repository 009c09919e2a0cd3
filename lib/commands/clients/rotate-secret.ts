import { confirmationFlag, requireConfirmation } from "../../clients/confirm.ts";
import { dryRunResult, GENERATED_SECRET_PLACEHOLDER } from "../../clients/dry-run.ts";
import { isDryRun } from "../../clients/is-dry-run.ts";
import {
  type AcceptedSecret,
  type ChangeSecretContext,
  deliverChangedSecret,
  sendWithRecoveryCopy,
} from "../../clients/secrets/change-secret.ts";
import { warnOfLeftoversOfClient } from "../../clients/secrets/leftover-secrets.ts";
import { createRecoveryCopyTracker } from "../../clients/secrets/recovery-copy-tracker.ts";
import {
  longSecretNameProblems,
  secretFlagProblems,
  unwritableCredentialProblems,
} from "../../clients/secrets/secret-checks.ts";
import {
  encryptGivenOrGeneratedSecret,
  type PrepareContext,
  type PreparedSecret,
  readProvidedSecret,
} from "../../clients/secrets/secret-source.ts";
import {
  discoverVerifyEndpoints,
  secretWithAuthMethod,
  tryVerifyCredentials,
  verifyFlagProblems,
} from "../../clients/secrets/verify-credentials.ts";
import { runWithSecretTarget } from "../../clients/secrets/with-secret-target.ts";
import { sendClientChanges } from "../../clients/update/send-change.ts";
import { CLIENT_WITHOUT_SECRET_VIEW, clientWithCredentialsView } from "../../clients/views.ts";
import { type CheckedCommand, type CommandResult, type Context, defineLeaf, singleResult } from "../../command.ts";
import { createUpdateRequest } from "../../core/client/changes.ts";
import { findReturnedSecret, isPublic, usesSecret } from "../../core/client/client.ts";
import { lintClient, lintFindingProblem } from "../../core/client/rules.ts";
import { canPrompt } from "../../core/environment/interactive.ts";
import {
  CREDENTIAL_OUTPUT_FLAGS,
  ENCRYPTED_FORMAT,
  ENCRYPTION_FLAGS,
  EXISTING_CLIENT_SECRET_FLAGS,
  REQUIRE_PIN,
  SECRET_LENGTH,
  SECRET_OUT,
  VERIFY_CREDENTIALS,
  VERIFY_FLAGS,
} from "../../core/flags/credential-flags.ts";
import type { BoolFlag, Flag } from "../../core/flags/flag.ts";
import type { FlagValues } from "../../core/flags/parsed-flag-values.ts";
import { DRY_RUN, NO_INPUT, SERVER_COMMAND_FLAGS } from "../../core/flags/shared-flags.ts";
import { clientIdProblems } from "../../core/id-problems.ts";
import type { JsonObject } from "../../core/json/json.ts";
import { quotedOperandAndFlagText } from "../../core/output/shell-quote.ts";
import { Problem, safeErrorReason, usageErrorIf } from "../../core/problem.ts";
import { withoutCredentialFields } from "../../core/redact.ts";
import { joinWords, quote } from "../../core/text.ts";

const DROP_OLD_SECRETS_FLAG: BoolFlag = {
  kind: "switch",
  name: "drop-old-secrets",
  aliases: ["finish"],
  group: "input",
  help: "Revoke the old secrets that a rotation left valid; generates no secret",
};

const YES = confirmationFlag("Rotate without asking for confirmation");

/** The flags that are of no use if no secret is generated. */
const NEW_SECRET_ONLY: readonly Flag[] = [
  ...EXISTING_CLIENT_SECRET_FLAGS,
  SECRET_LENGTH,
  SECRET_OUT,
  ...ENCRYPTION_FLAGS.filter((flag) => flag !== ENCRYPTED_FORMAT && flag !== REQUIRE_PIN),
  VERIFY_CREDENTIALS,
];

async function prepare(context: Context): Promise<CheckedCommand> {
  const { values } = context;
  const [id = ""] = context.operands;
  const problems: Problem[] = [...(await secretFlagProblems(context)), ...verifyFlagProblems(context)];
  problems.push(...clientIdProblems(context.operands.slice(0, 1)), ...dropOldSecretsFlagProblems(values));
  const given = await readProvidedSecret(context, problems);
  if (given !== undefined) problems.push(...warnAndReturnSecretErrors(context, given.text, given.name));
  problems.push(...unwritableCredentialProblems(context, { id, secret: given?.text }));
  problems.push(...longSecretNameProblems(context, id));
  const run = values.bool(DROP_OLD_SECRETS_FLAG) ? dropOldSecrets : rotate;
  return { problems, run: () => run(context, id, given?.text) };
}

/** The problem of flags for a new secret together with `--drop-old-secrets`. */
function dropOldSecretsFlagProblems(values: FlagValues): readonly Problem[] {
  if (!values.bool(DROP_OLD_SECRETS_FLAG)) return [];
  const pointless = NEW_SECRET_ONLY.filter((flag) => values.isSet(flag)).map((flag) => values.origin(flag).name);
  return usageErrorIf(
    pointless.length > 0,
    `${values.origin(DROP_OLD_SECRETS_FLAG).name} generates no secret, so it excludes ${joinWords(pointless)}`,
    "leave out one of them",
    "finish-with-secret",
  );
}

/** Checks a provided secret by the rules; shows the warnings and returns the errors. */
function warnAndReturnSecretErrors({ warn }: Pick<Context, "warn">, secret: string, name: string): readonly Problem[] {
  const findings = lintClient({ client_secret: secret }, () => name);
  for (const { severity, message, hint } of findings) if (severity === "warning") warn(`${message}: ${hint}`, "advice");
  return findings.filter(({ severity }) => severity === "error").map(lintFindingProblem);
}

/** Asks if standard input and standard error are a terminal; throws unless the answer is yes. Returns whether it asked. */
async function confirmIfInteractive(
  { values, host }: Pick<Context, "values" | "host">,
  question: string,
  declined: string,
): Promise<boolean> {
  if (values.bool(YES) || !canPrompt(host, values.bool(NO_INPUT))) return false;
  await requireConfirmation({ host }, { text: question, declined, from: "stdin" });
  return true;
}

function noOldSecretsProblem(id: string): Problem {
  return new Problem(`Cannot drop the old secrets of client ${quote(id)}: this server never keeps them`, {
    code: "no-overlap",
    hint: "nothing to do: the old secret stopped working when it was rotated",
  });
}

async function dropOldSecrets(context: Context, id: string): Promise<CommandResult> {
  if (isDryRun(context)) {
    const { canRotate, paths } = context.plannedFamily;
    if (!canRotate) throw noOldSecretsProblem(id);
    return dryRunResult(context, [{ method: "DELETE", url: paths.rotateSecret(id) }]);
  }
  // The newest secret may be one that was not delivered.
  await warnOfLeftoversOfClient(context, id);
  const question = `Revoke the old secrets of client ${quote(id)}? They stop working immediately.`;
  await confirmIfInteractive(context, question, "No secret was revoked");
  const record = await context.admin.dropOldSecrets(id);
  if (record === undefined) throw noOldSecretsProblem(id);
  context.note(`Only the newest secret of client ${quote(id)} works now`);
  const view = { ...CLIENT_WITHOUT_SECRET_VIEW, text: () => [`${id} OAuth 2.0 Client rotation finished`] };
  return singleResult(view, withoutCredentialFields(record));
}

/** Reads a client whose secret can be rotated. */
async function readRotatable({ admin }: Pick<Context, "admin">, id: string): Promise<JsonObject> {
  const client = await admin.get(id);
  if (usesSecret(client)) return client;
  const [why, hint] = isPublic(client)
    ? [
        "it is a public client without a secret",
        `show its auth method: hydra clients get ${quotedOperandAndFlagText(id)}`,
      ]
    : [
        "it authenticates with its keys",
        `change its keys: hydra clients update ${quotedOperandAndFlagText(id, "--jwks FILE")}`,
      ];
  throw new Problem(`Cannot rotate the secret of client ${quote(id)}: ${why}`, {
    code: "no-secret",
    hint,
  });
}

/** The request that a rotation would send; whether the server can rotate by itself is unknown without sending one. */
async function dryRunRotation(
  context: Pick<Context, "admin" | "connection" | "format" | "note" | "values">,
  id: string,
  given: string | undefined,
): Promise<CommandResult> {
  const current = await readRotatable(context, id);
  const { paths, update } = await context.admin.family();
  const secret = { field: "client_secret", before: undefined, after: given ?? GENERATED_SECRET_PLACEHOLDER };
  const request = createUpdateRequest(update, current, [secret]);
  return dryRunResult(context, [{ ...request, url: paths.client(id) }], "client");
}

async function rotate(context: Context, id: string, given: string | undefined): Promise<CommandResult> {
  if (isDryRun(context)) return dryRunRotation(context, id, given);
  const recipients = await context.encryption.recipients(context.values);
  const endpoints = await discoverVerifyEndpoints(context);
  const found = await readRotatable(context, id);
  const kept = given === undefined ? ", unless the server keeps it" : "";
  const question = `Rotate the secret of client ${quote(id)}? The old one stops working immediately${kept}.`;
  const asked = await confirmIfInteractive(context, question, "The secret was not rotated");
  // The answer may have taken long, and Hydra 1.x is sent the whole client.
  const current = asked ? await readRotatable(context, id) : found;
  const options = { action: `Cannot rotate the secret of client ${quote(id)}`, needsRecoveryCopy: true };
  return runWithSecretTarget(context, options, async (opened) => {
    const byServer = given === undefined ? await rotateByServer(context, id, recipients) : undefined;
    const setSecret = async (): Promise<AcceptedSecret> => {
      const prepared = await encryptGivenOrGeneratedSecret(context, given, recipients);
      const wanted = [{ field: "client_secret", before: undefined, after: prepared.plain }];
      return sendWithRecoveryCopy(context, id, prepared, () => sendClientChanges(context.admin, id, current, wanted));
    };
    const changed = byServer ?? (await setSecret());
    context.note(
      byServer === undefined
        ? `Secret of client ${quote(id)} rotated; the old one no longer works`
        : `Client ${quote(id)} has a new secret; the old one works until it is dropped: hydra clients rotate-secret ${quotedOperandAndFlagText(id, "--drop-old-secrets")}`,
    );
    const { plain } = changed.prepared;
    let works = true;
    return deliverChangedSecret(context, opened, changed, {
      id,
      view: clientWithCredentialsView("has secret"),
      async before(_, record) {
        if (plain === undefined) return;
        const proof = secretWithAuthMethod(current, findReturnedSecret(record) ?? plain);
        works = await tryVerifyCredentials(context, endpoints, id, proof);
      },
      exit: () => (works ? "done" : "failed"),
    });
  });
}

/** What to do after a rotation by the server whose secret is unknown. */
function rotateAgainHint(id: string): string {
  return `run it again, then drop all secrets but the newest: hydra clients rotate-secret ${quotedOperandAndFlagText(id, "--drop-old-secrets")}`;
}

/** Lets the server rotate the secret, which it generates; undefined if it can't. The secret is saved as soon as it is known. */
async function rotateByServer(
  context: Pick<Context, "admin"> & PrepareContext & ChangeSecretContext,
  id: string,
  recipients: PreparedSecret["recipients"],
): Promise<AcceptedSecret | undefined> {
  const answer = await requestRotation(context, id);
  if (answer === undefined) return undefined;
  const { registration_access_token: _, ...record } = answer;
  const secret = findReturnedSecret(record);
  if (secret === undefined) {
    throw new Problem(`Cannot rotate the secret of client ${quote(id)}: the server's answer has no secret`, {
      code: "unreadable-answer",
      hint: "the old secret still works; check the server's log",
    });
  }
  const encrypted = await encryptGivenOrGeneratedSecret(context, secret, recipients).catch((error: unknown) => {
    // Only encryption can fail here, and the secret must not be saved as plain text.
    throw new Problem(
      `Cannot encrypt the new secret of client ${quote(id)}: ${safeErrorReason(error)}; it is valid but lost, and the old one still works`,
      { code: "not-encrypted", hint: rotateAgainHint(id), cause: error },
    );
  });
  const prepared = { ...encrypted, given: false };
  const saved = createRecoveryCopyTracker(context, undefined);
  await saved.update({ id, state: "made", reason: "the secret is about to be delivered" }, prepared);
  return { prepared, record, saved };
}

async function requestRotation({ admin }: Pick<Context, "admin">, id: string): ReturnType<Context["admin"]["rotate"]> {
  try {
    return await admin.rotate(id);
  } catch (error) {
    if (!(error instanceof Problem) || !error.ambiguous) throw error;
    const { code, exit } = error;
    throw new Problem(
      `${error.message}; the server may have added a secret that was not received, and the old one still works`,
      { code, exit, hint: rotateAgainHint(id), cause: error },
    );
  }
}

/** `clients rotate-secret` and `rotate-secret oauth2-client`: replaces the secret and nothing else. */
export default defineLeaf({
  name: "rotate-secret",
  summary: "Rotate a client's secret, and change nothing else",
  about: [
    "If the server supports rotation, the old secret stays valid until --drop-old-secrets; otherwise it stops working immediately, and a message says so.",
    "Asks for confirmation if standard input and standard error are a terminal; --yes answers.",
    "A recovery copy of the new secret is saved before it is sent and removed once it is delivered.",
  ],
  operands: { name: "ID", completes: "client-id", least: 1, most: 1, help: "Client ID" },
  flags: [
    YES,
    DROP_OLD_SECRETS_FLAG,
    ...EXISTING_CLIENT_SECRET_FLAGS,
    SECRET_LENGTH,
    ...VERIFY_FLAGS,
    ...CREDENTIAL_OUTPUT_FLAGS,
    ...ENCRYPTION_FLAGS,
    DRY_RUN,
    ...SERVER_COMMAND_FLAGS,
  ],
  examples: {
    "1.x": [
      ["clients rotate-secret my-app --secret-out my-app.env", "Into a new file that only you can read"],
      ["clients rotate-secret my-app --keybase alice", "Encrypted to a Keybase user"],
      [
        "clients rotate-secret my-app --verify --public-url http://127.0.0.1:4444",
        "Checked at the server's revocation endpoint",
      ],
    ],
    "2.x": [["rotate-secret oauth2-client my-app --secret-out my-app.env", "Into a new file that only you can read"]],
  },
  server: true,
  credentials: "secrets",
  prepare,
});
