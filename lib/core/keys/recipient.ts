import { Problem, type ProblemCode, usageError } from "../problem.ts";
import { redactUrl } from "../redact.ts";
import { escapeControls, joined, quote } from "../text.ts";

/** A key or subkey by what tells it apart. */
export interface KeyName {
  /** Fingerprint: 40 (version 4) or 64 (version 6) hex digits in upper case (RFC 9580 section 5.5.4). */
  readonly fingerprint: string;
  /** The algorithm as a person writes it, for example `RSA 3072` or `ECDH Curve25519`. */
  readonly algorithm: string;
}

/** A part of a key that is not encrypted to, and why. */
export interface SkippedKey extends KeyName {
  readonly reason: string;
}

/**
 * Someone who can read what is encrypted: a public key that was read, judged and tried.
 *
 * It is plain data, so it can be copied and handed on; `certificate` is what the OpenPGP adapter encrypts to.
 */
export interface Recipient extends KeyName {
  /** The primary user ID as the key has it (not made harmless for a terminal), or undefined where there is none. */
  readonly userId: string | undefined;
  readonly userIds: readonly string[];
  readonly created: Date;
  /** When the primary key expires, or undefined for never. */
  readonly expires: Date | undefined;
  /** How the user named the key: `--pgp-key @team.asc`, `--keybase alice`, `wkd:user@host`. */
  readonly origin: string;
  /** The subkey, or the primary key itself, that the message is encrypted to. */
  readonly encryptsTo: KeyName;
  readonly skipped: readonly SkippedKey[];
  /** The transferable public key in binary form (RFC 9580 section 10.1). */
  readonly certificate: Uint8Array;
  /** The moment that the key was judged for; encryption keeps to it, so a key cannot expire in the middle of a command. */
  readonly judged: Date;
}

/** The forms of an encrypted text: base64 of the binary message, armored, base64 of the armored text. */
export const ENCRYPTED_FORMATS = ["base64", "armor", "base64-armor"] as const;

/** One of {@link ENCRYPTED_FORMATS}. */
export type EncryptedFormat = (typeof ENCRYPTED_FORMATS)[number];

/** Most bytes that a fetched key may have: 1 MiB. */
export const MAX_KEY_BYTES = 1_048_576;

/**
 * The failure of a key server that answered, but not with a key.
 *
 * A server that is busy or broken counts as out of reach; any other answer means that there is no key to use.
 */
export function refusedAnswer(
  message: string,
  answer: { readonly status: number; readonly url: string },
  code: ProblemCode,
  hint: string,
): Problem {
  const busy = answer.status === 429 || answer.status >= 500;
  return new Problem(`${message}: ${escapeControls(redactUrl(answer.url))} answered ${answer.status}`, {
    code: busy ? "unreachable" : code,
    exit: busy ? "unreachable" : "noUsableKey",
    hint: busy ? "try again later" : hint,
    status: answer.status,
    request: { method: "GET", url: redactUrl(answer.url) },
  });
}

/** What makes the message of a form come out of a pipe, with `ENCRYPTED` in place of the text. */
const UNPACK: Readonly<Record<EncryptedFormat, readonly [before: string, after: string]>> = {
  base64: ["printf '%s' '", "' | base64 -d"],
  armor: ["printf '%s\\n' '", "'"],
  "base64-armor": ["printf '%s' '", "' | base64 -d"],
};

/**
 * The shell line that decrypts a text of this form, with GnuPG unless another command is given.
 *
 * None of the forms has a single quote in it, so an encrypted text can be given and is put in literally.
 */
export function decryptLine(format: EncryptedFormat, encrypted = "ENCRYPTED", command = "gpg --decrypt"): string {
  const [before, after] = UNPACK[format];
  return `${before}${encrypted}${after} | ${command}`;
}

/** Whether a fingerprint is that of a version 6 key (RFC 9580 section 5.5.4.3). */
export function isV6(fingerprint: string): boolean {
  return fingerprint.length === 64;
}

/** How the recipients decrypt a message of this form, one line each: GnuPG reads nothing that is encrypted to a version 6 key. */
export function decryptAdvice(recipients: readonly Recipient[], format: EncryptedFormat): readonly string[] {
  const newer = recipients.filter(({ fingerprint }) => isV6(fingerprint));
  const sop = decryptLine(format, undefined, "rsop decrypt PRIVATE-KEY-FILE");
  return [
    ...(newer.length < recipients.length ? [`Decrypt with: ${decryptLine(format)}`] : []),
    ...(newer.length > 0
      ? [`Decrypt with a tool that reads version 6 keys, such as rsop, gosop or sqop (GnuPG does not): ${sop}`]
      : []),
  ];
}

/** A recipient as one line of text: fingerprint, user ID, algorithm and where the key came from. */
export function recipientLine(recipient: Recipient): string {
  const who = recipient.userId === undefined ? "" : ` ${quote(recipient.userId)}`;
  return `${recipient.fingerprint}${who} (${recipient.encryptsTo.algorithm}, ${escapeControls(recipient.origin)})`;
}

/**
 * A pinned fingerprint in the one form that keys are compared in: hex digits in upper case.
 *
 * Spaces, colons, a leading `0x` and lower case are fine. Anything but 40 or 64 digits is a usage error: a key ID is
 * the tail of a fingerprint, and keys with a chosen tail can be made by anyone.
 */
export function parsePin(text: string, name = "--pgp-fingerprint"): string {
  const wrong = pinProblem(text, name);
  if (wrong !== undefined) throw wrong;
  return pinDigits(text).toUpperCase();
}

function pinDigits(text: string): string {
  return text.replace(/[\s:]/g, "").replace(/^0x/i, "");
}

/** What is wrong with a pinned fingerprint, or undefined. */
export function pinProblem(text: string, name = "--pgp-fingerprint"): Problem | undefined {
  const digits = pinDigits(text);
  const shown = `${name} ${quote(text)}`;
  const hint = "show the full fingerprint with: gpg --fingerprint --with-subkey-fingerprint NAME";
  if (!/^[0-9a-f]*$/i.test(digits) || digits === "") {
    return usageError(`Invalid ${shown}: a fingerprint is 40 or 64 hex digits`, hint, "pgp-fingerprint-invalid");
  }
  if (digits.length === 8 || digits.length === 16) {
    return usageError(
      `Invalid ${shown}: this is a key ID of ${digits.length} digits, and another key with the same ID can be made by anyone`,
      hint,
      "pgp-fingerprint-short",
    );
  }
  if (digits.length === 40 || digits.length === 64) return undefined;
  return usageError(
    `Invalid ${shown}: a fingerprint is 40 or 64 hex digits, not ${digits.length}`,
    hint,
    "pgp-fingerprint-invalid",
  );
}

/** Whether a recipient is the one that a pin means: its primary key, or the subkey that is encrypted to. */
function pinnedBy(recipient: Recipient, pin: string): boolean {
  return recipient.fingerprint === pin || recipient.encryptsTo.fingerprint === pin;
}

/**
 * Checks recipients against pinned fingerprints: with any pin, each recipient has one and each pin has its recipient.
 *
 * A pin names the primary key or the subkey that is used. Throws a `Problem` with exit `noUsableKey` that names all
 * that do not fit.
 */
export function checkPins(recipients: readonly Recipient[], pins: readonly string[], name = "--pgp-fingerprint"): void {
  const wanted = [...new Set(pins.map((pin) => parsePin(pin, name)))];
  if (wanted.length === 0) return;
  const strangers = recipients.filter((recipient) => !wanted.some((pin) => pinnedBy(recipient, pin)));
  const [stranger] = strangers;
  if (stranger !== undefined) {
    throw new Problem(
      `Cannot encrypt to ${recipientLine(stranger)}: its fingerprint is not ${joined(
        wanted.map((pin) => pin),
        "or",
      )}`,
      {
        code: "pgp-fingerprint-mismatch",
        exit: "noUsableKey",
        hint: `ask the owner for the fingerprint by another way; if the key is right, add ${name} ${stranger.fingerprint}`,
        details: strangers.slice(1).map((other) => `Not pinned either: ${recipientLine(other)}`),
      },
    );
  }
  const unused = wanted.filter((pin) => !recipients.some((recipient) => pinnedBy(recipient, pin)));
  if (unused.length > 0) {
    throw new Problem(`No key given has the fingerprint ${joined(unused)}`, {
      code: "pgp-fingerprint-unused",
      exit: "noUsableKey",
      hint: `add the key that it belongs to, or leave out this ${name}`,
    });
  }
}
