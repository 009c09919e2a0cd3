import type { PublicKey } from "openpgp";
import type { OpenPgp } from "./key-report.ts";

/**
 * Encrypts one binary message to several keys.
 *
 * A session key without an AEAD algorithm makes the library write SEIPD version 1, which every OpenPGP program supports.
 * By default it follows what a version 4 key advertises, and GnuPG can't decrypt some of those messages.
 */
export async function encryptBytes(
  pgp: OpenPgp,
  encryptionKeys: PublicKey[],
  binary: Uint8Array,
  date: Date,
): Promise<Uint8Array> {
  const own = await pgp.generateSessionKey({ encryptionKeys, date });
  const sessionKey = areAllV6(encryptionKeys) ? own : { data: own.data, algorithm: own.algorithm };
  const message = await pgp.createMessage({ binary, date });
  return pgp.encrypt({ message, encryptionKeys, sessionKey, format: "binary", date });
}

export function areAllV6(keys: readonly PublicKey[]): boolean {
  return keys.every((key) => key.keyPacket.version === 6);
}
