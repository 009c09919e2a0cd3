import type { SignaturePacket } from "openpgp";
import { joinWords } from "../../core/text.ts";
import type { Capability, KeyIssue, OpenPgp } from "./key-report.ts";

/** What the key flags of a signature allow, limited to what the algorithm can do. */
export function capabilitiesFromSignature(
  pgp: OpenPgp,
  algorithm: number,
  signature: SignaturePacket | undefined,
): readonly Capability[] {
  const bits = signature?.keyFlags?.[0] ?? 0;
  const { keyFlags, publicKey } = pgp.enums;
  const encrypts: readonly number[] = [
    publicKey.rsaEncryptSign,
    publicKey.rsaEncrypt,
    publicKey.elgamal,
    publicKey.ecdh,
    publicKey.x25519,
    publicKey.x448,
  ];
  const rows: readonly (readonly [Capability, number])[] = [
    ["certify", keyFlags.certifyKeys],
    ["sign", keyFlags.signData],
    ["encrypt", encrypts.includes(algorithm) ? keyFlags.encryptCommunication | keyFlags.encryptStorage : 0],
    ["authenticate", keyFlags.authentication],
  ];
  return rows.flatMap(([name, mask]) => ((bits & mask) === 0 ? [] : [name]));
}

const CAPABILITY_WORDS: Readonly<Record<Capability, string>> = {
  certify: "certifying",
  sign: "signing",
  encrypt: "encryption",
  authenticate: "authentication",
};

/** The issue of a key or subkey that isn't meant for encryption. */
export function findEncryptionUseIssue(capabilities: readonly Capability[]): KeyIssue | undefined {
  if (capabilities.includes("encrypt")) return undefined;
  const uses = joinWords(capabilities.map((use) => CAPABILITY_WORDS[use]));
  const reason = uses === "" ? "it does not say that it is for encryption" : `it is for ${uses} only`;
  return { code: "pgp-key-sign-only", reason };
}
