import type { Context } from "../../command.ts";
import { getTextField, isPublic } from "../../core/client/client.ts";
import { allowsQuestions, canPrompt } from "../../core/environment/interactive.ts";
import {
  ENCRYPTED_FORMAT,
  KEYBASE,
  PGP_KEY,
  PGP_KEY_URL,
  SECRET,
  SECRET_FILE,
  SECRET_LENGTH,
  SECRET_PROMPT,
} from "../../core/flags/credential-flags.ts";
import { NO_INPUT } from "../../core/flags/shared-flags.ts";
import type { JsonObject } from "../../core/json/json.ts";
import type { Recipient } from "../../core/pgp/recipient.ts";
import { collectProblem, type Problem, usageError } from "../../core/problem.ts";
import { generateSecret } from "../../core/secret.ts";

/** Whether the command line names a recipient to encrypt to. */
export function hasRecipientFlags({ values }: Pick<Context, "values">): boolean {
  return [PGP_KEY, PGP_KEY_URL, KEYBASE].some((flag) => values.isSet(flag));
}

/** A secret that the user provides, and how messages refer to it. */
export interface ProvidedSecret {
  readonly text: string;
  readonly name: string;
  /** Whether it is on the command line. */
  readonly onCommandLine: boolean;
}

/** What reading a provided secret needs of a command's context. */
type SecretSourceContext = Pick<Context, "values" | "host" | "readFile" | "warn" | "hasErrors">;

/**
 * The secret that the user provides by file, prompt, flag or environment; undefined if they provide none. What is wrong
 * with it is added to the problems. If there are problems already, there is no prompt.
 */
export async function readProvidedSecret(
  context: SecretSourceContext,
  problems: Problem[],
  hasErrors: () => boolean = () => false,
): Promise<ProvidedSecret | undefined> {
  const mayPrompt = (): boolean => !context.hasErrors && problems.length === 0 && !hasErrors();
  return collectProblem(problems, () => readSecretFromAnySource(context, mayPrompt), "usage");
}

/** Reads the secret from the file, the prompt or the flag; undefined if none of them is used. */
async function readSecretFromAnySource(
  context: SecretSourceContext,
  mayPrompt: () => boolean,
): Promise<ProvidedSecret | undefined> {
  const { values, host } = context;
  const file = values.text(SECRET_FILE);
  if (file !== undefined) return readSecretFromFile(context, file);
  if (!values.bool(SECRET_PROMPT)) return readPlainSecretFlag(context);
  if (canPrompt(host, values.bool(NO_INPUT))) return mayPrompt() ? promptForSecret(context) : undefined;
  throw usageError(
    allowsQuestions(host, values.bool(NO_INPUT))
      ? "--secret-prompt needs a terminal on standard input and standard error"
      : "--secret-prompt cannot ask: --no-input and CI exclude it",
    "use --secret-file - to read the secret from standard input",
    "no-terminal",
  );
}

async function readSecretFromFile({ readFile }: Pick<Context, "readFile">, file: string): Promise<ProvidedSecret> {
  const { text, name } = await readFile(file, "--secret-file");
  const secret = text.replace(/\r?\n$/, "");
  // A file that was never filled must not lead to a generated secret that nobody expects.
  if (secret === "") throw usageError(`There is no secret in ${name}`, "write the secret to it first", "no-secret");
  return { text: secret, name: `the secret in ${name}`, onCommandLine: false };
}

async function promptForSecret({ host }: Pick<Context, "host">): Promise<ProvidedSecret> {
  const text = (await host.ask("Client secret: ", true)) ?? "";
  if (text === "") throw usageError("No secret was entered", "run the command again", "no-secret");
  if (text !== (await host.ask("Once more: ", true)))
    throw usageError("The two secrets differ", "run the command again", "secret-mistyped");
  return { text, name: "the secret that was entered", onCommandLine: false };
}

/** The secret of `--secret` or its environment variable. */
function readPlainSecretFlag({ values, warn }: Pick<Context, "values" | "warn">): ProvidedSecret | undefined {
  const text = values.text(SECRET) ?? "";
  if (text === "") return undefined;
  const { from, name } = values.origin(SECRET);
  if (from === "flag")
    warn("--secret is visible to other users of this machine and in the shell history; prefer --secret-file", "advice");
  return { text, name, onCommandLine: from === "flag" };
}

/**
 * Whether a provided secret comes back in the result, as Hydra's own CLI 2.x prints it: one from the command line or a
 * client file, but not one that was kept off the command line, or that is encrypted.
 */
export function isSecretEchoed(
  { syntax, values }: Pick<Context, "syntax" | "values">,
  given: ProvidedSecret | undefined,
): boolean {
  return syntax === "2.x" && given?.onCommandLine !== false && !hasRecipientFlags({ values });
}

/** A client's secret before the client exists: everything that could fail has been done. */
export interface PreparedSecret {
  /** What is sent to the server; undefined for a public client. */
  readonly plain: string | undefined;
  /** Whether the user provided it, so that it need not be delivered. */
  readonly given: boolean;
  /** Whether the result shows a provided secret nevertheless. */
  readonly echoed?: boolean;
  readonly encrypted: string | undefined;
  readonly recipients: readonly Recipient[];
  /** What it is, as a recovery copy calls it. */
  readonly kind: "client_secret" | "client_private_key";
  /** The `kid` of a private key (RFC 7517, 4.5). */
  readonly keyId?: string;
}

/** The secret itself: plain, encrypted, or both. */
export type PlainAndEncryptedSecret = Pick<PreparedSecret, "plain" | "encrypted" | "kind" | "keyId">;

/** What messages call a secret. */
export function secretOrPrivateKeyNoun({ kind }: Pick<PlainAndEncryptedSecret, "kind">): string {
  return kind === "client_secret" ? "secret" : "private key";
}

/** What preparing a secret needs of a command's context. */
export type PrepareContext = Pick<Context, "values" | "host" | "encryption">;

/** A secret ready to be sent: provided or generated, and encrypted to the recipients. */
export async function encryptGivenOrGeneratedSecret(
  context: PrepareContext,
  given: string | undefined,
  recipients: readonly Recipient[],
): Promise<PreparedSecret> {
  const plain = given ?? generateSecret(context.host.random, context.values.number(SECRET_LENGTH));
  const encrypted =
    recipients.length === 0
      ? undefined
      : await context.encryption.encrypt(recipients, plain, context.values.text(ENCRYPTED_FORMAT));
  return { plain, given: given !== undefined, recipients, encrypted, kind: "client_secret" };
}

/** The secret of a new client: the one in its fields or a generated one, none for a public client. */
export async function encryptSecretForNewClient(
  context: PrepareContext,
  client: JsonObject,
  recipients: readonly Recipient[],
): Promise<PreparedSecret> {
  if (!isPublic(client))
    return encryptGivenOrGeneratedSecret(context, getTextField(client, "client_secret"), recipients);
  return { plain: undefined, given: false, encrypted: undefined, recipients, kind: "client_secret" };
}
