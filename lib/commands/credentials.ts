import type { ClientRecord } from "../adapters/admin.ts";
import type { RescuePlace, RescueRecord } from "../adapters/rescue.ts";
import type { Sink } from "../adapters/sink.ts";
import { type Client, isPublic, type Label, textField } from "../core/client.ts";
import {
  type CredentialNames,
  type Credentials,
  credentialName,
  envLines,
  secretManifest,
} from "../core/credentials.ts";
import type { SwitchFlag, TextFlag } from "../core/flags.ts";
import { GRACE } from "../core/network.ts";
import { Problem, reasonOf, sentence, systemCode, usage } from "../core/problem.ts";
import {
  decryptAdvice,
  ENCRYPTED_FORMATS,
  type EncryptedFormat,
  type Recipient,
  recipientLine,
} from "../core/recipient.ts";
import {
  ENCRYPTED_FORMAT,
  ID_KEY,
  KEY_OUT,
  KEYBASE,
  PGP_KEY,
  PGP_KEY_URL,
  SECRET,
  SECRET_FILE,
  SECRET_FORMAT,
  SECRET_KEY,
  SECRET_LENGTH,
  SECRET_OUT,
  SECRET_PROMPT,
} from "../core/rows.ts";
import { generateSecret, SECRET_BCRYPT_BYTES, SECRET_LENGTH as SHORTEST, withoutCredentials } from "../core/secret.ts";
import { printable, quoted } from "../core/text.ts";
import type { Context, Shown } from "./command.ts";
import { createdView, ENCRYPTED, ENCRYPTED_KEY, idOf, KEYED_VIEW } from "./views.ts";

/** Whether the command line names anyone to encrypt to. */
export function wantsRecipients(context: Context): boolean {
  return [PGP_KEY, PGP_KEY_URL, KEYBASE].some((flag) => context.values.given(flag));
}

/** Where a secret comes from and goes to, as far as the checks of it differ by command. */
export interface SecretWishes {
  /** Whether files that it goes to are looked at too; not where it may turn out that they are not needed. */
  readonly outlets?: boolean;
  /** The flags of a secret that is made elsewhere than here, beside those of one that is given. */
  readonly instead?: readonly TextFlag[];
}

/** What is wrong with the wishes about a secret, told before anything is sent. */
export async function secretProblems(
  context: Context,
  { outlets = true, instead = [] }: SecretWishes = {},
): Promise<readonly Problem[]> {
  const { values } = context;
  const problems: Problem[] = [];
  const ways = [SECRET, SECRET_FILE, SECRET_PROMPT].filter((flag) => values.origin(flag).from === "flag");
  if (ways.length > 1) {
    problems.push(
      usage(
        `${ways.map((flag) => values.origin(flag).name).join(" and ")} exclude each other`,
        "give the secret in one way",
        "two-secrets",
      ),
    );
  }
  const source = [SECRET, SECRET_FILE, SECRET_PROMPT, ...instead].find((flag) => isAsked(context, flag));
  if (values.given(SECRET_LENGTH) && source !== undefined) {
    problems.push(
      usage(
        `${values.origin(SECRET_LENGTH).name} and ${values.origin(source).name} exclude each other: no secret is made here`,
        "leave out one of them",
        "length-without-secret",
      ),
    );
  }
  const length = values.number(SECRET_LENGTH) ?? SHORTEST;
  if (length < SHORTEST || length > SECRET_BCRYPT_BYTES) {
    problems.push(
      usage(
        `--secret-length ${length} is not from ${SHORTEST} to ${SECRET_BCRYPT_BYTES}`,
        "the server looks at no more than 72 bytes, and fewer than 26 characters are no strong secret",
        "bad-value",
      ),
    );
  }
  for (const [flag, format] of [
    [ID_KEY, "k8s-secret"],
    [SECRET_KEY, "k8s-secret"],
  ] as const) {
    const text = values.text(flag);
    if (text === undefined) continue;
    try {
      credentialName(
        text,
        context.format.kind === "env" || secretForm(context) === "dotenv" ? "env" : format,
        `--${flag.name}`,
      );
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push(error);
    }
  }
  const { id = "CLIENT_ID", secret = "CLIENT_SECRET" } = credentialNames(context);
  if (id === secret) {
    problems.push(
      usage(`The id and the secret cannot both be called ${quoted(id)}`, "give them different names", "one-name"),
    );
  }
  if (values.given(SECRET_FORMAT) && !values.given(SECRET_OUT)) {
    problems.push(
      usage(
        `${values.origin(SECRET_FORMAT).name} has no file to write`,
        "add --secret-out FILE, or use --format for what is printed",
        "secret-format-without-out",
      ),
    );
  }
  // A descriptor is looked at in any case: what it is can be told only before something is sent.
  const targets = [SECRET_OUT, KEY_OUT].filter((flag) => outlets || values.text(flag)?.startsWith("fd:"));
  problems.push(...encryptedFormatProblems(context), ...(await context.outletProblems(targets)));
  return problems;
}

function isAsked({ values }: Context, flag: TextFlag | SwitchFlag): boolean {
  return flag.kind === "switch" ? values.on(flag) : (values.text(flag) ?? "") !== "";
}

/** The problem of a form for an encrypted secret where nobody is named to encrypt to, and the secret would be plain. */
export function encryptedFormatProblems(context: Context): readonly Problem[] {
  if (!context.values.given(ENCRYPTED_FORMAT) || wantsRecipients(context)) return [];
  return [
    usage(
      `${context.values.origin(ENCRYPTED_FORMAT).name} has nobody to encrypt to`,
      "add --pgp-key, --pgp-key-url or --keybase, or leave it out",
      "encrypted-format-without-recipient",
    ),
  ];
}

/** The problem of credentials that the form of `--secret-out` cannot hold. */
export function unwritableProblems(context: Context, credentials: Credentials): readonly Problem[] {
  if (!context.values.given(SECRET_OUT)) return [];
  try {
    sinkText(context, wantsRecipients(context) ? { id: credentials.id } : credentials);
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [usage(error.message, "use --secret-format json, which can hold it", error.code)];
  }
}

/** The problem of a recipient for a client that has no secret. */
export function publicRecipientProblems(context: Context, client: Client, label: Label): readonly Problem[] {
  if (!isPublic(client) || !wantsRecipients(context)) return [];
  return [
    new Problem(
      `${sentence(label("token_endpoint_auth_method"))} "none" makes a client without a secret, so there is nothing to encrypt`,
      {
        code: "public-client-recipient",
        exit: "usage",
        hint: "leave out the recipient, or choose another --token-endpoint-auth-method",
      },
    ),
  ];
}

/** A secret that the user gives, and how messages call it. */
export interface Given {
  readonly text: string;
  readonly name: string;
}

/**
 * The secret that the user gives, by file, prompt, flag or environment; undefined when they give none. What is wrong with
 * it goes to the problems, and where there are some already nobody is asked to type.
 */
export async function givenSecret(context: Context, problems: Problem[], faulty = false): Promise<Given | undefined> {
  try {
    return await readSecret(context, faulty || context.faulty || problems.length > 0);
  } catch (error) {
    if (!(error instanceof Problem) || error.exit !== "usage") throw error;
    problems.push(error);
    return undefined;
  }
}

async function readSecret(context: Context, faulty: boolean): Promise<Given | undefined> {
  const { values, host } = context;
  const file = values.text(SECRET_FILE);
  if (file !== undefined) {
    const { text: whole, name } = await context.readFile(file, "--secret-file");
    const text = whole.replace(/\r?\n$/, "");
    // A file that was never filled must not end in a secret that nobody chose.
    if (text === "") throw usage(`There is no secret in ${name}`, "write the secret into it first", "no-secret");
    if (text.includes("\ufffd"))
      throw usage(
        `The secret in ${name} is not UTF-8 text, so the server would be sent another one`,
        "write it as text, such as its base64url or hex form",
        "secret-not-text",
      );
    return { text, name: `the secret in ${name}` };
  }
  if (values.on(SECRET_PROMPT)) {
    if (!host.stdinIsTerminal)
      throw usage(
        "--secret-prompt has no terminal to ask on",
        "use --secret-file - to read the secret from standard input",
        "no-terminal",
      );
    if (faulty) return undefined;
    const text = (await host.ask("Client secret: ", true)) ?? "";
    if (text === "") throw usage("No secret was typed", "run the command again", "no-secret");
    if (text !== (await host.ask("Once more: ", true)))
      throw usage("The two secrets are not the same", "run the command again", "secret-mistyped");
    return { text, name: "the secret that was typed" };
  }
  const text = values.text(SECRET) ?? "";
  if (text === "") return undefined;
  const origin = values.origin(SECRET);
  if (origin.from === "flag")
    context.warn(
      "--secret shows the secret to everyone who can list processes, and to the shell's history: better --secret-file",
    );
  return { text, name: origin.name };
}

/** A client's secret before the client exists: everything that could fail has been done. */
export interface PreparedSecret {
  /** What the server is sent; undefined for a public client. */
  readonly plain: string | undefined;
  /** Whether the user gave it, so that it is never shown. */
  readonly given: boolean;
  readonly encrypted: string | undefined;
  readonly recipients: readonly Recipient[];
  /** What it is, as a rescue file names it. */
  readonly kind: "client_secret" | "client_private_key";
}

/** The form that the encrypted text is asked for in. */
export function encryptedFormat(context: Context): EncryptedFormat {
  const form = context.values.text(ENCRYPTED_FORMAT);
  return ENCRYPTED_FORMATS.find((known) => known === form) ?? "base64";
}

/** A secret ready to be sent: given or made here, and encrypted to the recipients. */
export async function prepareSecret(
  context: Context,
  given: string | undefined,
  recipients: readonly Recipient[],
): Promise<PreparedSecret> {
  const plain = given ?? generateSecret(context.host.random, context.values.number(SECRET_LENGTH));
  const encrypted =
    recipients.length === 0 ? undefined : await context.keys.encrypt(recipients, plain, encryptedFormat(context));
  return { plain, given: given !== undefined, recipients, encrypted, kind: "client_secret" };
}

/** The secret of a client that has none. */
export const NO_SECRET: PreparedSecret = {
  plain: undefined,
  given: false,
  encrypted: undefined,
  recipients: [],
  kind: "client_secret",
};

/** Tells on stderr who can read the encrypted secret, and how. */
export function tellRecipients(context: Context, recipients: readonly Recipient[]): void {
  if (recipients.length === 0) return;
  for (const recipient of recipients) {
    context.note(`Encrypted to ${recipientLine(recipient)}`);
    for (const skipped of recipient.skipped) {
      context.detail(`Not encrypted to subkey ${skipped.fingerprint} (${skipped.algorithm}): ${skipped.reason}`);
    }
  }
  for (const line of decryptAdvice(recipients, encryptedFormat(context))) context.note(line);
}

/** The credentials of one client on their way to the person who asked. */
export interface Delivery {
  /** What is shown of the client. */
  readonly shown: Shown;
  /** The text whose loss would be the loss of the secret; undefined when there is nothing to lose. */
  readonly precious: string | undefined;
  /** What `--secret-out` writes: a given secret too. */
  readonly credentials: Credentials;
  /** Whether the server answered with another secret than the one that was sent. */
  readonly differs: boolean;
}

/**
 * What is shown of a client: the secret that the server answered counts where it differs from the one sent; a given one is
 * left out; with recipients, every plain credential is.
 */
export async function deliveryOf(
  context: Context,
  prepared: PreparedSecret,
  record: ClientRecord | Shown,
): Promise<Delivery> {
  const answered = textField(record, "client_secret");
  const differs =
    answered !== undefined && answered !== "" && answered !== prepared.plain && prepared.plain !== undefined;
  if (differs) context.warn("the server answered with another secret than the one sent; the server's counts");
  const secret = differs ? answered : prepared.plain;
  const id = idOf(record);
  if (secret === undefined) return { shown: secretless(record), precious: undefined, credentials: { id }, differs };
  if (prepared.recipients.length > 0) {
    const encrypted = differs ? await encryptAnswered(context, prepared.recipients, secret) : prepared.encrypted;
    const recipients = prepared.recipients.map(({ fingerprint, userId }) => ({ fingerprint, user_id: userId ?? null }));
    const shown = { ...withoutCredentials(record), [ENCRYPTED]: encrypted, client_secret_recipients: recipients };
    return { shown, precious: encrypted, credentials: { id, encrypted }, differs };
  }
  const credentials = { id, secret };
  if (prepared.given && !differs) return { shown: secretless(record), precious: undefined, credentials, differs };
  const shown = answered === secret ? record : { ...record, client_secret: secret };
  return { shown, precious: secret, credentials, differs };
}

/** A secret of the server's that no recipient can get, and that must not be shown or kept in the clear. */
export class NotEncrypted extends Error {}

async function encryptAnswered(context: Context, recipients: readonly Recipient[], secret: string): Promise<string> {
  try {
    return await context.keys.encrypt(recipients, secret, encryptedFormat(context));
  } catch (error) {
    throw new NotEncrypted(`the secret that the server answered with cannot be encrypted: ${whyOf(error)}`, {
      cause: error,
    });
  }
}

/** Why something failed, in words that cannot hold a value: a fault of the program itself is told by its kind alone. */
export function whyOf(error: unknown): string {
  if (isForeseen(error)) return printable(reasonOf(error));
  return `unexpected failure (${error instanceof Error ? error.name : typeof error})`;
}

/** Whether an error has a message of this program or the system, and not of the runtime about a fault. */
function isForeseen(error: unknown): boolean {
  if (error instanceof Problem || systemCode(error) !== undefined) return true;
  return error instanceof Error && (error.name === "Error" || error.name === "WriteFailure");
}

/** A client without its secret; the same one where it has none. */
export function secretless(record: Shown): Shown {
  if (!Object.hasOwn(record, "client_secret")) return record;
  const { client_secret: _, ...rest } = record;
  return rest;
}

/** The form of `--secret-out`: as `--secret-format` says, or by the ending of the file. */
function secretForm(context: Context): "dotenv" | "json" | "k8s" | undefined {
  const { values } = context;
  const target = values.text(SECRET_OUT);
  if (target === undefined) return undefined;
  const form = values.text(SECRET_FORMAT);
  if (form === "json" || (form === undefined && /\.json$/i.test(target))) return "json";
  if (form === "k8s" || (form === undefined && /\.ya?ml$/i.test(target))) return "k8s";
  return "dotenv";
}

/** The names that the flags give to the id and the secret. */
export function credentialNames(context: Pick<Context, "values">): Partial<CredentialNames> {
  const id = context.values.text(ID_KEY);
  const secret = context.values.text(SECRET_KEY);
  return { ...(id === undefined ? {} : { id }), ...(secret === undefined ? {} : { secret, encrypted: secret }) };
}

function sinkText(context: Context, credentials: Credentials): string {
  const names = credentialNames(context);
  const form = secretForm(context);
  if (form === "k8s") return secretManifest(credentials, names);
  if (form === "dotenv") return envLines(credentials, names);
  const { id, secret, encrypted } = credentials;
  return `${JSON.stringify({ client_id: id, ...(secret === undefined ? {} : { client_secret: secret }), ...(encrypted === undefined ? {} : { [ENCRYPTED]: encrypted }) }, null, 2)}\n`;
}

/** Everything that a secret needs around it, opened and proven before the server is asked to change anything. */
export interface Handover {
  readonly place: RescuePlace | undefined;
  readonly sink: Sink | undefined;
}

/** Work around a secret that has its ways out opened; they are given up when it fails. */
export interface HandoverOptions {
  /** What is about to be done, for messages: `Cannot create client`. */
  readonly action: string;
  /** Whether what is done cannot be taken back, so that a place for a rescue file must be there. */
  readonly mustRescue: boolean;
  /** The flag that names the sink; `--secret-out` without it. */
  readonly target?: TextFlag;
}

/** Opens the ways out for a secret and does the work to its own end; a failure leaves no half-written sink behind. */
export function withHandover<T>(
  context: Context,
  options: HandoverOptions,
  work: (handover: Handover) => Promise<T>,
): Promise<T> {
  return context.critical(async () => {
    const handover = await openHandover(context, options);
    try {
      return await work(handover);
    } catch (error) {
      await handover.sink?.discard();
      throw error;
    }
  });
}

/**
 * Opens the ways out for a secret: looks at standard output, opens the sink, tries a place for a rescue file. With
 * `mustRescue` (what is done cannot be taken back) a missing place is an error, otherwise a warning.
 */
export function openHandover(context: Context, options: HandoverOptions): Promise<Handover> {
  return context.critical(() => {
    // After a signal nothing is opened, because the end may come before it is closed again.
    context.signal.throwIfAborted();
    return opened(context, options);
  });
}

/** The problem of a standard output that was closed before the start, found before anything is made. */
export function closedOutput(action: string, what: "the secret" | "its id"): Problem {
  return new Problem(`${action}: standard output is closed, so nobody would get ${what}`, {
    code: "stdout-closed",
    exit: "failed",
    hint: `run the command with a standard output that takes the result${what === "its id" ? "" : ", or use --secret-out"}`,
  });
}

async function opened(
  context: Context,
  { action, mustRescue, target = SECRET_OUT }: HandoverOptions,
): Promise<Handover> {
  const sink = await context.sink(target);
  try {
    if (sink === undefined && context.host.stdoutWasClosed()) {
      throw closedOutput(action, "the secret");
    }
    const place = await context.rescuePlace();
    if (place === undefined && mustRescue) {
      throw new Problem(`${action}: there is no folder in which the secret could be kept until it is handed over`, {
        code: "no-rescue-place",
        exit: "failed",
        hint: "name a folder that can be written with --rescue-dir",
      });
    }
    if (place === undefined)
      context.warn(
        "no folder can be written to keep the secret in if it cannot be handed over (--rescue-dir names one)",
      );
    return { place, sink };
  } catch (error) {
    await sink?.discard();
    throw error;
  }
}

/** Refuses a format that leaves a secret or a key out where there is no file to put it in. */
export function refuseHidden(context: Context, prepared: PreparedSecret, handover: Handover): void {
  const precious = prepared.encrypted ?? (prepared.given ? undefined : prepared.plain);
  if (precious === undefined || handover.sink !== undefined || handover.place !== undefined) return;
  const isKey = prepared.kind === "client_private_key";
  const field = prepared.encrypted === undefined ? prepared.kind : isKey ? ENCRYPTED_KEY : ENCRYPTED;
  const view = isKey ? KEYED_VIEW : createdView("given");
  if (context.shows(view, { client_id: "id", [field]: precious }, precious)) return;
  throw usage(
    `This output format leaves the ${isKey ? "private key" : "secret"} out, and there is no folder to keep it in`,
    `choose another --format, or add --${isKey ? KEY_OUT.name : SECRET_OUT.name} or --rescue-dir`,
    "secret-not-shown",
  );
}

/** What a rescue is told. */
export interface Rescued {
  readonly id: string | undefined;
  readonly state: RescueRecord["state"];
  readonly reason: string;
}

/** What a rescue file holds of a secret. */
function recordOf(
  context: Context,
  what: Rescued,
  secret: Pick<PreparedSecret, "plain" | "encrypted" | "kind">,
): RescueRecord {
  const { id, state, reason } = what;
  return {
    state,
    reason,
    time: new Date(context.host.now()).toISOString(),
    endpoint: context.endpoint,
    ...(id === undefined ? {} : { client_id: id }),
    ...(secret.encrypted === undefined
      ? { [secret.kind]: secret.plain ?? "" }
      : { [`${secret.kind}_encrypted`]: secret.encrypted }),
  };
}

/** Keeps a secret before a change that cannot be taken back; gives the file's path. */
export async function keepAhead(
  context: Context,
  place: RescuePlace,
  id: string,
  prepared: PreparedSecret,
): Promise<string> {
  const reason = "the request that sets this secret is about to be sent";
  try {
    return await place.keep(recordOf(context, { id, state: "unverified", reason }, prepared));
  } catch (error) {
    throw new Problem(
      `Cannot change the secret of client ${quoted(id)}: it cannot be kept in ${quoted(place.folder)} until it is handed over: ${printable(reasonOf(error))}`,
      { code: "no-rescue-place", exit: "failed", hint: "name a folder that has room with --rescue-dir" },
    );
  }
}

/**
 * Keeps a secret that a server made, as soon as it is known and in place of the one in `before`; gives the file's path,
 * or undefined, told as a warning, where it cannot be kept.
 */
export async function keepAnswered(
  context: Context,
  place: RescuePlace,
  id: string,
  secret: Pick<PreparedSecret, "plain" | "encrypted" | "kind">,
  before?: string,
): Promise<string | undefined> {
  let path: string | undefined;
  try {
    const reason = "the secret is about to be handed over";
    path = await place.keepSomewhere(recordOf(context, { id, state: "made", reason }, secret));
  } catch (error) {
    context.warn(
      `the new secret of client ${quoted(id)} cannot be kept in ${quoted(place.folder)} or elsewhere until it is handed over: ${reasonOf(error)}`,
    );
  }
  if (before !== undefined) await dropKept(context, place, before);
  return path;
}

/** Removes a file of {@link keepAhead} whose secret is delivered or was never set. */
export async function dropKept(context: Context, place: RescuePlace, path: string): Promise<void> {
  try {
    await place.drop(path);
  } catch (error) {
    context.warn(`${quoted(path)} is not needed any more and cannot be removed: ${reasonOf(error)}`);
  }
}

/** The problem of a secret that was changed and not handed over, and that a file holds. */
export function notHandedOver(id: string, path: string | undefined, reason: unknown): Problem {
  return new Problem(
    `Cannot hand over the new secret of client ${quoted(id)}: ${whyOf(reason)}; it ${path === undefined ? "could not be kept and is lost" : `is in ${quoted(path)}`}`,
    {
      code: UNDELIVERED,
      exit: "failed",
      cause: reason,
      hint:
        path === undefined
          ? `hydra clients rotate-secret ${id} makes another one`
          : "take it from that file, then delete it",
    },
  );
}

/** Keeps a secret that cannot be handed over; the words that come back go behind a message. */
export async function rescue(
  context: Context,
  place: RescuePlace | undefined,
  what: Rescued,
  prepared: PreparedSecret,
  shown: Shown = {},
): Promise<string> {
  const encrypted = textField(shown, ENCRYPTED) ?? prepared.encrypted;
  const plain = textField(shown, "client_secret") ?? prepared.plain;
  if (plain === undefined && encrypted === undefined) return "";
  const word = prepared.kind === "client_secret" ? "secret" : "private key";
  if (place === undefined) return `; its ${word} could not be kept anywhere and is lost`;
  try {
    const path = await place.keepSomewhere(recordOf(context, what, { plain, encrypted, kind: prepared.kind }));
    return `; its ${encrypted === undefined ? "" : "encrypted "}${word} is in ${quoted(path)}`;
  } catch (error) {
    return `; its ${word} could not be kept in ${quoted(place.folder)} or elsewhere and is lost: ${printable(reasonOf(error))}`;
  }
}

/** The code of a problem that says where a secret is that was not handed over, or what became of its client. */
export const UNDELIVERED = "undelivered";

/** A client that was made, and whose secret could not be handed over. */
export interface Undelivered {
  /** Whether the server answered this run's own POST with 201. */
  readonly certain: boolean;
  readonly delivery: Delivery;
  readonly prepared: PreparedSecret;
  /** Whether part of the secret may have left the process. */
  readonly leaked: boolean;
}

/**
 * Deals with a client that was made and whose secret cannot be handed over: takes the client back where that is certain to
 * be right (this run's own 201, and nothing of the secret left the process), and keeps the secret otherwise.
 */
export async function recover(
  context: Context,
  place: RescuePlace | undefined,
  made: Undelivered,
  reason: unknown,
): Promise<Problem> {
  const id = idOf(made.delivery.shown);
  const why = whyOf(reason);
  const details = { code: UNDELIVERED, exit: "failed", cause: reason } as const;
  const left = made.certain && !made.leaked ? await takeBack(context, id) : "made";
  if (left === "gone") {
    return new Problem(`Cannot hand over the credentials: ${why}; client ${quoted(id)} was deleted again`, {
      ...details,
      hint: isForeseen(reason)
        ? "run the command again with a place that takes the result"
        : "try another --format, and report this failure",
    });
  }
  // Where the client stays, or may stay, its secret must too.
  const kept = await rescue(context, place, { id, state: left, reason: why }, made.prepared, made.delivery.shown);
  const was = left === "made" ? "was created" : "was created, and may be deleted again";
  return new Problem(`Cannot hand over the credentials: ${why}; client ${quoted(id)} ${was}${kept}`, {
    ...details,
    hint: kept.includes(" is in ")
      ? "take the secret from that file, then delete it"
      : `hydra clients delete ${id} removes the client`,
  });
}

/** Deletes a client that this run made, and tells what is left of it then. */
async function takeBack(context: Context, id: string): Promise<"gone" | RescueRecord["state"]> {
  try {
    await context.admin.afterwards(GRACE).remove(id);
    return "gone";
  } catch (error) {
    if (!(error instanceof Problem) || error.doubtful) return "unverified";
    return error.exit === "notFound" ? "gone" : "made";
  }
}

/** What of a delivery still goes to standard output. */
export interface HandedOver {
  readonly shown: Shown;
  /** The text that standard output must take; undefined when it has nothing precious. */
  readonly precious: string | undefined;
}

/**
 * Hands credentials to the sink when there is one, and keeps them in a file when the output format leaves them out; what
 * comes back goes to standard output. Throws what the sink throws.
 */
export async function handOver(
  context: Context,
  handover: Handover,
  delivery: Delivery,
  shows: (precious: string) => boolean,
): Promise<HandedOver> {
  const { shown, precious, credentials } = delivery;
  const { id } = credentials;
  if (handover.sink !== undefined) {
    if (credentials.secret === undefined && credentials.encrypted === undefined) {
      await handover.sink.discard();
      context.warn(`--secret-out is not written: client ${quoted(id)} has no secret to hand over`);
      return { shown, precious: undefined };
    }
    await handover.sink.commit(sinkText(context, credentials));
    context.note(`The credentials of client ${quoted(id)} are in ${printable(handover.sink.name)}`);
    const { client_secret: _, [ENCRYPTED]: __, ...rest } = shown;
    return { shown: rest, precious: undefined };
  }
  if (precious === undefined || shows(precious)) return { shown, precious };
  const prepared = { ...NO_SECRET, plain: textField(shown, "client_secret"), encrypted: textField(shown, ENCRYPTED) };
  const kept = await rescue(
    context,
    handover.place,
    { id, state: "made", reason: "the output format leaves the secret out" },
    prepared,
  );
  context.warn(`this output format leaves the secret of client ${quoted(id)} out${kept}`);
  return { shown, precious: undefined };
}
