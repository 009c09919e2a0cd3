import type { Key, Subkey } from "openpgp";
import { PACKET_TYPE } from "../../core/pgp/key-material.ts";
import type { FingerprintAndAlgorithm } from "../../core/pgp/recipient.ts";
import { errorMessage } from "../../core/problem.ts";
import { escapeControls } from "../../core/text.ts";
import { encryptBytes } from "./encrypt-message.ts";
import { unreadableKeyProblem } from "./explain-issue.ts";
import {
  fingerprintAndAlgorithmOf,
  fingerprintOf,
  fingerprintV4,
  readCreationTime,
} from "./fingerprint-and-algorithm.ts";
import { capabilitiesFromSignature, findEncryptionUseIssue } from "./key-capabilities.ts";
import {
  findPrimaryKeyIssue,
  findSubkeyIssue,
  hasUnverifiableSubkeyRevocation,
  hasUnverifiableUserIdRevocation,
} from "./key-issues.ts";
import type {
  EvaluatedAndUnreadableKeys,
  EvaluatedKey,
  KeyIssue,
  KeyReport,
  OpenPgp,
  ParsedKey,
  SubkeyReport,
} from "./key-report.ts";
import { parseKeys, readKeyIdentityOrIssue, yieldToEventLoop } from "./parse-keys.ts";
import { finiteExpiryDate, keyFlagsSignature, newestSignature } from "./self-signatures.ts";

/** Parses and evaluates all keys in some material; throws a Problem if none can be parsed. */
export async function parseAndEvaluateKeys(
  pgp: OpenPgp,
  material: string | Uint8Array,
  origin: string,
  now: Date,
): Promise<EvaluatedAndUnreadableKeys> {
  const { parsed: readable, unreadable } = await parseKeys(pgp, material, origin);
  const keys: EvaluatedKey[] = [];
  for (const parsed of readable) {
    await yieldToEventLoop();
    keys.push({ parsed, report: await evaluate(pgp, parsed, now) });
  }
  const [first] = unreadable;
  if (keys.length === 0 && first !== undefined) throw unreadableKeyProblem(first, origin);
  return { keys, unreadable };
}

/** Evaluates one key at the time `now`. */
async function evaluate(pgp: OpenPgp, parsed: ParsedKey, now: Date): Promise<KeyReport> {
  const { key } = parsed;
  const capabilities = capabilitiesFromSignature(pgp, key.keyPacket.algorithm, await keyFlagsSignature(pgp, key, now));
  const primaryUser = await key.getPrimaryUser(now).catch(() => undefined);
  const evaluated = [
    ...(await Promise.all(key.subkeys.map((subkey) => evaluateSubkey(pgp, parsed, subkey, now)))),
    ...(await unreadableSubkeyReports(pgp, parsed)),
  ];
  // Reported by now. The library takes no notice of these revocations, and would encrypt to the subkeys.
  key.subkeys = await keepUnrevokedSubkeys(pgp, parsed);
  const own = await findPrimaryKeyIssue(pgp, parsed, now);
  const part = own ?? (await findEncryptionPartOrIssue(pgp, key, now));
  const encryptsTo = part !== undefined && "fingerprint" in part ? part : undefined;
  const failed = part !== undefined && "code" in part ? part : undefined;
  const subkeys = evaluated.map(
    (subkey): SubkeyReport =>
      subkey.fingerprint === encryptsTo?.fingerprint ? { ...subkey, verdict: "used", issue: undefined } : subkey,
  );
  const purpose = findEncryptionUseIssue(capabilities) ?? {
    code: "pgp-key-invalid",
    reason: "it cannot be used for encryption",
  };
  return {
    ...fingerprintAndAlgorithmOf(key),
    version: key.keyPacket.version,
    created: key.getCreationTime(),
    expires: finiteExpiryDate(await key.getExpirationTime()),
    capabilities,
    userId: primaryUser?.user.userID?.userID ?? key.getUserIDs()[0],
    userIds: await evaluateUserIds(pgp, parsed, now),
    subkeys,
    encryptsTo,
    issue: failed ?? (encryptsTo === undefined ? missingEncryptionSubkeyIssue(subkeys, purpose) : undefined),
  };
}

/** The subkeys of a key without those that have a revocation which the library ignores. */
async function keepUnrevokedSubkeys(pgp: OpenPgp, parsed: ParsedKey): Promise<Subkey[]> {
  const kept: Subkey[] = [];
  for (const subkey of parsed.key.subkeys)
    if (!(await hasUnverifiableSubkeyRevocation(pgp, parsed, subkey))) kept.push(subkey);
  return kept;
}

/** Evaluates a subkey; which one is used is decided later. */
async function evaluateSubkey(pgp: OpenPgp, parsed: ParsedKey, subkey: Subkey, now: Date): Promise<SubkeyReport> {
  const binding = await subkey.verify(now).catch(() => newestSignature(subkey.bindingSignatures));
  const capabilities = capabilitiesFromSignature(pgp, subkey.keyPacket.algorithm, binding);
  const expires = finiteExpiryDate(await subkey.getExpirationTime(now));
  const issue = await findSubkeyIssue(pgp, parsed, subkey, capabilities, expires, now);
  const verdict = issue === undefined ? "unused" : "skipped";
  return {
    ...fingerprintAndAlgorithmOf(subkey),
    created: subkey.getCreationTime(),
    expires,
    capabilities,
    verdict,
    issue,
  };
}

/** The subkeys that the library can't read and silently omits (version 4 only). */
async function unreadableSubkeyReports(pgp: OpenPgp, { key, raw }: ParsedKey): Promise<readonly SubkeyReport[]> {
  const known = new Set(key.subkeys.map(fingerprintOf));
  const packets = raw.packets.filter((packet) => packet.tag === PACKET_TYPE.publicSubkey && packet.body[0] === 4);
  const reports = await Promise.all(
    packets.map(async (packet): Promise<SubkeyReport> => {
      const { body } = packet;
      const fingerprint = await fingerprintV4(body);
      const algorithm = `algorithm ${body[5] ?? "unknown"}`;
      const found = await readKeyIdentityOrIssue(pgp, packet);
      const unsupported = { code: "pgp-key-unsupported", reason: `${algorithm} is not supported` } as const;
      const issue: KeyIssue = "code" in found ? found : unsupported;
      const created = readCreationTime(body) ?? new Date(0);
      return { fingerprint, algorithm, created, expires: undefined, capabilities: [], verdict: "skipped", issue };
    }),
  );
  return reports.filter((report) => !known.has(report.fingerprint));
}

/** The issue of a key without a usable part: that of its newest encryption subkey. */
function missingEncryptionSubkeyIssue(subkeys: readonly SubkeyReport[], primary: KeyIssue): KeyIssue {
  const newestFirst = [...subkeys].sort((a, b) => b.created.getTime() - a.created.getTime());
  const intended =
    newestFirst.find(({ capabilities }) => capabilities.includes("encrypt")) ??
    newestFirst.find(({ issue }) => issue?.code === "pgp-key-unsupported" || issue?.code === "pgp-key-sha1");
  if (intended?.issue === undefined) {
    return { code: primary.code, reason: `${primary.reason}, and it has no subkey for encryption` };
  }
  return {
    code: intended.issue.code,
    reason: `its subkey ${intended.fingerprint} cannot be used: ${intended.issue.reason}`,
  };
}

/** The user IDs of a key, each with whether its self-certification is valid. */
function evaluateUserIds(pgp: OpenPgp, parsed: ParsedKey, now: Date): Promise<KeyReport["userIds"]> {
  const named = parsed.key.users.flatMap((user) => (user.userID === null ? [] : [{ user, packet: user.userID }]));
  return Promise.all(
    named.map(async ({ user, packet }) => ({
      userId: packet.userID,
      valid:
        !(await hasUnverifiableUserIdRevocation(pgp, parsed, packet)) && (await user.verify(now).catch(() => false)),
    })),
  );
}

/**
 * The part of a key that the library chooses for encryption; undefined or an issue if there is none.
 *
 * It encrypts a dummy text, so that a key that only looks valid is noticed before anything depends on it.
 */
async function findEncryptionPartOrIssue(
  pgp: OpenPgp,
  key: Key,
  now: Date,
): Promise<FingerprintAndAlgorithm | KeyIssue | undefined> {
  const part = await key.getEncryptionKey(undefined, now).catch(() => undefined);
  if (part === undefined) return undefined;
  try {
    await encryptBytes(pgp, [key], new Uint8Array(1), now);
    return fingerprintAndAlgorithmOf(part);
  } catch (error) {
    return { code: "pgp-key-invalid", reason: `encryption to it failed (${escapeControls(errorMessage(error))})` };
  }
}
