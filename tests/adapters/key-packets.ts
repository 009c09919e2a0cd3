import * as openpgp from "openpgp";
import { concatBytes } from "../../lib/core/bytes.ts";
import { PACKET_TYPE, readPackets } from "../../lib/core/pgp/key-material.ts";

/** A packet with a new header and a length of one or two octets (RFC 9580 section 4.2.1). */
export function packet(tag: number, body: Iterable<number>): Uint8Array {
  const bytes = [...body];
  const rest = bytes.length - 192;
  const length = rest < 0 ? [bytes.length] : [192 + (rest >> 8), rest & 0xff];
  return Uint8Array.from([0xc0 | tag, ...length, ...bytes]);
}

/** What a hand-made signature is to be like; everything else is valid. */
interface SignatureTraits {
  readonly type: number;
  /** The issuer as it is in subpacket 16. */
  readonly keyId: Uint8Array;
  readonly algorithm?: number;
  readonly hash?: number;
  /** Makes signatures differ. */
  readonly number?: number;
  readonly moreHashed?: readonly number[];
}

/** A signature packet of version 4 that was never computed: its numbers are arbitrary. */
export function madeUpSignature(traits: SignatureTraits): Uint8Array {
  const { type, keyId, algorithm = 1, hash = 8, number = 0, moreHashed = [] } = traits;
  const hashed = [5, 2, 0x60, 0, 0, 0, ...moreHashed];
  const mpi = [0, 16, 0x80 | (number >> 8), number & 0xff];
  const mpis = algorithm === 1 ? mpi : [...mpi, ...mpi];
  return packet(PACKET_TYPE.signature, [
    4,
    type,
    algorithm,
    hash,
    0,
    hashed.length,
    ...hashed,
    0,
    10,
    9,
    16,
    ...keyId,
    0,
    0,
    ...mpis,
  ]);
}

/** The primary key packet of a new key, whole. */
export async function newPrimaryKey(): Promise<Uint8Array> {
  const { publicKey } = await openpgp.generateKey({ userIDs: [{ email: "many@example.org" }], format: "object" });
  const [first] = readPackets(publicKey.write()).packets;
  if (first === undefined) throw new TypeError("the key has no packets");
  return packet(PACKET_TYPE.publicKey, first.body);
}

/** Two copies of a key, each with its own signatures of others. */
export function copiesWithForeignSignatures(primary: Uint8Array, count: number): Uint8Array {
  const copy = (name: number): Uint8Array[] => [
    primary,
    packet(PACKET_TYPE.userId, [0x61]),
    ...Array.from({ length: count }, (_, number) =>
      madeUpSignature({ type: 0x10, keyId: Uint8Array.of(name, 0, 0, 0, 0, 0, 0, 0), number: number & 0x7fff }),
    ),
  ];
  return concatBytes([...copy(1), ...copy(2)]);
}

/** Copies of a key, each with another user ID. */
export function copiesWithUserIds(primary: Uint8Array, count: number): Uint8Array {
  return concatBytes(
    Array.from({ length: count }, (_, i) => [primary, packet(PACKET_TYPE.userId, Buffer.from(`user ${i}`))]).flat(),
  );
}
