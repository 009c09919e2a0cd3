import { concatBytes } from "../../core/bytes.ts";
import {
  isSha1SelfSignature,
  notAKeyProblem,
  type Packet,
  parsePgpKeys,
  type TransferableKey,
} from "../../core/pgp/key-material.ts";
import { mergeKeyCopies, packetIdentity } from "../../core/pgp/key-parts.ts";
import { errorMessage, Problem } from "../../core/problem.ts";
import { escapeControls } from "../../core/text.ts";
import { fingerprintOf } from "./fingerprint-and-algorithm.ts";
import type { OpenPgp, ParsedKey } from "./key-report.ts";

/** The most packets that a key may have without the signatures of others: evaluating it takes more than linear time. */
const MAX_PACKETS = 500;

/** Lets timers and signals of the program have their turn: parsing and evaluating are chains of promises, which don't. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The fingerprint and the key ID of a primary key, from its packet. */
interface KeyIdentity {
  readonly fingerprint: string;
  readonly keyId: string;
}

async function identify(pgp: OpenPgp, primary: Packet, origin: string): Promise<KeyIdentity> {
  const version = primary.body[0];
  if (version !== 4 && version !== 6) {
    throw new Problem(`Cannot use the key from ${escapeControls(origin)}: its format is version ${version}`, {
      code: "pgp-key-unsupported",
      exit: "noUsableKey",
      hint: "versions 4 and 6 are supported; ask its owner for a key created with: gpg --quick-gen-key NAME rsa3072",
    });
  }
  const { key } = await parse(pgp, { packets: [primary], secret: false }, origin);
  return { fingerprint: fingerprintOf(key), keyId: key.getKeyID().toHex().toUpperCase() };
}

/** Parses one key; throws a Problem that says why if that fails. */
async function parse(pgp: OpenPgp, raw: TransferableKey, origin: string): Promise<ParsedKey> {
  try {
    const trusted = raw.packets.filter((packet) => !isSha1SelfSignature(packet));
    const [key] = await pgp.readKeys({ binaryKeys: concatBytes(trusted.map(({ whole }) => whole)) });
    if (key !== undefined) return { key, raw };
  } catch (error) {
    throw new Problem(`Cannot read the key from ${escapeControls(origin)}: ${escapeControls(errorMessage(error))}`, {
      code: "pgp-key-damaged",
      exit: "noUsableKey",
      hint: "export it again with: gpg --export --armor NAME",
      cause: error,
    });
  }
  throw notAKeyProblem(origin, "it contains no readable key");
}

function rejectLargeKey({ packets }: TransferableKey, fingerprint: string, origin: string): void {
  if (packets.length <= MAX_PACKETS) return;
  throw new Problem(
    `Cannot use the key ${fingerprint} from ${escapeControls(origin)}: it has more than ${MAX_PACKETS} parts and signatures`,
    {
      code: "pgp-key-unsupported",
      exit: "noUsableKey",
      hint: `export it without old signatures: gpg --export-options export-minimal --export --armor ${fingerprint}`,
    },
  );
}

/** The copies of one key. */
interface CopiedKey extends KeyIdentity {
  readonly copies: TransferableKey[];
}

/** The keys in some material, each with all its copies. */
async function findCopies(pgp: OpenPgp, material: string | Uint8Array, origin: string): Promise<readonly CopiedKey[]> {
  const identities = new Map<string, KeyIdentity>();
  const byFingerprint = new Map<string, CopiedKey>();
  for (const raw of parsePgpKeys(material, origin)) {
    const [primary] = raw.packets;
    if (primary === undefined) continue;
    const packet = packetIdentity(primary);
    const identity = identities.get(packet) ?? (await identify(pgp, primary, origin));
    if (!identities.has(packet)) await nextTurn();
    identities.set(packet, identity);
    const seen = byFingerprint.get(identity.fingerprint);
    if (seen === undefined) byFingerprint.set(identity.fingerprint, { ...identity, copies: [raw] });
    else seen.copies.push(raw);
  }
  return [...byFingerprint.values()];
}

/** Parses the keys in some material. Copies of one key are merged, so that a revocation in any of them counts. */
export async function parseKeys(
  pgp: OpenPgp,
  material: string | Uint8Array,
  origin: string,
): Promise<readonly ParsedKey[]> {
  const parsed: ParsedKey[] = [];
  for (const { copies, fingerprint, keyId } of await findCopies(pgp, material, origin)) {
    await nextTurn();
    const merged = mergeKeyCopies(copies, keyId);
    rejectLargeKey(merged, fingerprint, origin);
    parsed.push(await parse(pgp, merged, origin));
  }
  return parsed;
}
