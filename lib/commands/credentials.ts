import type { ClientRecord } from "../adapters/admin.ts";
import { type Client, isPublic, type Label, textField } from "../core/client.ts";
import {
  type CredentialNames,
  type Credentials,
  credentialName,
  envLines,
  secretManifest,
} from "../core/credentials.ts";
import type { SwitchFlag, TextFlag } from "../core/flags.ts";
import { toJson } from "../core/json.ts";
import type { View } from "../core/output.ts";
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
import { ENCRYPTED, ENCRYPTED_KEY, idOf } from "./views.ts";

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
  /** What it is, as a recovery copy names it. */
  readonly kind: "client_secret" | "client_private_key";
  /** The `kid` of a private key (RFC 7517, 4.5). */
  readonly keyId?: string;
}

/** The secret itself, in the clear or encrypted. */
export type SecretText = Pick<PreparedSecret, "plain" | "encrypted" | "kind" | "keyId">;

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
  /** The secret that the client has now. */
  readonly secret: SecretText;
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
  const { plain, recipients, kind } = prepared;
  const id = idOf(record);
  if (kind === "client_private_key") return keyDelivery(prepared, record);
  const answered = textField(record, "client_secret");
  const differs = answered !== undefined && answered !== "" && answered !== plain && plain !== undefined;
  if (differs) context.warn("the server answered with another secret than the one sent; the server's counts");
  const secret = differs ? answered : plain;
  if (secret === undefined) {
    // Where secrets are encrypted, no credential of a client without one is shown either.
    const shown = recipients.length > 0 ? withoutCredentials(record) : secretless(record);
    return { shown, precious: undefined, credentials: { id }, secret: prepared, differs };
  }
  if (recipients.length > 0) {
    const encrypted = differs ? await encryptAnswered(context, recipients, secret) : prepared.encrypted;
    const named = recipients.map(({ fingerprint, userId }) => ({ fingerprint, user_id: userId ?? null }));
    const shown = { ...withoutCredentials(record), [ENCRYPTED]: encrypted, client_secret_recipients: named };
    return {
      shown,
      precious: encrypted,
      credentials: { id, encrypted },
      secret: { plain: secret, encrypted, kind },
      differs,
    };
  }
  const delivery = { credentials: { id, secret }, secret: { plain: secret, encrypted: undefined, kind }, differs };
  if (prepared.given && !differs) return { shown: secretless(record), precious: undefined, ...delivery };
  const shown = answered === secret ? record : { ...record, client_secret: secret };
  return { shown, precious: secret, ...delivery };
}

/** A client that signs in with a key: a secret that the server made for it is of no use to anyone, and is not shown. */
function keyDelivery(prepared: PreparedSecret, record: Shown): Delivery {
  const { plain, encrypted } = prepared;
  const shown = withoutCredentials(record);
  return {
    shown: encrypted === undefined ? shown : { ...shown, [ENCRYPTED_KEY]: encrypted },
    precious: encrypted ?? plain,
    credentials: { id: idOf(record) },
    secret: prepared,
    differs: false,
  };
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
export function isForeseen(error: unknown): boolean {
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

/** What `--secret-out` or `--key-out` will hold. */
export function secretFileText(context: Context, id: string, { plain, encrypted, kind }: SecretText): string {
  if (kind === "client_private_key") return encrypted === undefined ? (plain ?? "") : `${encrypted}\n`;
  return sinkText(context, encrypted === undefined ? { id, secret: plain } : { id, encrypted });
}

function sinkText(context: Context, credentials: Credentials): string {
  const names = credentialNames(context);
  const form = secretForm(context);
  if (form === "k8s") return secretManifest(credentials, names);
  if (form === "dotenv") return envLines(credentials, names);
  const { id, secret, encrypted } = credentials;
  return `${toJson({ client_id: id, ...(secret === undefined ? {} : { client_secret: secret }), ...(encrypted === undefined ? {} : { [ENCRYPTED]: encrypted }) }, 2)}\n`;
}

/** Refuses a format that leaves a secret or a key out, unless there is a file that it can be kept in. */
export function refuseHidden(context: Context, view: View<Shown>, prepared: PreparedSecret, hasFile: boolean): void {
  const precious = prepared.encrypted ?? (prepared.given ? undefined : prepared.plain);
  if (precious === undefined || prepared.given || hasFile) return;
  const isKey = prepared.kind === "client_private_key";
  const field = prepared.encrypted === undefined ? prepared.kind : isKey ? ENCRYPTED_KEY : ENCRYPTED;
  if (context.shows(view, { client_id: "id", [field]: precious }, precious)) return;
  throw usage(
    `This output format leaves the ${isKey ? "private key" : "secret"} out, and there is no folder to keep it in`,
    `choose another --format, or add --${isKey ? KEY_OUT.name : SECRET_OUT.name} or --rescue-dir`,
    "secret-not-shown",
  );
}

/** The code of a problem that says where a secret is that was not handed over, or what became of its client. */
export const UNDELIVERED = "undelivered";
