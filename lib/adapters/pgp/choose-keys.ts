import { parseFingerprintPin } from "../../core/pgp/recipient.ts";
import { Problem } from "../../core/problem.ts";
import { escapeControls, joinWords, quote } from "../../core/text.ts";
import { describeKey } from "./explain-issue.ts";
import type { EvaluatedKey } from "./key-report.ts";

/** Selects among the keys of a source. */
export interface KeySelector {
  /** Fingerprints that the user pinned, in any spelling that {@link parseFingerprintPin} takes. */
  readonly pins?: readonly string[];
  /** The email address that one of the key's user IDs must have. */
  readonly address?: string;
}

/** Whether a user ID has an email address, as a whole or in angle brackets; case-insensitive. */
function isFor(userId: string, address: string): boolean {
  const inside = /<([^<>]*)>\s*$/.exec(userId)?.[1] ?? userId;
  return inside.trim().toLowerCase() === address.toLowerCase();
}

/** The selected keys of a source; exactly one if nothing selects among them. */
export function chooseKeys(
  reports: readonly EvaluatedKey[],
  origin: string,
  selector: KeySelector,
): readonly EvaluatedKey[] {
  const addressed = withAddress(reports, origin, selector.address);
  const pins = (selector.pins ?? []).map((pin) => parseFingerprintPin(pin));
  if (pins.length > 0) return withPin(addressed, origin, pins);
  const usable = addressed.filter(({ report }) => report.issue === undefined);
  // A directory may return a revoked or expired key in addition to its replacement.
  if (selector.address !== undefined && usable.length === 1) return usable;
  if (addressed.length < 2) return addressed;
  throw new Problem(`Cannot choose among the ${addressed.length} keys from ${escapeControls(origin)}`, {
    code: "pgp-several-keys",
    exit: "noUsableKey",
    hint: `choose with --pgp-fingerprint ${addressed[0]?.report.fingerprint ?? ""} (or another), or pass only the right key`,
    details: addressed.map(({ report }) => `Found: ${describeKey(report)}`),
  });
}

function withAddress(
  reports: readonly EvaluatedKey[],
  origin: string,
  address: string | undefined,
): readonly EvaluatedKey[] {
  if (address === undefined) return reports;
  const own = reports.filter(({ report }) =>
    report.userIds.some(({ userId, valid }) => valid && isFor(userId, address)),
  );
  if (own.length > 0) return own;
  throw new Problem(
    `Cannot encrypt to ${quote(address)}: no key from ${escapeControls(origin)} has this email address`,
    {
      code: "pgp-address-mismatch",
      exit: "noUsableKey",
      hint: "ask its owner for the key itself and pass it with --pgp-key",
      details: reports.map(({ report }) => `Found: ${describeKey(report)}`),
    },
  );
}

function withPin(reports: readonly EvaluatedKey[], origin: string, pins: readonly string[]): readonly EvaluatedKey[] {
  const pinned = reports.filter(({ report }) =>
    [report, ...report.subkeys].some(({ fingerprint }) => pins.includes(fingerprint)),
  );
  const [first] = reports;
  if (pinned.length > 0 || first === undefined) return pinned;
  const which = reports.length === 1 ? describeKey(first.report) : `any of the ${reports.length} keys`;
  throw new Problem(
    `Cannot encrypt to ${which} from ${escapeControls(origin)}: ${reports.length === 1 ? "its fingerprint is not" : "none has the fingerprint"} ${joinWords(pins, "or")}`,
    {
      code: "pgp-fingerprint-mismatch",
      exit: "noUsableKey",
      hint: `ask its owner for the fingerprint; if the key is right, add --pgp-fingerprint ${first.report.fingerprint}`,
      details: reports.length === 1 ? [] : reports.map(({ report }) => `Found: ${describeKey(report)}`),
    },
  );
}
