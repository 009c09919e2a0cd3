import type { Context } from "../command.ts";
import { isPublic, type Label } from "../core/client/client.ts";
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
} from "../core/flags/flag-table.ts";
import type { BoolFlag, TextFlag } from "../core/flags/parse.ts";
import type { JsonObject } from "../core/json.ts";
import { ENCRYPTED_FORMATS, type EncryptedFormat, type Recipient } from "../core/keys/recipient.ts";
import { type Credentials, credentialName } from "../core/output/credential-files.ts";
import { capitalize, Problem, usageError } from "../core/problem.ts";
import { generateSecret, SECRET_BCRYPT_BYTES, SECRET_LENGTH as SHORTEST } from "../core/secret.ts";
import { quote } from "../core/text.ts";
import { credentialNames, secretFileContent, secretForm } from "./secret-file.ts";

/** Whether the command line names anyone to encrypt to. */
export function wantsRecipients(context: Context): boolean {
  return [PGP_KEY, PGP_KEY_URL, KEYBASE].some((flag) => context.values.isSet(flag));
}

/** Where a secret comes from and goes to, as far as the checks of it differ by command. */
export interface SecretCheckOptions {
  /** Whether files that it goes to are looked at too; not where it may turn out that they are not needed. */
  readonly outlets?: boolean;
  /** The flags of a secret that is made elsewhere than here, beside those of one that is given. */
  readonly instead?: readonly TextFlag[];
}

/** What is wrong with the wishes about a secret, told before anything is sent. */
export async function secretProblems(
  context: Context,
  { outlets = true, instead = [] }: SecretCheckOptions = {},
): Promise<readonly Problem[]> {
  const { values } = context;
  const problems: Problem[] = [];
  const ways = [SECRET, SECRET_FILE, SECRET_PROMPT].filter((flag) => values.origin(flag).from === "flag");
  if (ways.length > 1) {
    problems.push(
      usageError(
        `${ways.map((flag) => values.origin(flag).name).join(" and ")} exclude each other`,
        "give the secret in one way",
        "two-secrets",
      ),
    );
  }
  const source = [SECRET, SECRET_FILE, SECRET_PROMPT, ...instead].find((flag) => isAsked(context, flag));
  if (values.isSet(SECRET_LENGTH) && source !== undefined) {
    problems.push(
      usageError(
        `${values.origin(SECRET_LENGTH).name} and ${values.origin(source).name} exclude each other: no secret is made here`,
        "leave out one of them",
        "length-without-secret",
      ),
    );
  }
  const length = values.number(SECRET_LENGTH) ?? SHORTEST;
  if (length < SHORTEST || length > SECRET_BCRYPT_BYTES) {
    problems.push(
      usageError(
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
      usageError(`The id and the secret cannot both be called ${quote(id)}`, "give them different names", "one-name"),
    );
  }
  if (values.isSet(SECRET_FORMAT) && !values.isSet(SECRET_OUT)) {
    problems.push(
      usageError(
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

function isAsked({ values }: Context, flag: TextFlag | BoolFlag): boolean {
  return flag.kind === "switch" ? values.bool(flag) : (values.text(flag) ?? "") !== "";
}

/** The problem of a form for an encrypted secret where nobody is named to encrypt to, and the secret would be plain. */
export function encryptedFormatProblems(context: Context): readonly Problem[] {
  if (!context.values.isSet(ENCRYPTED_FORMAT) || wantsRecipients(context)) return [];
  return [
    usageError(
      `${context.values.origin(ENCRYPTED_FORMAT).name} has nobody to encrypt to`,
      "add --pgp-key, --pgp-key-url or --keybase, or leave it out",
      "encrypted-format-without-recipient",
    ),
  ];
}

/** The problem of credentials that the form of `--secret-out` cannot hold. */
export function unwritableProblems(context: Context, credentials: Credentials): readonly Problem[] {
  if (!context.values.isSet(SECRET_OUT)) return [];
  try {
    secretFileContent(context, wantsRecipients(context) ? { id: credentials.id } : credentials);
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [usageError(error.message, "use --secret-format json, which can hold it", error.code)];
  }
}

/** The problem of a recipient for a client that has no secret. */
export function publicRecipientProblems(context: Context, client: JsonObject, label: Label): readonly Problem[] {
  if (!isPublic(client) || !wantsRecipients(context)) return [];
  return [
    new Problem(
      `${capitalize(label("token_endpoint_auth_method"))} "none" makes a client without a secret, so there is nothing to encrypt`,
      {
        code: "public-client-recipient",
        exit: "usage",
        hint: "leave out the recipient, or choose another --token-endpoint-auth-method",
      },
    ),
  ];
}

/** A secret that the user gives, and how messages call it. */
export interface ProvidedSecret {
  readonly text: string;
  readonly name: string;
}

/**
 * The secret that the user gives, by file, prompt, flag or environment; undefined when they give none. What is wrong with
 * it goes to the problems, and where there are some already nobody is asked to type.
 */
export async function providedSecret(
  context: Context,
  problems: Problem[],
  faulty = false,
): Promise<ProvidedSecret | undefined> {
  try {
    return await readSecret(context, faulty || context.hasErrors || problems.length > 0);
  } catch (error) {
    if (!(error instanceof Problem) || error.exit !== "usage") throw error;
    problems.push(error);
    return undefined;
  }
}

async function readSecret(context: Context, faulty: boolean): Promise<ProvidedSecret | undefined> {
  const { values, host } = context;
  const file = values.text(SECRET_FILE);
  if (file !== undefined) {
    const { text: whole, name } = await context.readFile(file, "--secret-file");
    const text = whole.replace(/\r?\n$/, "");
    // A file that was never filled must not end in a secret that nobody chose.
    if (text === "") throw usageError(`There is no secret in ${name}`, "write the secret into it first", "no-secret");
    return { text, name: `the secret in ${name}` };
  }
  if (values.bool(SECRET_PROMPT)) {
    if (!host.stdinIsTerminal)
      throw usageError(
        "--secret-prompt has no terminal to ask on",
        "use --secret-file - to read the secret from standard input",
        "no-terminal",
      );
    if (faulty) return undefined;
    const text = (await host.ask("Client secret: ", true)) ?? "";
    if (text === "") throw usageError("No secret was typed", "run the command again", "no-secret");
    if (text !== (await host.ask("Once more: ", true)))
      throw usageError("The two secrets are not the same", "run the command again", "secret-mistyped");
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
