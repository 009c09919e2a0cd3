import { issueHint } from "./explain-issue.ts";
import { isoTime } from "./fingerprint-and-algorithm.ts";
import type { Capability, KeyReport, SubkeyReport, UnreadableKey } from "./key-report.ts";

/** The description of a key and whether it is usable, as plain JSON. */
export interface KeyInspection {
  readonly origin: string;
  /** Null for a key that can't be read, unless its version is 4. */
  readonly fingerprint: string | null;
  readonly version: number;
  readonly algorithm: string;
  readonly userId: string | null;
  readonly userIds: readonly { readonly userId: string; readonly valid: boolean }[];
  /** UTC, ISO 8601; null only for a key that can't be read. */
  readonly created: string | null;
  readonly expires: string | null;
  readonly capabilities: readonly Capability[];
  readonly usable: boolean;
  /** The code and the text of the reason why it can't be used. */
  readonly code: string | null;
  readonly reason: string | null;
  readonly hint: string | null;
  /** Fingerprint of the subkey (or of the key itself) that is used for encryption. */
  readonly encryptsTo: string | null;
  readonly subkeys: readonly InspectedSubkey[];
}

/** A subkey in a {@link KeyInspection}. */
interface InspectedSubkey
  extends Pick<SubkeyReport, "fingerprint" | "algorithm" | "capabilities" | "verdict">,
    Pick<KeyInspection, "expires" | "code" | "reason"> {
  readonly created: string;
}

export function toKeyInspection(report: KeyReport, origin: string): KeyInspection {
  const { fingerprint, version, algorithm, userIds, capabilities, issue } = report;
  return {
    origin,
    fingerprint,
    version,
    algorithm,
    userId: report.userId ?? null,
    userIds,
    created: isoTime(report.created),
    expires: report.expires === undefined ? null : isoTime(report.expires),
    capabilities,
    usable: issue === undefined,
    code: issue?.code ?? null,
    reason: issue?.reason ?? null,
    hint: issue === undefined ? null : issueHint(issue, fingerprint),
    encryptsTo: report.encryptsTo?.fingerprint ?? null,
    subkeys: report.subkeys.map(inspectedSubkey),
  };
}

/** Describes a key that can't be read, as far as its first fields are known. */
export function inspectUnreadableKey(key: UnreadableKey, origin: string): KeyInspection {
  const { fingerprint, version, algorithm, created, issue, hint } = key;
  return {
    origin,
    fingerprint: fingerprint ?? null,
    version,
    algorithm,
    userId: null,
    userIds: [],
    created: created === undefined ? null : isoTime(created),
    expires: null,
    capabilities: [],
    usable: false,
    code: issue.code,
    reason: issue.reason,
    hint,
    encryptsTo: null,
    subkeys: [],
  };
}

function inspectedSubkey(subkey: SubkeyReport): InspectedSubkey {
  return {
    fingerprint: subkey.fingerprint,
    algorithm: subkey.algorithm,
    created: isoTime(subkey.created),
    expires: subkey.expires === undefined ? null : isoTime(subkey.expires),
    capabilities: subkey.capabilities,
    verdict: subkey.verdict,
    code: subkey.issue?.code ?? null,
    reason: subkey.issue?.reason ?? null,
  };
}
