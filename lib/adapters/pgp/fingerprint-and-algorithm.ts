import { webcrypto } from "node:crypto";
import type { AlgorithmInfo, Key, Subkey } from "openpgp";
import { toHex } from "../../core/bytes.ts";
import type { FingerprintAndAlgorithm } from "../../core/pgp/recipient.ts";

const ALGORITHMS: Readonly<Record<string, string>> = {
  rsaEncryptSign: "RSA",
  rsaEncrypt: "RSA",
  rsaSign: "RSA",
  elgamal: "ElGamal",
  dsa: "DSA",
  ecdh: "ECDH",
  ecdsa: "ECDSA",
  eddsaLegacy: "EdDSA",
  ed25519: "Ed25519",
  x25519: "X25519",
  ed448: "Ed448",
  x448: "X448",
};

const CURVES: Readonly<Record<string, string>> = {
  ed25519Legacy: "Ed25519",
  curve25519Legacy: "Curve25519",
  nistP256: "NIST P-256",
  nistP384: "NIST P-384",
  nistP521: "NIST P-521",
};

/** The name of an algorithm for people: `RSA 3072`, `ECDH Curve25519`, `X25519`. */
export function algorithmName(info: AlgorithmInfo): string {
  const name = ALGORITHMS[info.algorithm] ?? info.algorithm;
  if (info.bits !== undefined) return `${name} ${info.bits}`;
  return info.curve === undefined ? name : `${name} ${CURVES[info.curve] ?? info.curve}`;
}

export function fingerprintOf(key: Key | Subkey): string {
  return key.getFingerprint().toUpperCase();
}

/** The fingerprint of a version 4 key packet: SHA-1 over its framed body (RFC 9580 section 5.5.4.2). */
export async function fingerprintV4(body: Uint8Array): Promise<string> {
  const framed = new Uint8Array([0x99, body.length >> 8, body.length & 0xff, ...body]);
  const digest = new Uint8Array(await webcrypto.subtle.digest("SHA-1", framed));
  return toHex(digest).toUpperCase();
}

/** When a key packet of any version was created; undefined for a packet without its first fields. */
export function readCreationTime(body: Uint8Array): Date | undefined {
  if (body.length < 5) return undefined;
  return new Date(new DataView(body.buffer, body.byteOffset, body.length).getUint32(1) * 1000);
}

export function fingerprintAndAlgorithmOf(key: Key | Subkey): FingerprintAndAlgorithm {
  return { fingerprint: fingerprintOf(key), algorithm: algorithmName(key.getAlgorithmInfo()) };
}

/** A time for people: UTC, without milliseconds. */
export function isoTime(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, "Z");
}
