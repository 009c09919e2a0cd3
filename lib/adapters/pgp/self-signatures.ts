import type { Key, SignaturePacket } from "openpgp";
import type { OpenPgp } from "./key-report.ts";

/** A time of expiry from the library; undefined for "never" and "unknown", for which it uses other types. */
export function finiteExpiryDate(time: Date | number | null): Date | undefined {
  return time instanceof Date ? time : undefined;
}

export function newestSignature(signatures: readonly SignaturePacket[]): SignaturePacket | undefined {
  return signatures.reduce<SignaturePacket | undefined>((best, one) => {
    return best === undefined || (one.created ?? 0) >= (best.created ?? 0) ? one : best;
  }, undefined);
}

/** The direct-key signatures, which contain the flags of a version 6 key (RFC 9580 section 10.1.1). */
export function directSignaturePackets(pgp: OpenPgp, key: Key): readonly SignaturePacket[] {
  if (!("directSignatures" in key) || !Array.isArray(key.directSignatures)) return [];
  return key.directSignatures.filter((one) => one instanceof pgp.SignaturePacket);
}

/** The signature with the key flags of a primary key. */
export async function keyFlagsSignature(pgp: OpenPgp, key: Key, now: Date): Promise<SignaturePacket | undefined> {
  if (key.keyPacket.version === 6) return newestSignature(directSignaturePackets(pgp, key));
  const primary = await key.getPrimaryUser(now).catch(() => undefined);
  return primary?.selfCertification ?? newestSignature(key.users.flatMap((user) => user.selfCertifications));
}
