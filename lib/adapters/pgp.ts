import { webcrypto } from "node:crypto";
import type { AlgorithmInfo, AnyKeyPacket, Key, PublicKey, SignaturePacket, Subkey } from "openpgp";
import { joinBytes, toBase64 } from "../core/bytes.ts";
import { findKeys, isSha1Signature, notAKey, type RawKey, TAG } from "../core/keys/key-material.ts";
import {
  type EncryptedFormat,
  isV6,
  type KeyName,
  parsePin,
  type Recipient,
  type SkippedKey,
} from "../core/keys/recipient.ts";
import { errorMessage, Problem } from "../core/problem.ts";
import { escapeControls, joined, quote } from "../core/text.ts";

type OpenPgp = typeof import("openpgp");

/** What a key or subkey may be used for (RFC 9580 section 5.2.3.29). */
export type Capability = "certify" | "sign" | "encrypt" | "authenticate";

/** Why a key or a part of it cannot be used. */
export interface KeyIssue {
  /** Stable name of the reason; it is the code of the `Problem` that the key ends in. */
  readonly code: string;
  /** The reason as it follows a colon: `it expired on 2025-01-31T00:00:00Z`. */
  readonly reason: string;
}

/** A subkey as it was found and judged. */
export interface SubkeyReport extends KeyName {
  readonly created: Date;
  readonly expires: Date | undefined;
  readonly capabilities: readonly Capability[];
  /** `used` for the one that is encrypted to, `spare` for one that could be, `skipped` for the rest. */
  readonly verdict: "used" | "spare" | "skipped";
  readonly trouble: KeyIssue | undefined;
}

/** A key as it was found and judged. */
export interface KeyReport extends KeyName {
  readonly version: number;
  readonly created: Date;
  readonly expires: Date | undefined;
  readonly capabilities: readonly Capability[];
  readonly userId: string | undefined;
  /** All user IDs; `valid` tells those that the key itself stands for at the moment. */
  readonly userIds: readonly { readonly userId: string; readonly valid: boolean }[];
  readonly subkeys: readonly SubkeyReport[];
  readonly encryptsTo: KeyName | undefined;
  /** Why nothing can be encrypted to it, or undefined. */
  readonly trouble: KeyIssue | undefined;
}

/** A key that the library could read, beside the packets that it was read from. */
interface ReadKey {
  readonly key: Key;
  readonly found: RawKey;
}

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

/** An algorithm as a person writes it: `RSA 3072`, `ECDH Curve25519`, `X25519`. */
function algorithmName(info: AlgorithmInfo): string {
  const name = ALGORITHMS[info.algorithm] ?? info.algorithm;
  if (info.bits !== undefined) return `${name} ${info.bits}`;
  return info.curve === undefined ? name : `${name} ${CURVES[info.curve] ?? info.curve}`;
}

function fingerprintOf(key: Key | Subkey): string {
  return key.getFingerprint().toUpperCase();
}

function nameOf(key: Key | Subkey): KeyName {
  return { fingerprint: fingerprintOf(key), algorithm: algorithmName(key.getAlgorithmInfo()) };
}

/** A moment as it is shown: UTC to the second. */
function isoTime(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** The moment that the library answered, which has its own words for never and for unknown. */
function moment(answer: Date | number | null): Date | undefined {
  return answer instanceof Date ? answer : undefined;
}

/** What the flags of a signature allow, kept to what the algorithm can do. */
function capabilitiesOf(
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

/** Why something cannot be encrypted to because of what it is for. */
function purposeTrouble(capabilities: readonly Capability[]): KeyIssue | undefined {
  if (capabilities.includes("encrypt")) return undefined;
  const uses: Readonly<Record<Capability, string>> = {
    certify: "certifying",
    sign: "signing",
    encrypt: "encryption",
    authenticate: "authentication",
  };
  const purpose = capabilities.length === 0 ? "it does not say that it is for encryption" : undefined;
  const code = "pgp-key-sign-only";
  return { code, reason: purpose ?? `it is for ${joined(capabilities.map((use) => uses[use]))} only` };
}

/** Why an algorithm or its size is not trusted any more, by the library's own limits. */
function weakness(pgp: OpenPgp, packet: AnyKeyPacket): KeyIssue | undefined {
  const info = packet.getAlgorithmInfo();
  const { rejectPublicKeyAlgorithms, rejectCurves, minRSABits } = pgp.config;
  const weak = (reason: string) => ({ code: "pgp-key-weak", reason });
  if (rejectPublicKeyAlgorithms.has(packet.algorithm)) return weak(`${algorithmName(info)} is too weak`);
  if (info.algorithm.startsWith("rsa") && (info.bits ?? 0) < minRSABits) {
    return weak(`${algorithmName(info)} is too weak, 2048 bits are the least`);
  }
  const rejected = [...rejectCurves].some((curve) => curve === info.curve);
  return rejected ? weak(`the curve of ${algorithmName(info)} is not accepted`) : undefined;
}

/** Why a part without a signature cannot be used, where it had one over SHA-1, which was left out. */
function sha1Trouble({ found }: ReadKey): KeyIssue | undefined {
  return found.packets.some(isSha1Signature)
    ? { code: "pgp-key-sha1", reason: "it is signed with SHA-1 only, and such a signature can be forged" }
    : undefined;
}

/** The newest of some signatures, or undefined. */
function newest(signatures: readonly SignaturePacket[]): SignaturePacket | undefined {
  return signatures.reduce<SignaturePacket | undefined>((best, one) => {
    return best === undefined || (one.created ?? 0) >= (best.created ?? 0) ? one : best;
  }, undefined);
}

const REVOCATION_REASONS: Readonly<Record<number, string>> = {
  1: "it was superseded",
  2: "it was compromised",
  3: "it was retired",
};

/** Whether a key's owner seems to have revoked a part of it over SHA-1, which the library verifies for RSA alone. */
function hasSha1Revocation(pgp: OpenPgp, key: Key, signatures: readonly SignaturePacket[]): boolean {
  return signatures.some(
    ({ hashAlgorithm, issuerKeyID }) => hashAlgorithm === pgp.enums.hash.sha1 && issuerKeyID.equals(key.getKeyID()),
  );
}

/** A revocation in words, from the signature that made it. */
async function revocationTrouble(
  signatures: readonly SignaturePacket[],
  key: AnyKeyPacket,
  type: number,
  data: object,
): Promise<KeyIssue> {
  for (const signature of signatures) {
    const made = signature.created;
    const sound = await signature.verify(key, type, data, made ?? undefined).then(
      () => true,
      () => false,
    );
    if (!sound || made === null) continue;
    const why = REVOCATION_REASONS[signature.reasonForRevocationFlag ?? 0];
    const comment = signature.reasonForRevocationString;
    const told = [why, comment ? quote(comment) : undefined].filter((word) => word !== undefined).join(", ");
    return { code: "pgp-key-revoked", reason: `it was revoked on ${isoTime(made)}${told === "" ? "" : ` (${told})`}` };
  }
  return { code: "pgp-key-revoked", reason: "it was revoked" };
}

function futureTrouble(what: string, from: Date, now: Date): KeyIssue {
  return {
    code: "pgp-key-not-yet-valid",
    reason: `${what} ${isoTime(from)}, which is in the future for this machine (its clock says ${isoTime(now)})`,
  };
}

function expiredTrouble(expires: Date): KeyIssue {
  return { code: "pgp-key-expired", reason: `it expired on ${isoTime(expires)}` };
}

/** The direct-key signatures, which hold what a version 6 key says of itself (RFC 9580 section 10.1.1). */
function directSignatures(pgp: OpenPgp, key: Key): readonly SignaturePacket[] {
  if (!("directSignatures" in key) || !Array.isArray(key.directSignatures)) return [];
  return key.directSignatures.filter((one) => one instanceof pgp.SignaturePacket);
}

/** The signature that says what a primary key is for. */
async function selfSignature(pgp: OpenPgp, key: Key, now: Date): Promise<SignaturePacket | undefined> {
  if (key.keyPacket.version === 6) return newest(directSignatures(pgp, key));
  const primary = await key.getPrimaryUser(now).catch(() => undefined);
  return primary?.selfCertification ?? newest(key.users.flatMap((user) => user.selfCertifications));
}

/** Why a primary key cannot be used, whatever its subkeys are. */
async function primaryTrouble(pgp: OpenPgp, read: ReadKey, now: Date): Promise<KeyIssue | undefined> {
  const { key, found } = read;
  if (found.secret) return { code: "pgp-key-private", reason: "it is a private key" };
  if ((await key.isRevoked(undefined, undefined, now)) || hasSha1Revocation(pgp, key, key.revocationSignatures)) {
    return revocationTrouble(key.revocationSignatures, key.keyPacket, pgp.enums.signature.keyRevocation, {
      key: key.keyPacket,
    });
  }
  const weak = weakness(pgp, key.keyPacket);
  if (weak !== undefined) return weak;
  if (key.getCreationTime() > now) return futureTrouble("it is valid from", key.getCreationTime(), now);
  const expires = moment(await key.getExpirationTime());
  if (expires !== undefined && expires <= now) return expiredTrouble(expires);
  try {
    await key.verifyPrimaryKey(now);
    return undefined;
  } catch (error) {
    const selves = [...key.users.flatMap((user) => user.selfCertifications), ...directSignatures(pgp, key)];
    const forgeable = selves.length === 0 ? sha1Trouble(read) : undefined;
    if (forgeable !== undefined) return forgeable;
    const first = selves.map((one) => one.created ?? now).sort((a, b) => a.getTime() - b.getTime())[0];
    if (first !== undefined && first > now) return futureTrouble("its owner signed it on", first, now);
    return {
      code: "pgp-key-invalid",
      reason: `its own signatures do not hold (${escapeControls(errorMessage(error))})`,
    };
  }
}

/** Why a subkey cannot be encrypted to. */
async function subkeyTrouble(
  pgp: OpenPgp,
  read: ReadKey,
  subkey: Subkey,
  capabilities: readonly Capability[],
  expires: Date | undefined,
  now: Date,
): Promise<KeyIssue | undefined> {
  const { key } = read;
  const binding = newest(subkey.bindingSignatures);
  if (binding === undefined) {
    return sha1Trouble(read) ?? { code: "pgp-key-invalid", reason: "the primary key did not sign it" };
  }
  const purpose = purposeTrouble(capabilities);
  if (purpose !== undefined) return purpose;
  if (
    (await subkey.isRevoked(binding, key.keyPacket, now)) ||
    hasSha1Revocation(pgp, key, subkey.revocationSignatures)
  ) {
    return revocationTrouble(subkey.revocationSignatures, key.keyPacket, pgp.enums.signature.subkeyRevocation, {
      key: key.keyPacket,
      bind: subkey.keyPacket,
    });
  }
  const weak = weakness(pgp, subkey.keyPacket);
  if (weak !== undefined) return weak;
  if (subkey.getCreationTime() > now) return futureTrouble("it is valid from", subkey.getCreationTime(), now);
  if (expires !== undefined && expires <= now) return expiredTrouble(expires);
  return subkey.verify(now).then(
    () => undefined,
    (error: unknown) => ({
      code: "pgp-key-invalid",
      reason: `its binding does not hold (${escapeControls(errorMessage(error))})`,
    }),
  );
}

/** A subkey judged alone; whether it is the one that is used is known later. */
async function judgeSubkey(pgp: OpenPgp, read: ReadKey, subkey: Subkey, now: Date): Promise<SubkeyReport> {
  const binding = await subkey.verify(now).catch(() => newest(subkey.bindingSignatures));
  const capabilities = capabilitiesOf(pgp, subkey.keyPacket.algorithm, binding);
  const expires = moment(await subkey.getExpirationTime(now));
  const trouble = await subkeyTrouble(pgp, read, subkey, capabilities, expires, now);
  const verdict = trouble === undefined ? "spare" : "skipped";
  return { ...nameOf(subkey), created: subkey.getCreationTime(), expires, capabilities, verdict, trouble };
}

/** The subkeys of algorithms that the library cannot read and leaves out without a word (version 4 only). */
async function unreadableSubkeys({ key, found }: ReadKey): Promise<readonly SubkeyReport[]> {
  const read = new Set(key.subkeys.map(fingerprintOf));
  const packets = found.packets.filter((packet) => packet.tag === TAG.publicSubkey && packet.body[0] === 4);
  const reports = await Promise.all(
    packets.map(async ({ body }): Promise<SubkeyReport> => {
      const fingerprint = await fingerprintV4(body);
      const seconds = new DataView(body.buffer, body.byteOffset, body.length).getUint32(1);
      const algorithm = `algorithm ${body[5]}`;
      const trouble = { code: "pgp-key-unsupported", reason: `${algorithm} is not supported` };
      const created = new Date(seconds * 1000);
      return { fingerprint, algorithm, created, expires: undefined, capabilities: [], verdict: "skipped", trouble };
    }),
  );
  return reports.filter((report) => !read.has(report.fingerprint));
}

/** The fingerprint of a version 4 key packet: SHA-1 over its framed body (RFC 9580 section 5.5.4.2). */
async function fingerprintV4(body: Uint8Array): Promise<string> {
  const framed = new Uint8Array([0x99, body.length >> 8, body.length & 0xff, ...body]);
  const digest = new Uint8Array(await webcrypto.subtle.digest("SHA-1", framed));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase();
}

/** What stands for a whole key of which no part can be encrypted to: the trouble of its newest encryption subkey. */
function noSubkeyTrouble(subkeys: readonly SubkeyReport[], primary: KeyIssue): KeyIssue {
  const byAge = [...subkeys].sort((a, b) => b.created.getTime() - a.created.getTime());
  const meant =
    byAge.find(({ capabilities }) => capabilities.includes("encrypt")) ??
    byAge.find(({ trouble }) => trouble?.code === "pgp-key-unsupported" || trouble?.code === "pgp-key-sha1");
  if (meant?.trouble === undefined) {
    return { code: primary.code, reason: `${primary.reason}, and it has no subkey for encryption` };
  }
  return {
    code: meant.trouble.code,
    reason: `its subkey ${meant.fingerprint} cannot be used: ${meant.trouble.reason}`,
  };
}

/** The user IDs of a key, each with whether its self-certification holds. */
function judgeUserIds(key: Key, now: Date): Promise<KeyReport["userIds"]> {
  const named = key.users.flatMap((user) => (user.userID === null ? [] : [{ user, userId: user.userID.userID }]));
  return Promise.all(
    named.map(async ({ user, userId }) => ({ userId, valid: await user.verify(now).catch(() => false) })),
  );
}

/**
 * The part of a sound key that is encrypted to, as the library chooses it, or why there is none.
 *
 * It encrypts a throw-away text, so that a key that only looks sound is found before anything depends on it.
 */
async function encryptionPart(pgp: OpenPgp, key: Key, now: Date): Promise<KeyName | KeyIssue | undefined> {
  const part = await key.getEncryptionKey(undefined, now).catch(() => undefined);
  if (part === undefined) return undefined;
  try {
    await encryptTo(pgp, [key], new Uint8Array(1), now);
    return nameOf(part);
  } catch (error) {
    return { code: "pgp-key-invalid", reason: `encryption to it failed (${escapeControls(errorMessage(error))})` };
  }
}

/** Judges one key for the moment `now`. */
async function judge(pgp: OpenPgp, read: ReadKey, now: Date): Promise<KeyReport> {
  const { key } = read;
  const capabilities = capabilitiesOf(pgp, key.keyPacket.algorithm, await selfSignature(pgp, key, now));
  const primaryUser = await key.getPrimaryUser(now).catch(() => undefined);
  const judged = [
    ...(await Promise.all(key.subkeys.map((subkey) => judgeSubkey(pgp, read, subkey, now)))),
    ...(await unreadableSubkeys(read)),
  ];
  const own = await primaryTrouble(pgp, read, now);
  const part = own ?? (await encryptionPart(pgp, key, now));
  const encryptsTo = part !== undefined && "fingerprint" in part ? part : undefined;
  const failed = part !== undefined && "code" in part ? part : undefined;
  const subkeys = judged.map(
    (subkey): SubkeyReport =>
      subkey.fingerprint === encryptsTo?.fingerprint ? { ...subkey, verdict: "used", trouble: undefined } : subkey,
  );
  const purpose = purposeTrouble(capabilities) ?? { code: "pgp-key-invalid", reason: "it cannot be encrypted to" };
  return {
    ...nameOf(key),
    version: key.keyPacket.version,
    created: key.getCreationTime(),
    expires: moment(await key.getExpirationTime()),
    capabilities,
    userId: primaryUser?.user.userID?.userID ?? key.getUserIDs()[0],
    userIds: await judgeUserIds(key, now),
    subkeys,
    encryptsTo,
    trouble: failed ?? (encryptsTo === undefined ? noSubkeyTrouble(subkeys, purpose) : undefined),
  };
}

/** The way out of each trouble, and the command for it where the key is one that GnuPG knows. */
const HINTS: Readonly<Record<string, readonly [hint: string, command?: (fingerprint: string) => string]>> = {
  "pgp-key-private": [
    "treat it as exposed if it stood on a command line or in a log, and export the public key",
    (fpr) => `gpg --export --armor ${fpr}`,
  ],
  "pgp-key-revoked": ["ask its owner for the key that took its place"],
  "pgp-key-weak": ["ask its owner for a newer key (RSA of 3072 bits, or Curve25519)"],
  "pgp-key-sha1": [
    "ask its owner to sign it anew and export it again",
    (fpr) =>
      `gpg --cert-digest-algo SHA256 --quick-set-expire ${fpr} 1y && gpg --cert-digest-algo SHA256 --quick-set-expire ${fpr} 1y '*'`,
  ],
  "pgp-key-not-yet-valid": ["check the clock of this machine"],
  "pgp-key-expired": [
    "ask its owner to extend it and export it again",
    (fpr) => `gpg --quick-set-expire ${fpr} 1y && gpg --quick-set-expire ${fpr} 1y '*'`,
  ],
  "pgp-key-sign-only": [
    "ask its owner to add an encryption subkey and export it again",
    (fpr) => `gpg --quick-add-key ${fpr}`,
  ],
  "pgp-key-unsupported": ["ask its owner for a Curve25519 subkey", (fpr) => `gpg --quick-add-key ${fpr} cv25519 encr`],
  "pgp-key-invalid": ["export it again from where it was made", (fpr) => `gpg --export --armor ${fpr}`],
};

function hintFor(trouble: KeyIssue, fingerprint: string): string {
  const [hint, command] = HINTS[trouble.code] ?? ["use another key"];
  return command === undefined || isV6(fingerprint) ? hint : `${hint}: ${command(fingerprint)}`;
}

function describe(report: KeyReport): string {
  return `${report.fingerprint}${report.userId === undefined ? "" : ` ${quote(report.userId)}`}`;
}

/** A key's trouble as the failure that ends the command. */
function problemOf(report: KeyReport, trouble: KeyIssue, origin: string): Problem {
  const subkeys = report.subkeys.flatMap(({ fingerprint, algorithm, trouble: own }) =>
    own === undefined ? [] : [`Subkey ${fingerprint} (${algorithm}): ${own.reason}`],
  );
  return new Problem(`Cannot encrypt to ${describe(report)} from ${escapeControls(origin)}: ${trouble.reason}`, {
    code: trouble.code,
    exit: "noUsableKey",
    hint: hintFor(trouble, report.fingerprint),
    details: subkeys,
  });
}

/** Lets the library read one key; what it cannot read becomes a failure that says why. */
async function parse(pgp: OpenPgp, found: RawKey, origin: string): Promise<ReadKey> {
  const version = found.packets[0]?.body[0];
  if (version !== 4 && version !== 6) {
    throw new Problem(`Cannot use the key from ${escapeControls(origin)}: its format is version ${version}`, {
      code: "pgp-key-unsupported",
      exit: "noUsableKey",
      hint: "versions 4 and 6 are supported; ask its owner for one made with: gpg --quick-gen-key NAME rsa3072",
    });
  }
  try {
    const trusted = found.packets.filter((packet) => !isSha1Signature(packet));
    const [key] = await pgp.readKeys({ binaryKeys: joinBytes(trusted.map(({ whole }) => whole)) });
    if (key !== undefined) return { key, found };
  } catch (error) {
    throw new Problem(`Cannot read the key from ${escapeControls(origin)}: ${escapeControls(errorMessage(error))}`, {
      code: "pgp-key-damaged",
      exit: "noUsableKey",
      hint: "export it again with: gpg --export --armor NAME",
      cause: error,
    });
  }
  throw notAKey(origin, "it holds no key that can be read");
}

/** Reads the keys in some material; copies of one key are merged, so that a revocation in any of them counts. */
async function readKeys(
  pgp: OpenPgp,
  material: string | Uint8Array,
  origin: string,
  now: Date,
): Promise<readonly ReadKey[]> {
  const byFingerprint = new Map<string, ReadKey>();
  for (const found of findKeys(material, origin)) {
    const read = await parse(pgp, found, origin);
    const fingerprint = fingerprintOf(read.key);
    const seen = byFingerprint.get(fingerprint);
    if (seen === undefined) {
      byFingerprint.set(fingerprint, read);
      continue;
    }
    const key: Key = await seen.key.toPublic().update(read.key.toPublic(), now);
    const packets = [...seen.found.packets, ...found.packets];
    const secret = seen.found.secret || found.secret;
    byFingerprint.set(fingerprint, { key, found: { packets, bytes: key.write(), secret } });
  }
  return [...byFingerprint.values()];
}

/** What narrows down the keys of a source. */
export interface Choice {
  /** Fingerprints that the user pinned, in any spelling that {@link parsePin} takes. */
  readonly pins?: readonly string[];
  /** The mail address that one of the key's user IDs has to have. */
  readonly address?: string;
}

/** Whether a user ID is for a mail address (the whole of it, or the part in angle brackets), without case. */
function isFor(userId: string, address: string): boolean {
  const inside = /<([^<>]*)>\s*$/.exec(userId)?.[1] ?? userId;
  return inside.trim().toLowerCase() === address.toLowerCase();
}

/** The keys that are meant among all that a source gave; exactly one where nothing narrows them down. */
function choose(reports: readonly Judged[], origin: string, choice: Choice): readonly Judged[] {
  const addressed = withAddress(reports, origin, choice.address);
  const pins = (choice.pins ?? []).map((pin) => parsePin(pin));
  if (pins.length > 0) return withPin(addressed, origin, pins);
  const usable = addressed.filter(({ report }) => report.trouble === undefined);
  // A directory may hand out a revoked or expired key beside the one that took its place.
  if (choice.address !== undefined && usable.length === 1) return usable;
  if (addressed.length < 2) return addressed;
  throw new Problem(`Cannot tell which of the ${addressed.length} keys from ${escapeControls(origin)} is meant`, {
    code: "pgp-several-keys",
    exit: "noUsableKey",
    hint: `choose with --pgp-fingerprint ${addressed[0]?.report.fingerprint ?? ""} (or another), or give the key alone`,
    details: addressed.map(({ report }) => `Found: ${describe(report)}`),
  });
}

function withAddress(reports: readonly Judged[], origin: string, address: string | undefined): readonly Judged[] {
  if (address === undefined) return reports;
  const own = reports.filter(({ report }) =>
    report.userIds.some(({ userId, valid }) => valid && isFor(userId, address)),
  );
  if (own.length > 0) return own;
  throw new Problem(`Cannot encrypt to ${quote(address)}: no key from ${escapeControls(origin)} is for this address`, {
    code: "pgp-address-mismatch",
    exit: "noUsableKey",
    hint: "ask its owner for the key itself and give it with --pgp-key",
    details: reports.map(({ report }) => `Found: ${describe(report)}`),
  });
}

function withPin(reports: readonly Judged[], origin: string, pins: readonly string[]): readonly Judged[] {
  const pinned = reports.filter(({ report }) =>
    [report, ...report.subkeys].some(({ fingerprint }) => pins.includes(fingerprint)),
  );
  const [first] = reports;
  if (pinned.length > 0 || first === undefined) return pinned;
  const which = reports.length === 1 ? describe(first.report) : `any of the ${reports.length} keys`;
  throw new Problem(
    `Cannot encrypt to ${which} from ${escapeControls(origin)}: ${reports.length === 1 ? "its fingerprint is not" : "none has the fingerprint"} ${joined(pins, "or")}`,
    {
      code: "pgp-fingerprint-mismatch",
      exit: "noUsableKey",
      hint: `ask its owner for the fingerprint; if the key is right, add --pgp-fingerprint ${first.report.fingerprint}`,
      details: reports.length === 1 ? [] : reports.map(({ report }) => `Found: ${describe(report)}`),
    },
  );
}

interface Judged {
  readonly read: ReadKey;
  readonly report: KeyReport;
}

async function judgeAll(
  pgp: OpenPgp,
  material: string | Uint8Array,
  origin: string,
  now: Date,
): Promise<readonly Judged[]> {
  const keys = await readKeys(pgp, material, origin, now);
  return Promise.all(keys.map(async (read) => ({ read, report: await judge(pgp, read, now) })));
}

function skippedOf(report: KeyReport): readonly SkippedKey[] {
  return report.subkeys.flatMap(({ fingerprint, algorithm, verdict, trouble }) => {
    if (verdict === "used") return [];
    return [{ fingerprint, algorithm, reason: trouble?.reason ?? "a newer one is used" }];
  });
}

/**
 * The recipients that some key material stands for, each of them judged for the moment `now` and tried.
 *
 * The material is base64 of an armored or of a binary key, armored text, or bytes of any of these. It has to hold exactly
 * one primary key, unless pins (or the address) choose among several. `origin` is how the user named it, for messages.
 *
 * Throws a `Problem` with exit `noUsableKey` and a code of its own for each reason why a key cannot be used
 * (`pgp-not-a-key`, `pgp-several-keys`, `pgp-key-expired`, …).
 */
export async function recipientsFrom(
  material: string | Uint8Array,
  origin: string,
  now: Date,
  choice: Choice = {},
): Promise<readonly Recipient[]> {
  const pgp = await import("openpgp");
  const meant = choose(await judgeAll(pgp, material, origin, now), origin, choice);
  return meant.map(({ read, report }): Recipient => {
    const { fingerprint, algorithm, userId, created, expires, encryptsTo, trouble } = report;
    if (encryptsTo === undefined) {
      throw problemOf(report, trouble ?? { code: "pgp-key-invalid", reason: "it cannot be encrypted to" }, origin);
    }
    return {
      fingerprint,
      algorithm,
      userId,
      userIds: report.userIds.filter(({ valid }) => valid).map((id) => id.userId),
      created,
      expires,
      origin,
      encryptsTo,
      skipped: skippedOf(report),
      certificate: read.key.write(),
      judged: now,
    };
  });
}

/** What a key is and whether it would be used, as plain JSON. */
export interface Inspection {
  readonly origin: string;
  readonly fingerprint: string;
  readonly version: number;
  readonly algorithm: string;
  readonly userId: string | null;
  readonly userIds: readonly { readonly userId: string; readonly valid: boolean }[];
  /** UTC, ISO 8601. */
  readonly created: string;
  readonly expires: string | null;
  readonly capabilities: readonly Capability[];
  readonly usable: boolean;
  /** The code and the words of the reason why it cannot be used. */
  readonly code: string | null;
  readonly reason: string | null;
  readonly hint: string | null;
  /** Fingerprint of the subkey (or of the key itself) that is encrypted to. */
  readonly encryptsTo: string | null;
  readonly subkeys: readonly InspectedSubkey[];
}

/** A subkey in an {@link Inspection}. */
export interface InspectedSubkey {
  readonly fingerprint: string;
  readonly algorithm: string;
  readonly created: string;
  readonly expires: string | null;
  readonly capabilities: readonly Capability[];
  readonly verdict: SubkeyReport["verdict"];
  readonly code: string | null;
  readonly reason: string | null;
}

/**
 * Describes every key in some material, also those that cannot be used (private, expired, revoked, weak, …).
 *
 * Throws a `Problem` only where there is no key that can be read.
 */
export async function inspectKey(
  material: string | Uint8Array,
  origin: string,
  now: Date,
): Promise<readonly Inspection[]> {
  const pgp = await import("openpgp");
  const judged = await judgeAll(pgp, material, origin, now);
  return judged.map(({ report }): Inspection => {
    const { fingerprint, version, algorithm, userIds, capabilities, trouble } = report;
    return {
      origin,
      fingerprint,
      version,
      algorithm,
      userId: report.userId ?? null,
      userIds,
      created: isoTime(report.created),
      expires: report.expires === undefined ? null : isoTime(report.expires),
      capabilities,
      usable: trouble === undefined,
      code: trouble?.code ?? null,
      reason: trouble?.reason ?? null,
      hint: trouble === undefined ? null : hintFor(trouble, fingerprint),
      encryptsTo: report.encryptsTo?.fingerprint ?? null,
      subkeys: report.subkeys.map(inspectedSubkey),
    };
  });
}

function inspectedSubkey(subkey: SubkeyReport): InspectedSubkey {
  return {
    fingerprint: subkey.fingerprint,
    algorithm: subkey.algorithm,
    created: isoTime(subkey.created),
    expires: subkey.expires === undefined ? null : isoTime(subkey.expires),
    capabilities: subkey.capabilities,
    verdict: subkey.verdict,
    code: subkey.trouble?.code ?? null,
    reason: subkey.trouble?.reason ?? null,
  };
}

/**
 * One binary message to several keys.
 *
 * A session key without an AEAD algorithm makes the library write SEIPD version 1, which every OpenPGP program reads;
 * left to itself it follows what a version 4 key advertises, to messages that GnuPG cannot open.
 */
async function encryptTo(
  pgp: OpenPgp,
  encryptionKeys: PublicKey[],
  binary: Uint8Array,
  date: Date,
): Promise<Uint8Array> {
  const own = await pgp.generateSessionKey({ encryptionKeys, date });
  const sessionKey = everyV6(encryptionKeys) ? own : { data: own.data, algorithm: own.algorithm };
  const message = await pgp.createMessage({ binary, date });
  return pgp.encrypt({ message, encryptionKeys, sessionKey, format: "binary", date });
}

function everyV6(keys: readonly PublicKey[]): boolean {
  return keys.every((key) => key.keyPacket.version === 6);
}

/**
 * Encrypts text as one message that each of the recipients can read.
 *
 * The message is integrity-protected in the form that every OpenPGP program reads (SEIPD version 1, RFC 9580 section
 * 5.13.1), also for version 4 keys that advertise more; only if all keys are of version 6 do their own preferences
 * count. The literal data is the UTF-8 text byte for byte, without a file name. `base64` and `base64-armor` are one
 * line, `armor` ends without a line break.
 */
export async function encrypt(
  recipients: readonly Recipient[],
  plaintext: string,
  format: EncryptedFormat,
): Promise<string> {
  if (recipients.length === 0) {
    throw new Problem("Cannot encrypt: there is no recipient", { code: "no-recipient", exit: "noUsableKey" });
  }
  const pgp = await import("openpgp");
  const certificates = new Map(recipients.map((recipient) => [recipient.fingerprint, recipient.certificate]));
  const keys = await Promise.all([...certificates.values()].map((binaryKey) => pgp.readKey({ binaryKey })));
  const date = new Date(Math.max(...recipients.map((recipient) => recipient.judged.getTime())));
  const binary = await encryptTo(pgp, keys, new TextEncoder().encode(plaintext), date);
  if (format === "base64") return toBase64(binary);
  const { message } = pgp.enums.armor;
  const armored = pgp.armor(message, binary, undefined, undefined, undefined, !everyV6(keys)).replaceAll("\r\n", "\n");
  return format === "armor" ? armored.trimEnd() : toBase64(new TextEncoder().encode(armored));
}
