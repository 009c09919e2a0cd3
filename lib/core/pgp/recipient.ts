import { Problem, usageError } from "../problem.ts";
import { escapeControls, joinWords, quote } from "../text.ts";
import type { EncryptedFormat } from "./encrypted-format.ts";

/** What identifies a key or subkey. */
export interface FingerprintAndAlgorithm {
  /** Fingerprint: 40 (version 4) or 64 (version 6) hex digits in upper case (RFC 9580 section 5.5.4). */
  readonly fingerprint: string;
  /** The name of the algorithm, for example `RSA 3072` or `ECDH Curve25519`. */
  readonly algorithm: string;
}

/** A subkey that is not used for encryption, and why. */
export interface SkippedSubkey extends FingerprintAndAlgorithm {
  readonly reason: string;
}

/**
 * A public key to encrypt to, which has been parsed, validated and tried. It is plain data; the OpenPGP adapter encrypts to
 * `certificate`.
 */
export interface Recipient extends FingerprintAndAlgorithm {
  /** The primary user ID, not escaped for a terminal, or undefined if there is none. */
  readonly userId: string | undefined;
  readonly userIds: readonly string[];
  readonly created: Date;
  /** When the primary key expires; undefined means never. */
  readonly expires: Date | undefined;
  /** How the user specified the key: `--pgp-key @team.asc`, `--keybase alice`, `wkd:user@host`. */
  readonly origin: string;
  /** The subkey or primary key that messages are encrypted to. */
  readonly encryptsTo: FingerprintAndAlgorithm;
  readonly skipped: readonly SkippedSubkey[];
  /** The transferable public key in binary form (RFC 9580 section 10.1). */
  readonly certificate: Uint8Array;
  /** The time of the validation. Encryption uses the same time, so that a key can't expire in the middle of a command. */
  readonly judged: Date;
}

/**
 * The shell text around an encrypted text that prints the message, by its encoding. A table and JSON show the line breaks of
 * armor as `\n`, which `%b` reads.
 */
const UNPACK: Readonly<Record<EncryptedFormat, readonly [before: string, after: string]>> = {
  base64: ["printf '%s' '", "' | base64 -d"],
  armor: ["printf '%b\\n' '", "'"],
  "base64-armor": ["printf '%s' '", "' | base64 -d"],
};

/**
 * The shell command that decrypts a text, by default with GnuPG. Encrypted texts contain no single quotes in any encoding,
 * so they are inserted literally.
 */
export function decryptTextCommand(
  format: EncryptedFormat,
  encrypted = "ENCRYPTED",
  command = "gpg --decrypt",
): string {
  const [before, after] = UNPACK[format];
  return `${before}${encrypted}${after} | ${command}`;
}

/** Whether a fingerprint is that of a version 6 key (RFC 9580 section 5.5.4.3). */
export function isV6Fingerprint(fingerprint: string): boolean {
  return fingerprint.length === 64;
}

/** How the recipients decrypt a message, one line each: GnuPG doesn't support version 6 keys. */
export function decryptAdvice(recipients: readonly Recipient[], format: EncryptedFormat): readonly string[] {
  const newer = recipients.filter(({ fingerprint }) => isV6Fingerprint(fingerprint));
  const sop = decryptTextCommand(format, undefined, "rsop decrypt PRIVATE-KEY-FILE");
  return [
    ...(newer.length < recipients.length ? [`Decrypt with: ${decryptTextCommand(format)}`] : []),
    ...(newer.length > 0
      ? [`Decrypt with a tool that reads version 6 keys, such as rsop, gosop or sqop (GnuPG does not): ${sop}`]
      : []),
  ];
}

/** A recipient as one line: fingerprint, user ID, algorithm and origin. */
export function recipientLine(recipient: Recipient): string {
  const who = recipient.userId === undefined ? "" : ` ${quote(recipient.userId)}`;
  return `${recipient.fingerprint}${who} (${recipient.encryptsTo.algorithm}, ${escapeControls(recipient.origin)})`;
}

/**
 * Normalizes a pinned fingerprint to hex digits in upper case. Spaces, colons, a leading `0x` and lower case are accepted.
 * Anything but 40 or 64 digits is a usage error: a key ID is the end of a fingerprint, and anyone can create a key with a
 * chosen end.
 */
export function parseFingerprintPin(text: string): string {
  const wrong = findMalformedPinProblem(text);
  if (wrong !== undefined) throw wrong;
  return pinDigits(text).toUpperCase();
}

function pinDigits(text: string): string {
  return text.replace(/[\s:]/g, "").replace(/^0x/i, "");
}

/** What is wrong with a pinned fingerprint, or undefined. */
export function findMalformedPinProblem(text: string, name = "--pgp-fingerprint"): Problem | undefined {
  const digits = pinDigits(text);
  const shown = `${name} ${quote(text)}`;
  const hint = "show the full fingerprint with: gpg --fingerprint --with-subkey-fingerprint NAME";
  if (!/^[0-9a-f]*$/i.test(digits) || digits === "") {
    return usageError(`Invalid ${shown}: a fingerprint is 40 or 64 hex digits`, hint, "pgp-fingerprint-invalid");
  }
  if (digits.length === 8 || digits.length === 16) {
    return usageError(
      `Invalid ${shown}: this is a key ID of ${digits.length} digits, and anyone can create another key with the same ID`,
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

/** Whether a pin is the fingerprint of a recipient's primary key or encryption subkey. */
function matchesPin(recipient: Recipient, pin: string): boolean {
  return recipient.fingerprint === pin || recipient.encryptsTo.fingerprint === pin;
}

/**
 * Checks recipients against pinned fingerprints: if there are any, each recipient needs one and each pin needs a recipient.
 * Throws a `Problem` with exit `noUsableKey` that lists all mismatches.
 */
export function requirePinnedFingerprints(recipients: readonly Recipient[], pins: readonly string[]): void {
  const wanted = [...new Set(pins.map(parseFingerprintPin))];
  if (wanted.length === 0) return;
  const unpinned = recipients.filter((recipient) => !wanted.some((pin) => matchesPin(recipient, pin)));
  const [first] = unpinned;
  if (first !== undefined) {
    throw new Problem(`Cannot encrypt to ${recipientLine(first)}: its fingerprint is not ${joinWords(wanted, "or")}`, {
      code: "pgp-fingerprint-mismatch",
      exit: "noUsableKey",
      hint: `confirm the fingerprint with the owner through another channel; if it is right, add --pgp-fingerprint ${first.fingerprint}`,
      details: unpinned.slice(1).map((other) => `Not pinned either: ${recipientLine(other)}`),
    });
  }
  const unused = wanted.filter((pin) => !recipients.some((recipient) => matchesPin(recipient, pin)));
  if (unused.length > 0) {
    throw new Problem(`None of the keys has the fingerprint ${joinWords(unused)}`, {
      code: "pgp-fingerprint-unused",
      exit: "noUsableKey",
      hint: "add the key it belongs to, or remove this --pgp-fingerprint",
    });
  }
}
