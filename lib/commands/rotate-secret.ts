import type { RescuePlace } from "../adapters/rescue.ts";
import { isPublic, textField } from "../core/client.ts";
import type { SwitchFlag } from "../core/flags.ts";
import { changeRequest } from "../core/merge.ts";
import { Problem, usage } from "../core/problem.ts";
import {
  DRY_RUN,
  RECIPIENT_FLAGS,
  SECRET_IN_FLAGS,
  SECRET_LENGTH,
  SECRET_OUT_FLAGS,
  SERVER_COMMAND_FLAGS,
  VERIFY_FLAGS,
} from "../core/rows.ts";
import { findingProblem, judge } from "../core/rules.ts";
import { withoutCredentials } from "../core/secret.ts";
import { quoted } from "../core/text.ts";
import { change } from "./change.ts";
import { type Context, command, type Result, type Shown, type Start, single } from "./command.ts";
import {
  type Delivery,
  deliveryOf,
  dropKept,
  givenSecret,
  type Handover,
  handOver,
  keepAhead,
  keepAnswered,
  notHandedOver,
  type PreparedSecret,
  prepareSecret,
  secretProblems,
  tellRecipients,
  withHandover,
} from "./credentials.ts";
import { dryRun, isDryRun } from "./dryrun.ts";
import { secretProof, verify, verifyEndpoint, verifyProblems } from "./verify.ts";
import { CLIENT_VIEW, createdView } from "./views.ts";

const FINISH: SwitchFlag = {
  kind: "switch",
  name: "finish",
  group: "input",
  help: "Drop the old secrets that a rotation left valid, and make no new one",
};

async function start(context: Context): Promise<Start> {
  const { values } = context;
  const given = await givenSecret(context);
  const problems = [...secretProblems(context), ...verifyProblems(context)];
  if (given !== undefined) {
    const found = judge({ client_secret: given.text }, () => given.name);
    problems.push(...found.filter(({ severity }) => severity === "error").map(findingProblem));
    for (const { severity, message, hint } of found) if (severity === "warning") context.warn(`${message}: ${hint}`);
  }
  if (values.on(FINISH) && given !== undefined)
    problems.push(
      usage("--finish makes no new secret, so none can be given", "leave out one of them", "finish-with-secret"),
    );
  const [id = ""] = context.operands;
  return { problems, run: () => (values.on(FINISH) ? finish(context, id) : rotate(context, id, given?.text)) };
}

async function finish(context: Context, id: string): Promise<Result> {
  if (isDryRun(context))
    return dryRun(context, [{ method: "DELETE", url: `/admin/clients/${encodeURIComponent(id)}/secrets/rotate` }]);
  const record = await context.admin.finishRotation(id);
  if (record === undefined) {
    throw new Problem(
      `Cannot drop the old secrets of client ${quoted(id)}: this server keeps none beside the new one`,
      {
        code: "no-overlap",
        exit: "failed",
        hint: "nothing is to be done: the old secret stopped working at the rotation",
      },
    );
  }
  context.note(`Only the newest secret of client ${quoted(id)} works now`);
  return single(
    { ...CLIENT_VIEW, text: () => [`${id} OAuth 2.0 Client rotation finished`] },
    withoutCredentials(record),
  );
}

function secretless(id: string, current: Shown): Problem | undefined {
  if (isPublic(current)) {
    return new Problem(`Cannot rotate the secret of client ${quoted(id)}: it is a public client without a secret`, {
      code: "no-secret",
      exit: "failed",
      hint: "hydra clients get shows its auth method",
    });
  }
  if (current["token_endpoint_auth_method"] === "private_key_jwt") {
    return new Problem(`Cannot rotate the secret of client ${quoted(id)}: it proves itself with its keys`, {
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
  const refused = secretless(id, current);
  if (refused !== undefined) throw refused;
  const { clients, update } = await context.admin.family();
  const secret = { field: "client_secret", before: undefined, after: given ?? "made here" };
  const request = changeRequest(update, current, [secret]);
  return dryRun(context, [{ ...request, url: `${clients}/${encodeURIComponent(id)}` }], "read");
}

async function rotate(context: Context, id: string, given: string | undefined): Promise<Result> {
  if (isDryRun(context)) return foretell(context, id, given);
  const recipients = await context.keys.recipients(context.values);
  const endpoint = await verifyEndpoint(context);
  const current = await context.admin.get(id);
  const refused = secretless(id, current);
  if (refused !== undefined) throw refused;
  const way = { action: `Cannot rotate the secret of client ${quoted(id)}`, mustRescue: true };
  return withHandover(context, way, async (handover) => {
    const native = given === undefined ? await nativeRotation(context, id, recipients, handover) : undefined;
    const { prepared, record, kept } =
      native ?? (await ownRotation(context, id, current, await prepareSecret(context, given, recipients), handover));
    context.note(
      native === undefined
        ? `The secret of client ${quoted(id)} is changed; the old one stopped working`
        : `Client ${quoted(id)} has a new secret; the old one works until hydra clients rotate-secret ${id} --finish`,
    );
    const delivery = await deliveryOf(context, prepared, record);
    const { secret: plain, encrypted } = delivery.credentials;
    const file = delivery.differs
      ? await keepAnswered(context, placeOf(handover), id, { plain, encrypted, kind: "client_secret" }, kept)
      : kept;
    tellRecipients(context, recipients);
    const works =
      prepared.plain === undefined ||
      (await verify(context, endpoint, id, secretProof(current, textField(record, "client_secret") ?? prepared.plain)));
    return deliver(context, { id, delivery, handover, file, works });
  });
}

interface Rotated {
  readonly prepared: PreparedSecret;
  readonly record: Shown;
  /** The rescue file, which goes once the secret is delivered; undefined where there could be none. */
  readonly kept: string | undefined;
}

function placeOf({ place }: Handover): RescuePlace {
  if (place === undefined) throw new TypeError("a place for a rescue file was asked for and is missing");
  return place;
}

/** The server's own rotation: it makes the secret, so that is kept as soon as it is known. */
async function nativeRotation(
  context: Context,
  id: string,
  recipients: PreparedSecret["recipients"],
  handover: Handover,
): Promise<Rotated | undefined> {
  let record: (Shown & { readonly client_id: string }) | undefined;
  try {
    record = await context.admin.rotate(id);
  } catch (error) {
    if (!(error instanceof Problem) || !error.doubtful) throw error;
    throw new Problem(
      `${error.message}; a new secret that nobody knows may work beside the old one, which still works`,
      {
        code: error.code,
        exit: error.exit,
        hint: `run it again, then hydra clients rotate-secret ${id} --finish drops all but the newest`,
        cause: error,
      },
    );
  }
  if (record === undefined) return undefined;
  const { registration_access_token: _, ...answered } = record;
  const secret = textField(answered, "client_secret");
  if (secret === undefined || secret === "") {
    throw new Problem(`Cannot rotate the secret of client ${quoted(id)}: the server's answer holds no secret`, {
      code: "unreadable-answer",
      exit: "failed",
      hint: "the old secret still works; look into the server's log",
    });
  }
  const made = { ...(await prepareSecret(context, secret, recipients)), given: false };
  return { prepared: made, record: answered, kept: await keepAnswered(context, placeOf(handover), id, made) };
}

/** A secret made here, sent by PATCH or PUT: it is kept before the request, since the old one dies with it. */
async function ownRotation(
  context: Context,
  id: string,
  current: Shown,
  prepared: PreparedSecret,
  handover: Handover,
): Promise<Rotated> {
  const place = placeOf(handover);
  const wanted = [{ field: "client_secret", before: undefined, after: prepared.plain }];
  const file = await keepAhead(context, place, id, prepared);
  try {
    const record = await change(context.admin, id, current, wanted);
    return { prepared, record, kept: file };
  } catch (error) {
    if (error instanceof Problem && !error.doubtful) await dropKept(context, place, file);
    else context.warn(`it is not known whether client ${quoted(id)} has the new secret, which is in ${quoted(file)}`);
    throw error;
  }
}

interface Outgoing {
  readonly id: string;
  readonly delivery: Delivery;
  readonly handover: Handover;
  readonly file: string | undefined;
  readonly works: boolean;
}

async function deliver(context: Context, { id, delivery, handover, file, works }: Outgoing): Promise<Result> {
  const view = createdView("given");
  const lost = (reason: unknown): Problem => notHandedOver(id, file, reason);
  const exit = (): "done" | "failed" => (works ? "done" : "failed");
  const drop = async (): Promise<void> => {
    if (file !== undefined) await dropKept(context, placeOf(handover), file);
  };
  if (
    handover.sink === undefined &&
    delivery.precious !== undefined &&
    !context.shows(view, delivery.shown, delivery.precious)
  ) {
    if (file === undefined) throw lost("this output format leaves it out");
    context.warn(`this output format leaves the secret of client ${quoted(id)} out; it is in ${quoted(file)}`);
    return single(view, delivery.shown, { exit });
  }
  try {
    const { shown, precious } = await handOver(context, handover, delivery, () => true);
    if (precious !== undefined)
      return single(view, shown, { exit, delivered: drop, undelivered: async (_, reason) => lost(reason) });
    await drop();
    return single(view, shown, { exit });
  } catch (error) {
    throw lost(error);
  }
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
    ...SECRET_IN_FLAGS,
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
      ["clients rotate-secret my-app --verify --public-url http://127.0.0.1:4444", "Proven at the token endpoint"],
    ],
  },
  server: true,
  credentials: "secrets",
  format: { "1.x": "text", "2.x": "table" },
  start,
});
