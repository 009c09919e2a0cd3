import { toBase64 } from "../core/bytes.ts";
import type { EncryptedFormat } from "../core/pgp/encrypted-format.ts";
import type { Recipient, SkippedSubkey } from "../core/pgp/recipient.ts";
import { Problem } from "../core/problem.ts";
import { type KeySelector, requireKeysWithAddress, requireUnambiguousKeys } from "./pgp/choose-keys.ts";
import { areAllV6, encryptBytes } from "./pgp/encrypt-message.ts";
import { parseAndEvaluateKeys } from "./pgp/evaluate-keys.ts";
import { unusableKeyProblem } from "./pgp/explain-issue.ts";
import { inspectUnreadableKey, type KeyInspection, toKeyInspection } from "./pgp/key-inspection.ts";
import type { KeyReport } from "./pgp/key-report.ts";

export type { KeySelector } from "./pgp/choose-keys.ts";

/**
 * The recipients in some key material, each evaluated at the time `now` and tested.
 *
 * The material is base64 of an armored or of a binary key, armored text, or bytes of any of these. It must contain exactly
 * one primary key, unless the selector chooses among several. `origin` is its name in messages.
 *
 * Throws a `Problem` with exit `noUsableKey` and a separate code for each reason why a key can't be used
 * (`pgp-not-a-key`, `pgp-several-keys`, `pgp-key-expired`, …).
 */
export async function parseRecipients(
  material: string | Uint8Array,
  origin: string,
  now: Date,
  selector: KeySelector = {},
): Promise<readonly Recipient[]> {
  const pgp = await import("openpgp");
  const selected = requireUnambiguousKeys(await parseAndEvaluateKeys(pgp, material, origin, now), origin, selector);
  return selected.map(({ parsed, report }): Recipient => {
    const { fingerprint, algorithm, userId, created, expires, encryptsTo, issue } = report;
    if (encryptsTo === undefined) {
      throw unusableKeyProblem(
        report,
        issue ?? { code: "pgp-key-invalid", reason: "it cannot be used for encryption" },
        origin,
      );
    }
    return {
      fingerprint,
      algorithm,
      userId,
      userIds: report.userIds.filter(({ valid }) => valid).map((id) => id.userId),
      created,
      expires,
      origin,
      encryptsTo,
      skipped: skippedSubkeys(report),
      certificate: parsed.key.write(),
      judged: now,
    };
  });
}

function skippedSubkeys(report: KeyReport): readonly SkippedSubkey[] {
  return report.subkeys.flatMap(({ fingerprint, algorithm, verdict, issue }) => {
    if (verdict === "used") return [];
    return [{ fingerprint, algorithm, reason: issue?.reason ?? "a newer one is used" }];
  });
}

/**
 * Describes every key in some material, including those that can't be used (private, expired, revoked, weak, …).
 *
 * Throws a `Problem` only if there is no readable key, or none with the email address that it was looked up by.
 */
export async function inspectKeys(
  material: string | Uint8Array,
  origin: string,
  now: Date,
  address?: string,
): Promise<readonly KeyInspection[]> {
  const pgp = await import("openpgp");
  const found = await parseAndEvaluateKeys(pgp, material, origin, now);
  requireKeysWithAddress(found, origin, address);
  const { keys, unreadable } = found;
  return [
    ...keys.map(({ report }) => toKeyInspection(report, origin)),
    ...unreadable.map((key) => inspectUnreadableKey(key, origin)),
  ];
}

/**
 * Encrypts text as one message that each of the recipients can decrypt.
 *
 * The message is integrity-protected in the way that every OpenPGP program supports (SEIPD version 1, RFC 9580 section
 * 5.13.1), also for version 4 keys that advertise more; only if all keys have version 6, their own preferences count. The
 * literal data is the UTF-8 text byte for byte, without a file name. `base64` and `base64-armor` are one line, `armor` has
 * no final line break.
 */
export async function encryptText(
  recipients: readonly Recipient[],
  plaintext: string,
  format: EncryptedFormat,
): Promise<string> {
  if (recipients.length === 0) {
    throw new Problem("Cannot encrypt: there is no recipient", { code: "no-recipient", exit: "noUsableKey" });
  }
  const pgp = await import("openpgp");
  const certificates = new Map(recipients.map((recipient) => [recipient.fingerprint, recipient.certificate]));
  const keys = await Promise.all([...certificates.values()].map((binaryKey) => pgp.readKey({ binaryKey })));
  const date = new Date(Math.max(...recipients.map((recipient) => recipient.judged.getTime())));
  const binary = await encryptBytes(pgp, keys, new TextEncoder().encode(plaintext), date);
  if (format === "base64") return toBase64(binary);
  const { message } = pgp.enums.armor;
  const armored = pgp.armor(message, binary, undefined, undefined, undefined, !areAllV6(keys)).replaceAll("\r\n", "\n");
  return format === "armor" ? armored.trimEnd() : toBase64(new TextEncoder().encode(armored));
}
