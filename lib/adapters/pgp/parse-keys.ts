import { concatBytes } from "../../core/bytes.ts";
import {
  isSha1SelfSignature,
  PACKET_TYPE,
  type Packet,
  parsePgpKeys,
  type TransferableKey,
} from "../../core/pgp/key-material.ts";
import { mergeKeyCopies, packetIdentity } from "../../core/pgp/key-parts.ts";
import { errorMessage } from "../../core/problem.ts";
import { escapeControls } from "../../core/text.ts";
import { fingerprintV4, readCreationTime } from "./fingerprint-and-algorithm.ts";
import type { KeyIssue, OpenPgp, ParsedKey, UnreadableKey } from "./key-report.ts";

/** The most packets that a key may have without the signatures of others: evaluating it takes more than linear time. */
const MAX_PACKETS = 500;

/** Lets timers and signals of the program have their turn: parsing and evaluating are chains of promises, which don't. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The fingerprint and the key ID of a primary key, from its packet. */
interface KeyIdentity {
  readonly fingerprint: string;
  readonly keyId: string;
}

/** Reads the packet of a primary key or subkey; returns its issue if the library can't. */
export async function readKeyIdentityOrIssue(pgp: OpenPgp, { tag, body }: Packet): Promise<KeyIdentity | KeyIssue> {
  const secret = tag === PACKET_TYPE.secretKey || tag === PACKET_TYPE.secretSubkey;
  const packet = secret ? new pgp.SecretKeyPacket() : new pgp.PublicKeyPacket();
  try {
    await packet.read(body);
    return { fingerprint: packet.getFingerprint().toUpperCase(), keyId: packet.getKeyID().toHex().toUpperCase() };
  } catch (error) {
    const [algorithm] = body.subarray(5);
    if (algorithm === undefined || !(error instanceof Error && error.name === "UnsupportedError"))
      return { code: "pgp-key-damaged", reason: `it is damaged (${escapeControls(errorMessage(error))})` };
    const isKnown = Object.values(pgp.enums.publicKey).some((known) => known === algorithm);
    const what = isKnown ? "its curve" : `algorithm ${algorithm}`;
    return { code: "pgp-key-unsupported", reason: `${what} is not supported` };
  }
}

const DAMAGED_HINT = "export it again with: gpg --export --armor NAME";

const UNSUPPORTED_HINT = "ask its owner for a key created with: gpg --quick-gen-key NAME rsa3072";

async function unreadableKey(
  { tag, body }: Packet,
  issue: KeyIssue,
  hint = issue.code === "pgp-key-damaged" ? DAMAGED_HINT : UNSUPPORTED_HINT,
): Promise<UnreadableKey> {
  const [version = 0] = body;
  return {
    fingerprint: version === 4 && tag === PACKET_TYPE.publicKey ? await fingerprintV4(body) : undefined,
    version,
    // Version 3 has two more octets, for the days of its validity.
    algorithm: `algorithm ${body[version < 4 ? 7 : 5] ?? "unknown"}`,
    created: readCreationTime(body),
    issue,
    hint,
  };
}

/** Identifies a key by its primary key packet. */
async function identify(pgp: OpenPgp, primary: Packet): Promise<KeyIdentity | UnreadableKey> {
  const [version = 0] = primary.body;
  if (version !== 4 && version !== 6)
    return unreadableKey(
      primary,
      { code: "pgp-key-unsupported", reason: `its format is version ${version}` },
      `versions 4 and 6 are supported; ${UNSUPPORTED_HINT}`,
    );
  const identity = await readKeyIdentityOrIssue(pgp, primary);
  return "keyId" in identity ? identity : unreadableKey(primary, identity);
}

/** Parses one key. A malformed signature, which anyone may have added, is ignored. */
async function parse(
  pgp: OpenPgp,
  raw: TransferableKey,
  { fingerprint }: KeyIdentity,
): Promise<ParsedKey | UnreadableKey> {
  const [primary] = raw.packets;
  if (primary === undefined) throw new TypeError("a key has no packets");
  if (raw.packets.length > MAX_PACKETS) {
    const reason = `it has more than ${MAX_PACKETS} parts and signatures`;
    const hint = `export it without old signatures: gpg --export-options export-minimal --export --armor ${fingerprint}`;
    return unreadableKey(primary, { code: "pgp-key-unsupported", reason }, hint);
  }
  const trusted = raw.packets.filter((packet) => !isSha1SelfSignature(packet));
  const binaryKeys = concatBytes(trusted.map(({ whole }) => whole));
  try {
    const [key] = await pgp.readKeys({ binaryKeys, config: { ignoreMalformedPackets: true } });
    if (key !== undefined) return { key, raw };
    return await unreadableKey(primary, { code: "pgp-key-damaged", reason: "it is damaged" });
  } catch (error) {
    const reason = `it is damaged (${escapeControls(errorMessage(error))})`;
    return unreadableKey(primary, { code: "pgp-key-damaged", reason });
  }
}

/** The copies of one key. */
interface KeyWithCopies extends KeyIdentity {
  readonly copies: TransferableKey[];
}

/** The keys in some material, each with all its copies. */
async function groupKeyCopies(
  pgp: OpenPgp,
  material: string | Uint8Array,
  origin: string,
): Promise<readonly (KeyWithCopies | UnreadableKey)[]> {
  const found = new Map<string, KeyWithCopies | UnreadableKey>();
  const byFingerprint = new Map<string, KeyWithCopies>();
  for (const raw of parsePgpKeys(material, origin)) {
    const [primary] = raw.packets;
    if (primary === undefined) continue;
    const packet = packetIdentity(primary);
    let key = found.get(packet);
    if (key === undefined) {
      await yieldToEventLoop();
      const identity = await identify(pgp, primary);
      // The same key may be there as a public and as a private key.
      key = "keyId" in identity ? (byFingerprint.get(identity.fingerprint) ?? { ...identity, copies: [] }) : identity;
      found.set(packet, key);
    }
    if (!("copies" in key)) continue;
    byFingerprint.set(key.fingerprint, key);
    key.copies.push(raw);
  }
  return [...new Set(found.values())];
}

/**
 * Parses the keys in some material. Copies of one key are merged, so that a revocation in any of them counts. A key that can't
 * be parsed doesn't keep the others from being used.
 */
export async function parseKeys(
  pgp: OpenPgp,
  material: string | Uint8Array,
  origin: string,
): Promise<{ readonly parsed: readonly ParsedKey[]; readonly unreadable: readonly UnreadableKey[] }> {
  const parsed: ParsedKey[] = [];
  const unreadable: UnreadableKey[] = [];
  for (const found of await groupKeyCopies(pgp, material, origin)) {
    await yieldToEventLoop();
    const key = "copies" in found ? await parse(pgp, mergeKeyCopies(found.copies, found.keyId), found) : found;
    if ("raw" in key) parsed.push(key);
    else unreadable.push(key);
  }
  return { parsed, unreadable };
}
