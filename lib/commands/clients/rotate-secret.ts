import { type ChangedSecret, deliverChangedSecret, sendWithCopy } from "../../clients/change-secret.ts";
import { safeReason } from "../../clients/delivery.ts";
import { dryRun, isDryRun } from "../../clients/dry-run.ts";
import { withOutlets } from "../../clients/outlets.ts";
import { savedIn } from "../../clients/recovery.ts";
import {
  type PreparedSecret,
  prepareSecret,
  providedSecret,
  secretProblems,
  unwritableProblems,
} from "../../clients/secret-source.ts";
import { change } from "../../clients/send-change.ts";
import { secretProof, verify, verifyEndpoint, verifyProblems } from "../../clients/verify.ts";
import { CLIENT_VIEW, createdView } from "../../clients/views.ts";
import { type Context, command, type PreparedCommand, type Result, single } from "../../command.ts";
import { changeRequest } from "../../core/client/changes.ts";
import { type ClientRecord, isPublic, textField } from "../../core/client/client.ts";
import { badId } from "../../core/client/id.ts";
import { findingProblem, lint } from "../../core/client/rules.ts";
import {
  DRY_RUN,
  ENCRYPTED_FORMAT,
  NEW_SECRET_FLAGS,
  RECIPIENT_FLAGS,
  REQUIRE_PIN,
  SECRET_LENGTH,
  SECRET_OUT,
  SECRET_OUT_FLAGS,
  SERVER_COMMAND_FLAGS,
  VERIFY,
  VERIFY_FLAGS,
} from "../../core/flags/flag-table.ts";
import type { BoolFlag, Flag } from "../../core/flags/parse.ts";
import type { JsonObject } from "../../core/json.ts";
import { Problem, usageError } from "../../core/problem.ts";
import { withoutCredentials } from "../../core/redact.ts";
import { joined, quote } from "../../core/text.ts";

const FINISH: BoolFlag = {
  kind: "switch",
  name: "finish",
  group: "input",
  help: "Drop the old secrets that a rotation left valid, and make no new one",
};

/** What is of no use where no secret is made. */
const FOR_A_NEW_SECRET: readonly Flag[] = [
  ...NEW_SECRET_FLAGS,
  SECRET_LENGTH,
  SECRET_OUT,
  ...RECIPIENT_FLAGS.filter((flag) => flag !== ENCRYPTED_FORMAT && flag !== REQUIRE_PIN),
  VERIFY,
];

async function prepare(context: Context): Promise<PreparedCommand> {
  const { values } = context;
  const [id = ""] = context.operands;
  const problems: Problem[] = [...(await secretProblems(context)), ...verifyProblems(context)];
  const bad = context.operands.length === 0 ? undefined : badId(id);
  if (bad !== undefined) problems.push(bad);
  if (values.bool(FINISH)) {
    const pointless = FOR_A_NEW_SECRET.filter((flag) => values.isSet(flag));
    if (pointless.length > 0)
      problems.push(
        usageError(
          `--finish makes no new secret, so it excludes ${joined(pointless.map((flag) => values.origin(flag).name))}`,
          "leave out one of them",
          "finish-with-secret",
        ),
      );
  }
  const given = await providedSecret(context, problems);
  if (given !== undefined) {
    const found = lint({ client_secret: given.text }, () => given.name);
    problems.push(...found.filter(({ severity }) => severity === "error").map(findingProblem));
    for (const { severity, message, hint } of found) if (severity === "warning") context.warn(`${message}: ${hint}`);
  }
  problems.push(...unwritableProblems(context, { id, secret: given?.text }));
  return { problems, run: () => (values.bool(FINISH) ? finish(context, id) : rotate(context, id, given?.text)) };
}

async function finish(context: Context, id: string): Promise<Result> {
  const { canRotate, paths } = context.plannedFamily;
  if (isDryRun(context) && canRotate) return dryRun(context, [{ method: "DELETE", url: paths.rotateSecret(id) }]);
  const record = canRotate ? await context.admin.dropOldSecrets(id) : undefined;
  if (record === undefined) {
    throw new Problem(`Cannot drop the old secrets of client ${quote(id)}: this server keeps none beside the new one`, {
      code: "no-overlap",
      exit: "failed",
      hint: "nothing is to be done: the old secret stopped working at the rotation",
    });
  }
  context.note(`Only the newest secret of client ${quote(id)} works now`);
  return single(
    { ...CLIENT_VIEW, text: () => [`${id} OAuth 2.0 Client rotation finished`] },
    withoutCredentials(record),
  );
}

function cannotRotate(id: string, current: JsonObject): Problem | undefined {
  if (isPublic(current)) {
    return new Problem(`Cannot rotate the secret of client ${quote(id)}: it is a public client without a secret`, {
      code: "no-secret",
      exit: "failed",
      hint: "hydra clients get shows its auth method",
    });
  }
  if (current["token_endpoint_auth_method"] === "private_key_jwt") {
    return new Problem(`Cannot rotate the secret of client ${quote(id)}: it proves itself with its keys`, {
      code: "no-secret",
      exit: "failed",
      hint: "change its keys with hydra clients update --jwks",
    });
  }
  return undefined;
}

/** What a rotation would send; a server's own rotation cannot be foretold without one. */
async function foretell(context: Context, id: string, given: string | undefined): Promise<Result> {
  const current = await context.admin.get(id);
  const refused = cannotRotate(id, current);
  if (refused !== undefined) throw refused;
  const { paths, update } = await context.admin.family();
  const secret = { field: "client_secret", before: undefined, after: given ?? "made here" };
  const request = changeRequest(update, current, [secret]);
  return dryRun(context, [{ ...request, url: paths.client(id) }], "read");
}

async function rotate(context: Context, id: string, given: string | undefined): Promise<Result> {
  if (isDryRun(context)) return foretell(context, id, given);
  const recipients = await context.keys.recipients(context.values);
  const endpoint = await verifyEndpoint(context);
  const current = await context.admin.get(id);
  const refused = cannotRotate(id, current);
  if (refused !== undefined) throw refused;
  const way = { action: `Cannot rotate the secret of client ${quote(id)}`, mustRescue: true };
  return withOutlets(context, way, async (outlets) => {
    const native = given === undefined ? await nativeRotation(context, id, recipients) : undefined;
    const changed =
      native ?? (await ownRotation(context, id, current, await prepareSecret(context, given, recipients)));
    context.note(
      native === undefined
        ? `The secret of client ${quote(id)} is changed; the old one stopped working`
        : `Client ${quote(id)} has a new secret; the old one works until hydra clients rotate-secret ${id} --finish`,
    );
    const { plain } = changed.prepared;
    let works = true;
    return deliverChangedSecret(context, outlets, changed, {
      id,
      view: createdView("given"),
      async before(_, record) {
        if (plain === undefined) return;
        const proof = secretProof(current, textField(record, "client_secret") ?? plain);
        works = await verify(context, endpoint, id, proof);
      },
      exit: () => (works ? "done" : "failed"),
    });
  });
}

/** What to do after a rotation of the server's own whose secret nobody has. */
const AGAIN = (id: string): string =>
  `run it again, then hydra clients rotate-secret ${id} --finish drops all but the newest`;

/** The server's own rotation: it makes the secret, so that is kept as soon as it is known. */
async function nativeRotation(
  context: Context,
  id: string,
  recipients: PreparedSecret["recipients"],
): Promise<ChangedSecret | undefined> {
  let record: ClientRecord | undefined;
  try {
    record = await context.admin.rotate(id);
  } catch (error) {
    if (!(error instanceof Problem) || !error.ambiguous) throw error;
    throw new Problem(
      `${error.message}; a new secret that nobody knows may work beside the old one, which still works`,
      {
        code: error.code,
        exit: error.exit,
        hint: AGAIN(id),
        cause: error,
      },
    );
  }
  if (record === undefined) return undefined;
  const { registration_access_token: _, ...answered } = record;
  const secret = textField(answered, "client_secret");
  if (secret === undefined || secret === "") {
    throw new Problem(`Cannot rotate the secret of client ${quote(id)}: the server's answer holds no secret`, {
      code: "unreadable-answer",
      exit: "failed",
      hint: "the old secret still works; look into the server's log",
    });
  }
  let made: PreparedSecret;
  try {
    made = { ...(await prepareSecret(context, secret, recipients)), given: false };
  } catch (error) {
    // Without recipients nothing can fail here, and with some a secret in the clear would break another promise.
    throw new Problem(
      `Cannot encrypt the new secret of client ${quote(id)}: ${safeReason(error)}; it works beside the old one, and nobody knows it`,
      { code: "not-encrypted", exit: "failed", hint: AGAIN(id), cause: error },
    );
  }
  const saved = savedIn(context, undefined);
  await saved.update({ id, state: "made", reason: "the secret is about to be handed over" }, made);
  return { prepared: made, record: answered, saved };
}

/** A secret made here or given, sent by PATCH or PUT. */
function ownRotation(
  context: Context,
  id: string,
  current: JsonObject,
  prepared: PreparedSecret,
): Promise<ChangedSecret> {
  const wanted = [{ field: "client_secret", before: undefined, after: prepared.plain }];
  return sendWithCopy(context, id, prepared, () => change(context.admin, id, current, wanted));
}

/** `clients rotate-secret` and `rotate-secret oauth2-client`: a new secret, and nothing else changed. */
export const rotateSecret = command({
  name: "rotate-secret",
  summary: "Give a client a new secret and change nothing else",
  about: [
    "Where the server can, the old secret stays valid beside the new one until --finish; elsewhere the old one stops working at once, and the program says so.",
    "The new secret is kept in a rescue file from before it is sent until it is handed over.",
  ],
  operands: { name: "ID", least: 1, most: 1, help: "The id of the client" },
  flags: [
    FINISH,
    ...NEW_SECRET_FLAGS,
    SECRET_LENGTH,
    ...VERIFY_FLAGS,
    ...SECRET_OUT_FLAGS,
    ...RECIPIENT_FLAGS,
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
  },
  server: true,
  credentials: "secrets",
  format: { "1.x": "text", "2.x": "table" },
  prepare,
});
