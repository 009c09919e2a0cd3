import { parseFingerprintPin } from "../../core/pgp/recipient.ts";
import { Problem } from "../../core/problem.ts";
import { escapeControls, joinWords, quote } from "../../core/text.ts";
import { fingerprintAndUserIdText, foundKeyLines, unreadableKeyProblem } from "./explain-issue.ts";
import type { EvaluatedAndUnreadableKeys, EvaluatedKey } from "./key-report.ts";

/** Selects among the keys of a source. */
export interface KeySelector {
  /** Fingerprints that the user pinned, in any spelling that {@link parseFingerprintPin} takes. */
  readonly pins?: readonly string[];
  /** The email address that one of the key's user IDs must have. */
  readonly address?: string | undefined;
}

/** Whether a user ID has an email address, as a whole or in angle brackets; case-insensitive. */
function hasEmailAddress(userId: string, address: string): boolean {
  const inside = /<([^<>]*)>\s*$/.exec(userId)?.[1] ?? userId;
  return inside.trim().toLowerCase() === address.toLowerCase();
}

/** The selected keys of a source; exactly one if nothing selects among them. */
export function requireUnambiguousKeys(
  found: EvaluatedAndUnreadableKeys,
  origin: string,
  selector: KeySelector,
): readonly EvaluatedKey[] {
  const { unreadable } = found;
  const addressed = requireKeysWithAddress(found, origin, selector.address);
  const pins = (selector.pins ?? []).map((pin) => parseFingerprintPin(pin));
  if (pins.length > 0) return requireKeysWithPin({ keys: addressed, unreadable }, origin, pins);
  const usable = addressed.filter(({ report }) => report.issue === undefined);
  // A directory may return a revoked or expired key in addition to its replacement.
  if (selector.address !== undefined && usable.length === 1) return usable;
  // An address selects among the keys that can be read; without one, any key may be the intended one.
  const candidates: EvaluatedAndUnreadableKeys = {
    keys: addressed,
    unreadable: selector.address === undefined ? unreadable : [],
  };
  const count = candidates.keys.length + candidates.unreadable.length;
  if (count < 2) return addressed;
  throw new Problem(`Cannot choose among the ${count} keys from ${escapeControls(origin)}`, {
    code: "pgp-several-keys",
    exit: "noUsableKey",
    hint: `choose with --pgp-fingerprint ${addressed[0]?.report.fingerprint ?? ""} (or another), or pass only the right key`,
    details: foundKeyLines(candidates),
  });
}

/** The keys with an email address, or all without one; throws if none has it. */
export function requireKeysWithAddress(
  found: EvaluatedAndUnreadableKeys,
  origin: string,
  address: string | undefined,
): readonly EvaluatedKey[] {
  if (address === undefined) return found.keys;
  const own = found.keys.filter(({ report }) =>
    report.userIds.some(({ userId, valid }) => valid && hasEmailAddress(userId, address)),
  );
  if (own.length > 0) return own;
  throw new Problem(
    `Cannot encrypt to ${quote(address)}: no key from ${escapeControls(origin)} has this email address`,
    {
      code: "pgp-address-mismatch",
      exit: "noUsableKey",
      hint: "ask its owner for the key itself and pass it with --pgp-key",
      details: foundKeyLines(found),
    },
  );
}

function requireKeysWithPin(
  found: EvaluatedAndUnreadableKeys,
  origin: string,
  pins: readonly string[],
): readonly EvaluatedKey[] {
  const { keys, unreadable } = found;
  const unusable = unreadable.find(({ fingerprint }) => fingerprint !== undefined && pins.includes(fingerprint));
  if (unusable !== undefined) throw unreadableKeyProblem(unusable, origin);
  const pinned = keys.filter(({ report }) =>
    [report, ...report.subkeys].some(({ fingerprint }) => pins.includes(fingerprint)),
  );
  const [first] = keys;
  if (pinned.length > 0 || first === undefined) return pinned;
  const count = keys.length + unreadable.length;
  const which = count === 1 ? fingerprintAndUserIdText(first.report) : `any of the ${count} keys`;
  throw new Problem(
    `Cannot encrypt to ${which} from ${escapeControls(origin)}: ${count === 1 ? "its fingerprint is not" : "none has the fingerprint"} ${joinWords(pins, "or")}`,
    {
      code: "pgp-fingerprint-mismatch",
      exit: "noUsableKey",
      hint: `ask its owner for the fingerprint; if the key is right, add --pgp-fingerprint ${first.report.fingerprint}`,
      details: count === 1 ? [] : foundKeyLines(found),
    },
  );
}
