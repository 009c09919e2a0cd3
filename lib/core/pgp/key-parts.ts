import { toBase64, toHex } from "../bytes.ts";
import { PACKET_TYPE, type Packet, signatureType, type TransferableKey } from "./key-material.ts";

/** Subpacket type IDs (RFC 9580 section 5.2.3.7). */
const ISSUER_KEY_ID = 16;
const ISSUER_FINGERPRINT = 33;

function toUpperCaseHex(bytes: Uint8Array): string {
  return toHex(bytes).toUpperCase();
}

function parseBigEndianNumber(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** The subpackets of one area of a signature (RFC 9580 section 5.2.3.7), as far as they are whole. */
function parseSubpackets(area: Uint8Array): readonly { readonly type: number; readonly body: Uint8Array }[] {
  const found: { type: number; body: Uint8Array }[] = [];
  for (let at = 0; at < area.length; ) {
    const [first = 0, second = 0] = area.subarray(at, at + 2);
    const [start, length] =
      first < 192
        ? [at + 1, first]
        : first < 255
          ? [at + 2, ((first - 192) << 8) + second + 192]
          : [at + 5, parseBigEndianNumber(area.subarray(at + 1, at + 5))];
    const type = area[start];
    if (type === undefined || length === 0 || start + length > area.length) break;
    // The highest bit says whether it is critical.
    found.push({ type: type & 0x7f, body: area.subarray(start + 1, start + length) });
    at = start + length;
  }
  return found;
}

/** Whether a packet has a type and a content. */
export function hasTagAndBody(packet: Packet, tag: number, body: Uint8Array): boolean {
  return (
    packet.tag === tag && packet.body.length === body.length && packet.body.every((byte, index) => byte === body[index])
  );
}

/** The signatures of a type that follow a part of a key, and precede the next part. */
export function signaturesOfPart(
  { packets }: TransferableKey,
  isPart: (packet: Packet) => boolean,
  type: number,
): readonly Packet[] {
  let isInside = false;
  return packets.filter((packet) => {
    if (packet.tag !== PACKET_TYPE.signature) isInside = isPart(packet);
    return isInside && signatureType(packet) === type;
  });
}

/** Whether a signature names a key as its issuer, by its key ID (RFC 9580 sections 5.2.3.12 and 5.2.3.35). */
function isIssuedBy({ body }: Packet, keyId: string): boolean {
  const [version] = body;
  if (version === 3) return toUpperCaseHex(body.subarray(7, 15)) === keyId;
  const sizeBytes = version === 6 ? 4 : 2;
  const hashedEnd = 4 + sizeBytes + parseBigEndianNumber(body.subarray(4, 4 + sizeBytes));
  const unhashedStart = hashedEnd + sizeBytes;
  const unhashedEnd = unhashedStart + parseBigEndianNumber(body.subarray(hashedEnd, unhashedStart));
  const areas = [body.subarray(4 + sizeBytes, hashedEnd), body.subarray(unhashedStart, unhashedEnd)];
  return areas.flatMap(parseSubpackets).some(({ type, body: issuer }) => {
    if (type === ISSUER_KEY_ID) return toUpperCaseHex(issuer) === keyId;
    if (type !== ISSUER_FINGERPRINT) return false;
    return toUpperCaseHex(issuer[0] === 4 ? issuer.subarray(-8) : issuer.subarray(1, 9)) === keyId;
  });
}

/** A value that only packets with the same content share. */
export function packetIdentity({ tag, body }: Packet): string {
  return `${tag} ${toBase64(body)}`;
}

/**
 * One key with the packets of several copies, each packet once after the part that it belongs to.
 *
 * Signatures of others are left out. They say nothing about whether a key is usable, and anyone can add thousands.
 */
export function mergeKeyCopies(copies: readonly TransferableKey[], keyId: string): TransferableKey {
  // A private key is rejected whatever its copies say, and public parts don't fit into it.
  const secret = copies.find((copy) => copy.secret);
  const parts = new Map<string, Map<string, Packet>>();
  for (const { packets } of secret === undefined ? copies : [secret]) addPackets(parts, packets, keyId);
  return { packets: [...parts.values()].flatMap((part) => [...part.values()]), secret: secret !== undefined };
}

/** Adds the packets of one copy to the parts of a key, whose own packets and signatures are kept by what identifies them. */
function addPackets(parts: Map<string, Map<string, Packet>>, packets: readonly Packet[], keyId: string): void {
  let part = new Map<string, Packet>();
  for (const [index, packet] of packets.entries()) {
    const identity = packetIdentity(packet);
    if (packet.tag === PACKET_TYPE.signature) {
      if (isIssuedBy(packet, keyId)) part.set(identity, packet);
      continue;
    }
    const owner = index === 0 ? "primary key" : identity;
    part = parts.get(owner) ?? new Map([[identity, packet]]);
    parts.set(owner, part);
  }
}
