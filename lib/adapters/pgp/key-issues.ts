import type { AnyKeyPacket, SignaturePacket, Subkey, UserIDPacket } from "openpgp";
import { isSha1SelfSignature, PACKET_TYPE, type Packet } from "../../core/pgp/key-material.ts";
import { hasTagAndBody, signaturesOfPart } from "../../core/pgp/key-parts.ts";
import { errorMessage } from "../../core/problem.ts";
import { escapeControls, quote } from "../../core/text.ts";
import { algorithmName, isoTime } from "./fingerprint-and-algorithm.ts";
import { findEncryptionUseIssue } from "./key-capabilities.ts";
import type { Capability, KeyIssue, OpenPgp, ParsedKey } from "./key-report.ts";
import { directSignaturePackets, finiteExpiryDate, newestSignature } from "./self-signatures.ts";

type SignatureType = OpenPgp["enums"]["signature"][keyof OpenPgp["enums"]["signature"]];

/** The issue of an algorithm, curve or key size that is too weak by the library's own limits. */
function findWeaknessIssue(pgp: OpenPgp, packet: AnyKeyPacket): KeyIssue | undefined {
  const info = packet.getAlgorithmInfo();
  const { rejectPublicKeyAlgorithms, rejectCurves, minRSABits } = pgp.config;
  const weak = (reason: string): KeyIssue => ({ code: "pgp-key-weak", reason });
  if (rejectPublicKeyAlgorithms.has(packet.algorithm)) return weak(`${algorithmName(info)} is too weak`);
  if (info.algorithm.startsWith("rsa") && (info.bits ?? 0) < minRSABits) {
    return weak(`${algorithmName(info)} is too weak, at least 2048 bits are required`);
  }
  const rejected = [...rejectCurves].some((curve) => curve === info.curve);
  return rejected ? weak(`the curve of ${algorithmName(info)} is not accepted`) : undefined;
}

/** The issue of a part whose only signatures use SHA-1; those were left out. */
function findSha1Issue({ raw }: ParsedKey): KeyIssue | undefined {
  return raw.packets.some(isSha1SelfSignature)
    ? { code: "pgp-key-sha1", reason: "it is only signed with SHA-1, and such signatures can be forged" }
    : undefined;
}

const REVOCATION_REASONS: Readonly<Record<number, string>> = {
  1: "it was superseded",
  2: "it was compromised",
  3: "it was retired",
};

/** What the library says about a signature that is not of the key that it names. */
const FORGED: readonly string[] = [
  "Signed digest did not match",
  "Signature verification failed",
  "Public key algorithm used to sign signature does not match issuer key algorithm.",
];

/** Whether a revocation is valid, so that the library respects it, or certainly not of the owner. */
async function isValidOrForgedRevocation(
  pgp: OpenPgp,
  { key }: ParsedKey,
  { body }: Packet,
  type: SignatureType,
  data: object,
): Promise<boolean> {
  const signature = new pgp.SignaturePacket();
  try {
    signature.read(body);
    await signature.verify(key.keyPacket, type, data, signature.created ?? undefined);
    return true;
  } catch (error) {
    return FORGED.includes(errorMessage(error));
  }
}

/**
 * Whether the owner seems to have revoked a part of a key with a signature that the library ignores, for example for its hash
 * algorithm or its version. A forged one only makes the key unusable, and a real one must not be missed.
 */
async function hasUnverifiableRevocation(
  pgp: OpenPgp,
  parsed: ParsedKey,
  isPart: (packet: Packet) => boolean,
  type: SignatureType,
  data: object,
): Promise<boolean> {
  for (const signature of signaturesOfPart(parsed.raw, isPart, type))
    if (!(await isValidOrForgedRevocation(pgp, parsed, signature, type, data))) return true;
  return false;
}

/** Whether a primary key has such a revocation; it may be after any of its parts. */
function hasUnverifiablePrimaryRevocation(pgp: OpenPgp, parsed: ParsedKey): Promise<boolean> {
  const { keyRevocation } = pgp.enums.signature;
  return hasUnverifiableRevocation(pgp, parsed, () => true, keyRevocation, { key: parsed.key.keyPacket });
}

/** Whether a subkey has a revocation that the library ignores. */
export function hasUnverifiableSubkeyRevocation(
  pgp: OpenPgp,
  parsed: ParsedKey,
  { keyPacket }: Subkey,
): Promise<boolean> {
  const body = keyPacket.write();
  const data = { key: parsed.key.keyPacket, bind: keyPacket };
  const isPart = (packet: Packet): boolean => hasTagAndBody(packet, PACKET_TYPE.publicSubkey, body);
  return hasUnverifiableRevocation(pgp, parsed, isPart, pgp.enums.signature.subkeyRevocation, data);
}

/** Whether a user ID has a revocation that the library ignores. */
export function hasUnverifiableUserIdRevocation(
  pgp: OpenPgp,
  parsed: ParsedKey,
  userID: UserIDPacket,
): Promise<boolean> {
  const body = userID.write();
  const data = { key: parsed.key.keyPacket, userID };
  const isPart = (packet: Packet): boolean => hasTagAndBody(packet, PACKET_TYPE.userId, body);
  return hasUnverifiableRevocation(pgp, parsed, isPart, pgp.enums.signature.certRevocation, data);
}

const UNVERIFIABLE_REVOCATION: KeyIssue = {
  code: "pgp-key-revoked",
  reason: "it seems to be revoked, by a signature that cannot be verified",
};

/** The issue of a revoked key, with date and reason from the valid revocation signature. */
async function revocationIssue(
  signatures: readonly SignaturePacket[],
  key: AnyKeyPacket,
  type: number,
  data: object,
): Promise<KeyIssue> {
  for (const signature of signatures) {
    const { created } = signature;
    const isValid = await signature.verify(key, type, data, created ?? undefined).then(
      () => true,
      () => false,
    );
    if (!isValid || created === null) continue;
    const why = REVOCATION_REASONS[signature.reasonForRevocationFlag ?? 0];
    const comment = signature.reasonForRevocationString;
    const details = [why, comment ? quote(comment) : undefined].filter((word) => word !== undefined).join(", ");
    return {
      code: "pgp-key-revoked",
      reason: `it was revoked on ${isoTime(created)}${details === "" ? "" : ` (${details})`}`,
    };
  }
  return { code: "pgp-key-revoked", reason: "it was revoked" };
}

function notYetValidIssue(what: string, from: Date, now: Date): KeyIssue {
  return {
    code: "pgp-key-not-yet-valid",
    reason: `${what} ${isoTime(from)}, which is in the future for this machine (its clock says ${isoTime(now)})`,
  };
}

function expiredIssue(expires: Date): KeyIssue {
  return { code: "pgp-key-expired", reason: `it expired on ${isoTime(expires)}` };
}

/** Why a primary key can't be used, regardless of its subkeys. */
export async function findPrimaryKeyIssue(pgp: OpenPgp, parsed: ParsedKey, now: Date): Promise<KeyIssue | undefined> {
  const { key, raw } = parsed;
  if (raw.secret) return { code: "pgp-key-private", reason: "it is a private key" };
  if (await key.isRevoked(undefined, undefined, now)) {
    return revocationIssue(key.revocationSignatures, key.keyPacket, pgp.enums.signature.keyRevocation, {
      key: key.keyPacket,
    });
  }
  if (await hasUnverifiablePrimaryRevocation(pgp, parsed)) return UNVERIFIABLE_REVOCATION;
  const weak = findWeaknessIssue(pgp, key.keyPacket);
  if (weak !== undefined) return weak;
  if (key.getCreationTime() > now) return notYetValidIssue("it is valid from", key.getCreationTime(), now);
  const expires = finiteExpiryDate(await key.getExpirationTime());
  if (expires !== undefined && expires <= now) return expiredIssue(expires);
  return key.verifyPrimaryKey(now).then(
    () => undefined,
    (error: unknown) => selfSignatureIssue(pgp, parsed, now, error),
  );
}

/** Why no signature of its owner makes a primary key valid; `error` is what the library says about it. */
function selfSignatureIssue(pgp: OpenPgp, parsed: ParsedKey, now: Date, error: unknown): KeyIssue {
  const { key } = parsed;
  const selves = [...key.users.flatMap((user) => user.selfCertifications), ...directSignaturePackets(pgp, key)];
  const forgeable = selves.length === 0 ? findSha1Issue(parsed) : undefined;
  if (forgeable !== undefined) return forgeable;
  const first = selves.map((one) => one.created ?? now).sort((a, b) => a.getTime() - b.getTime())[0];
  if (first !== undefined && first > now) return notYetValidIssue("its owner signed it on", first, now);
  if (key.users.length === 0) {
    return {
      code: "pgp-key-no-user-id",
      reason: "it has no user ID; keys.openpgp.org leaves out addresses that were not confirmed",
    };
  }
  return {
    code: "pgp-key-invalid",
    reason: `its self-signatures are not valid (${escapeControls(errorMessage(error))})`,
  };
}

/** Why a subkey can't be used for encryption. */
export async function findSubkeyIssue(
  pgp: OpenPgp,
  parsed: ParsedKey,
  subkey: Subkey,
  capabilities: readonly Capability[],
  expires: Date | undefined,
  now: Date,
): Promise<KeyIssue | undefined> {
  const { key } = parsed;
  const binding = newestSignature(subkey.bindingSignatures);
  if (binding === undefined) {
    return findSha1Issue(parsed) ?? { code: "pgp-key-invalid", reason: "the primary key did not sign it" };
  }
  const purpose = findEncryptionUseIssue(capabilities);
  if (purpose !== undefined) return purpose;
  if (await subkey.isRevoked(binding, key.keyPacket, now)) {
    return revocationIssue(subkey.revocationSignatures, key.keyPacket, pgp.enums.signature.subkeyRevocation, {
      key: key.keyPacket,
      bind: subkey.keyPacket,
    });
  }
  if (await hasUnverifiableSubkeyRevocation(pgp, parsed, subkey)) return UNVERIFIABLE_REVOCATION;
  const weak = findWeaknessIssue(pgp, subkey.keyPacket);
  if (weak !== undefined) return weak;
  if (subkey.getCreationTime() > now) return notYetValidIssue("it is valid from", subkey.getCreationTime(), now);
  if (expires !== undefined && expires <= now) return expiredIssue(expires);
  return subkey.verify(now).then(
    () => undefined,
    (error: unknown) => ({
      code: "pgp-key-invalid",
      reason: `its binding signature is not valid (${escapeControls(errorMessage(error))})`,
    }),
  );
}
