import type { Key } from "openpgp";
import { concatBytes } from "../../core/bytes.ts";
import {
  isSha1SelfSignature,
  notAKeyProblem,
  parsePgpKeys,
  type TransferableKey,
} from "../../core/pgp/key-material.ts";
import { errorMessage, Problem } from "../../core/problem.ts";
import { escapeControls } from "../../core/text.ts";
import { fingerprintOf } from "./fingerprint-and-algorithm.ts";
import type { OpenPgp, ParsedKey } from "./key-report.ts";

/** Parses one key; throws a Problem that says why if that fails. */
async function parse(pgp: OpenPgp, raw: TransferableKey, origin: string): Promise<ParsedKey> {
  const version = raw.packets[0]?.body[0];
  if (version !== 4 && version !== 6) {
    throw new Problem(`Cannot use the key from ${escapeControls(origin)}: its format is version ${version}`, {
      code: "pgp-key-unsupported",
      exit: "noUsableKey",
      hint: "versions 4 and 6 are supported; ask its owner for a key created with: gpg --quick-gen-key NAME rsa3072",
    });
  }
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

/** Parses the keys in some material. Copies of one key are merged, so that a revocation in any of them counts. */
export async function parseKeys(
  pgp: OpenPgp,
  material: string | Uint8Array,
  origin: string,
  now: Date,
): Promise<readonly ParsedKey[]> {
  const byFingerprint = new Map<string, ParsedKey>();
  for (const raw of parsePgpKeys(material, origin)) {
    const parsed = await parse(pgp, raw, origin);
    const fingerprint = fingerprintOf(parsed.key);
    const seen = byFingerprint.get(fingerprint);
    if (seen === undefined) {
      byFingerprint.set(fingerprint, parsed);
      continue;
    }
    const key: Key = await seen.key.toPublic().update(parsed.key.toPublic(), now);
    const packets = [...seen.raw.packets, ...raw.packets];
    const secret = seen.raw.secret || raw.secret;
    byFingerprint.set(fingerprint, { key, raw: { packets, bytes: key.write(), secret } });
  }
  return [...byFingerprint.values()];
}
