import { notConfirmedProblem, requireConfirmation } from "../clients/confirm.ts";
import { hasRecipientFlags } from "../clients/secrets/secret-source.ts";
import { runWithSecretTarget, type SecretTargetContext } from "../clients/secrets/with-secret-target.ts";
import type { CommandResult, Context } from "../command.ts";
import { allowsQuestions } from "../core/environment/interactive.ts";
import type { TextFlag } from "../core/flags/flag.ts";
import { FORMAT, NO_INPUT } from "../core/flags/shared-flags.ts";
import { toTerminalSafeJson } from "../core/json/json.ts";
import { isSymmetric } from "../core/jwk/json-web-key.ts";
import { hasPrivateMembers } from "../core/jwk/jwk-members.ts";
import { keyTypeAndCurveFor } from "../core/jwk/key-algorithms.ts";
import { withoutRedundantPublicHalves } from "../core/jwk/key-pair-halves.ts";
import type { Recipient } from "../core/pgp/recipient.ts";
import { Problem, usageError } from "../core/problem.ts";
import { escapeControls, joinWords, quote } from "../core/text.ts";
import { KEYS_ENCRYPTED_FORMAT, KEYS_YES, PRIVATE, PRIVATE_KEY_OUT, PUBLIC } from "./key-flags.ts";
import { keySetResult, keysWithoutSecretsToShow, type NamedSet, ROW_FORMATS, textResult } from "./key-results.ts";

type DeliveryContext = Pick<
  Context,
  | "values"
  | "host"
  | "format"
  | "outputContainsValue"
  | "syntax"
  | "encryption"
  | "localKeys"
  | "note"
  | "signal"
  | "uninterruptible"
> &
  SecretTargetContext;

/** The problems of the flags that decide where keys go. */
export async function keyOutputProblems(
  { values, secretTargetProblems }: Pick<Context, "values" | "secretTargetProblems">,
  out: TextFlag,
  sets: readonly string[],
): Promise<readonly Problem[]> {
  const problems = [...(await secretTargetProblems([out]))];
  if (values.bool(PUBLIC) && (values.bool(PRIVATE) || hasRecipientFlags({ values })))
    problems.push(usageError("--public and --private cannot be used together", "leave one of them out"));
  if (values.isSet(KEYS_ENCRYPTED_FORMAT) && !hasRecipientFlags({ values }))
    problems.push(
      usageError(
        "--encrypted-format has no recipient to encrypt to",
        "add --pgp-key, --pgp-key-url or --keybase, or leave it out",
        "encrypted-format-without-recipient",
      ),
    );
  if (sets.length > 1 && (values.isSet(out) || hasRecipientFlags({ values })))
    problems.push(usageError(`Cannot write ${sets.length} key sets to one file or message`, "get them one by one"));
  return problems;
}

/** The problem of a new key that would be delivered in PEM although its algorithm uses a shared secret. */
export function sharedSecretAsPemProblems(
  { values, format }: Pick<Context, "values" | "format">,
  alg: string,
  out: TextFlag,
): readonly Problem[] {
  const isDelivered = values.isSet(out) || values.bool(PRIVATE) || hasRecipientFlags({ values });
  if (!isDelivered || !isSymmetric(keyTypeAndCurveFor(alg)) || !isPemRequested(format, values.text(out))) return [];
  return [
    usageError(
      `Cannot write an ${alg} key as PEM: it is a shared secret`,
      "use --format json, and a file name that ends in .json",
      "key-without-pem",
    ),
  ];
}

/** Asks before private keys are shown on a terminal. */
async function confirmShowingPrivateKeys(context: Pick<Context, "values" | "host">): Promise<void> {
  const { host, values } = context;
  if (!host.stdout.isTerminal || values.bool(KEYS_YES)) return;
  if (!allowsQuestions(host, values.bool(NO_INPUT)))
    throw notConfirmedProblem("No key was shown: --no-input and CI do not ask", "use --yes");
  await requireConfirmation(context, {
    text: "Show private keys on this terminal?",
    declined: "No key was shown",
    from: host.stdinIsTerminal ? "stdin" : "terminal",
  });
}

/**
 * Gets keys, and delivers them as the flags say. All that could fail has been done before the keys are asked for.
 *
 * @param action how messages about it begin: `Cannot get key set "a"`.
 * @param out the flag that names the file.
 */
export async function deliverKeys(
  context: DeliveryContext,
  action: string,
  out: TextFlag,
  getSets: () => Promise<readonly NamedSet[]>,
): Promise<CommandResult> {
  const { values } = context;
  const recipients = await context.encryption.recipients(values);
  const isSecret = values.bool(PRIVATE) || recipients.length > 0;
  if (!isSecret && !values.isSet(out)) return pemOrKeySetResult(context, withoutPrivateParts(context, await getSets()));
  if (recipients.length === 0 && !values.isSet(out)) await confirmShowingPrivateKeys(context);
  return runWithSecretTarget(context, { action, needsRecoveryCopy: false, target: out }, async ({ target }) => {
    const sets = await getSets();
    if (recipients.length === 0 && target === undefined)
      return pemOrKeySetResult(withFormatForPrivateKeys(context), sets);
    const delivered = isSecret || out === PRIVATE_KEY_OUT ? sets : withoutPrivateParts(context, sets);
    const text = await encryptIfRecipients(
      context,
      recipients,
      await formatPemOrKeySet(context, values.text(out), delivered),
    );
    if (target === undefined) return encryptedResult(context, sets, text);
    await target.commit(text);
    const what = recipients.length > 0 ? "The encrypted keys" : "The keys";
    context.note(
      `${what} of set ${joinWords(delivered.map(({ set }) => quote(set)))} are in ${escapeControls(target.name)}`,
    );
    return pemOrKeySetResult(context, withoutPrivateParts(context, sets, "quiet"));
  });
}

/** The sets without private keys; a note says what was left out. */
function withoutPrivateParts(
  { note, format }: Pick<Context, "note" | "format">,
  sets: readonly NamedSet[],
  mode?: "quiet",
): readonly NamedSet[] {
  const all = sets.flatMap(({ keys }) => keys);
  if (mode !== "quiet" && !ROW_FORMATS.includes(format.kind) && all.some(hasPrivateMembers)) {
    const secrets = all.filter(isSymmetric).length;
    const rest = secrets === 0 ? "" : `, and ${secrets} shared ${secrets === 1 ? "secret" : "secrets"} as a whole`;
    note(`Private parts are left out${rest}; --private prints them`);
  }
  return sets.map(({ set, keys }) => ({ set, keys: keysWithoutSecretsToShow({ format }, keys) }));
}

/** The context with a format that shows private parts, if `--format` is not given. */
function withFormatForPrivateKeys(context: DeliveryContext): Pick<Context, "format" | "syntax" | "localKeys"> {
  const { values, format, syntax, localKeys } = context;
  const isDefault = !values.isSet(FORMAT) && ROW_FORMATS.includes(format.kind) && format.kind !== "id";
  return isDefault ? { format: { kind: "json-pretty" }, syntax, localKeys } : context;
}

async function pemOrKeySetResult(
  context: Pick<Context, "format" | "syntax" | "localKeys">,
  sets: readonly NamedSet[],
): Promise<CommandResult> {
  if (context.format.kind !== "pem") return keySetResult(context, sets);
  return textResult(await formatKeysAsPem(context, sets));
}

/** Whether a file or message is PEM: if asked for, or if the file's name says so. */
function isPemRequested({ kind }: Context["format"], name: string | undefined): boolean {
  return kind === "pem" || /\.(?:pem|key)$/i.test(name ?? "");
}

/** What a file or message holds: PEM, or else a key set. */
async function formatPemOrKeySet(
  context: Pick<Context, "format" | "localKeys">,
  name: string | undefined,
  sets: readonly NamedSet[],
): Promise<string> {
  if (isPemRequested(context.format, name)) return formatKeysAsPem(context, sets);
  return `${toTerminalSafeJson({ keys: sets.flatMap(({ keys }) => keys) }, 2)}\n`;
}

/** Keys in PEM, one block each. */
async function formatKeysAsPem({ localKeys }: Pick<Context, "localKeys">, sets: readonly NamedSet[]): Promise<string> {
  const blocks: string[] = [];
  for (const key of withoutRedundantPublicHalves(sets.flatMap(({ keys }) => keys))) {
    const block = await localKeys.toPem(key);
    if (block === undefined)
      throw new Problem(`Cannot write key ${quote(key.kid ?? "")} as PEM: it is a shared secret`, {
        code: "key-without-pem",
        hint: "use --format json, or --kid for another key",
      });
    blocks.push(block);
  }
  return blocks.join("");
}

/** Encrypts a text to the recipients; without any, the text stays as it is. */
async function encryptIfRecipients(
  { encryption, values }: Pick<Context, "encryption" | "values">,
  recipients: readonly Recipient[],
  text: string,
): Promise<string> {
  if (recipients.length === 0) return text;
  return `${(await encryption.encrypt(recipients, text, values.text(KEYS_ENCRYPTED_FORMAT))).trimEnd()}\n`;
}

/** The message itself, or an object with it if `--format` shows it. */
function encryptedResult(
  context: Pick<Context, "values" | "outputContainsValue">,
  sets: readonly NamedSet[],
  message: string,
): CommandResult {
  const { values } = context;
  const { format: _, ...result } = textResult(message);
  const item = { set: sets.map(({ set }) => set).join(" "), encrypted_keys: message };
  const isShown = values.isSet(FORMAT) && context.outputContainsValue(result.view, item, message);
  return isShown ? { ...result, items: [item] } : textResult(message);
}
