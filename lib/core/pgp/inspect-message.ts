import { toHex } from "../bytes.ts";
import { Problem } from "../problem.ts";
import { findPgpMessageBytes, PACKET_TYPE, readPackets } from "./key-material.ts";

/** A key that a message is encrypted to (RFC 9580 section 5.1). */
interface MessageRecipient {
  /** Sixteen hexadecimal digits; undefined if the sender has hidden it. */
  readonly keyId: string | undefined;
  readonly algorithm: string;
}

/** What an encrypted message says about itself without being decrypted. */
export interface EncryptedMessageInfo {
  readonly recipients: readonly MessageRecipient[];
  /** Number of passwords that decrypt it. */
  readonly passwords: number;
}

/** Encryption algorithms by their IDs (RFC 9580 section 9.1). */
const ALGORITHMS: ReadonlyMap<number, string> = new Map([
  [1, "RSA"],
  [2, "RSA"],
  [16, "ElGamal"],
  [18, "ECDH"],
  [25, "X25519"],
  [26, "X448"],
]);

/** Packet type IDs of encrypted data. */
const ENCRYPTED_DATA: readonly number[] = [9, 18, 20];

/** The encrypted message in some material, in the encodings that keys have too; undefined for anything else. */
export function inspectEncryptedMessage(
  material: string | Uint8Array,
  origin: string,
): EncryptedMessageInfo | undefined {
  const bytes = tryFindMessageBytes(material, origin);
  if (bytes === undefined) return undefined;
  const { packets } = readPackets(bytes);
  const [first] = packets.filter(({ tag }) => tag !== PACKET_TYPE.marker);
  const isMessage =
    first !== undefined &&
    [PACKET_TYPE.keyEncryptedKey, PACKET_TYPE.passwordEncryptedKey, ...ENCRYPTED_DATA].includes(first.tag);
  if (!isMessage) return undefined;
  return {
    recipients: packets
      .filter(({ tag }) => tag === PACKET_TYPE.keyEncryptedKey)
      .map(({ body }) => parseMessageRecipient(body)),
    passwords: packets.filter(({ tag }) => tag === PACKET_TYPE.passwordEncryptedKey).length,
  };
}

/** The packets as bytes; what can't be read is left for the reader of keys, which says why. */
function tryFindMessageBytes(material: string | Uint8Array, origin: string): Uint8Array | undefined {
  try {
    return findPgpMessageBytes(material, origin);
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

/** The recipient in a packet of version 3, which has a key ID, or of version 6, which has a fingerprint. */
function parseMessageRecipient(body: Uint8Array): MessageRecipient {
  if (body[0] !== 6)
    return { keyId: keyIdUnlessHidden(body.subarray(1, 9)), algorithm: encryptionAlgorithmName(body[9]) };
  const length = body[1] ?? 0;
  const [version] = body.subarray(2, 3);
  const fingerprint = body.subarray(3, 2 + length);
  const id = version === 6 ? fingerprint.subarray(0, 8) : fingerprint.subarray(-8);
  return { keyId: keyIdUnlessHidden(id), algorithm: encryptionAlgorithmName(body[2 + length]) };
}

function keyIdUnlessHidden(bytes: Uint8Array): string | undefined {
  return bytes.every((byte) => byte === 0) ? undefined : toHex(bytes).toUpperCase();
}

function encryptionAlgorithmName(id: number | undefined): string {
  return ALGORITHMS.get(id ?? 0) ?? `algorithm ${id ?? 0}`;
}

/** The key ID of a fingerprint: its end, or its start for version 6 (RFC 9580 section 5.5.4). */
export function keyIdOfFingerprint(fingerprint: string): string {
  return fingerprint.length > 40 ? fingerprint.slice(0, 16) : fingerprint.slice(-16);
}
