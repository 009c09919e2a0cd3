import type { Context } from "../../command.ts";
import { ENCRYPTED_FORMAT } from "../../core/flags/credential-flags.ts";
import { decryptAdvice, type Recipient, recipientLine } from "../../core/pgp/recipient.ts";

/** Reports on stderr who can decrypt the secret, and how. */
export function reportRecipients(
  context: Pick<Context, "values" | "note" | "detail">,
  recipients: readonly Recipient[],
): void {
  for (const recipient of recipients) {
    context.note(`Encrypted to ${recipientLine(recipient)}`);
    for (const skipped of recipient.skipped) {
      context.detail(`Not encrypted to subkey ${skipped.fingerprint} (${skipped.algorithm}): ${skipped.reason}`);
    }
  }
  if (recipients.length === 0) return;
  for (const line of decryptAdvice(recipients, context.values.text(ENCRYPTED_FORMAT))) context.note(line);
}
