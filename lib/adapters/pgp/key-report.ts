import type { Key } from "openpgp";
import type { TransferableKey } from "../../core/pgp/key-material.ts";
import type { FingerprintAndAlgorithm } from "../../core/pgp/recipient.ts";
import type { ProblemCode } from "../../core/problem.ts";

/** The library, which is loaded only for commands that need it. */
export type OpenPgp = typeof import("openpgp");

/** What a key or subkey may be used for (RFC 9580 section 5.2.3.29). */
export type Capability = "certify" | "sign" | "encrypt" | "authenticate";

/** Why a key or a part of it can't be used. */
export interface KeyIssue {
  /** Stable code of the reason, and of the `Problem` that results from it. */
  readonly code: ProblemCode;
  /** The reason, for use after a colon: `it expired on 2025-01-31T00:00:00Z`. */
  readonly reason: string;
}

/** A subkey and its evaluation. */
export interface SubkeyReport extends FingerprintAndAlgorithm {
  readonly created: Date;
  readonly expires: Date | undefined;
  readonly capabilities: readonly Capability[];
  /** `used`: secrets are encrypted to it; `unused`: they could be; `skipped`: they can't be. */
  readonly verdict: "used" | "unused" | "skipped";
  readonly issue: KeyIssue | undefined;
}

/** A key and its evaluation. */
export interface KeyReport extends Omit<SubkeyReport, "verdict"> {
  readonly version: number;
  readonly userId: string | undefined;
  /** All user IDs; `valid` are those with a valid self-certification. */
  readonly userIds: readonly { readonly userId: string; readonly valid: boolean }[];
  readonly subkeys: readonly SubkeyReport[];
  readonly encryptsTo: FingerprintAndAlgorithm | undefined;
  /** Why it can't be used for encryption; undefined if it can. */
  readonly issue: KeyIssue | undefined;
}

/** A key as the library parsed it, and the packets that it was parsed from. */
export interface ParsedKey {
  readonly key: Key;
  readonly raw: TransferableKey;
}

/** A key and its evaluation. */
export interface EvaluatedKey {
  readonly parsed: ParsedKey;
  readonly report: KeyReport;
}

/** A key that the library can't parse, and what its primary key packet says. */
export interface UnreadableKey {
  /** Known for version 4 only. */
  readonly fingerprint: string | undefined;
  readonly version: number;
  readonly algorithm: string;
  readonly created: Date | undefined;
  readonly issue: KeyIssue;
  readonly hint: string;
}

/** All keys in some material: those that were evaluated, and those that can't be parsed. */
export interface EvaluatedAndUnreadableKeys {
  readonly keys: readonly EvaluatedKey[];
  readonly unreadable: readonly UnreadableKey[];
}
