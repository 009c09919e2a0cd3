import { Buffer } from "node:buffer";
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  type PrivateKeyInput,
  sign,
  verify,
  X509Certificate,
} from "node:crypto";
import { promisify } from "node:util";
import { decodeUtf8OrUtf16 } from "../core/bytes.ts";
import { parseJsonOrUndefined } from "../core/json/json.ts";
import { asJsonWebKey, isSymmetric, type JsonWebKey, jsonWebKeysIn, publicPart } from "../core/jwk/json-web-key.ts";
import { hasPrivateMembers } from "../core/jwk/jwk-members.ts";
import { isKeySupportedByServers, keyTypeAndCurveFor } from "../core/jwk/key-algorithms.ts";
import { findRsaInconsistency, withCrtMembersFromPrimes } from "../core/jwk/rsa-parameters.ts";
import { findUnsupportedKeyFormat } from "../core/jwk/unsupported-key-format.ts";
import { errorCode, Problem, usageError } from "../core/problem.ts";
import { quote } from "../core/text.ts";

/** A file with keys, and how the passphrase of an encrypted one is found. */
interface KeyFile {
  readonly bytes: Uint8Array;
  /** The file as messages name it. */
  readonly name: string;
  readonly isStdin?: boolean;
  readonly passphrase: () => Promise<string>;
}

const FORMATS = "it can be a JSON Web Key, a key set, PEM, DER or an X.509 certificate";

function badKeyFileProblem({ name }: Pick<KeyFile, "name">, reason: string, hint = FORMATS): Problem {
  return usageError(`Cannot read the key in ${quote(name)}: ${reason}`, hint, "bad-key");
}

/** The key of a key object as a JSON Web Key, without an ID. */
function exportJsonWebKey(key: KeyObject): JsonWebKey | undefined {
  return asJsonWebKey(key.export({ format: "jwk" }));
}

/** The key object of a JSON Web Key; the runtime's error never contains the key. */
function toKeyObject(key: JsonWebKey): KeyObject {
  const whole = withCrtMembersFromPrimes(key);
  const members = Object.entries(whole).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  const input = { key: Object.fromEntries(members), format: "jwk" as const };
  return hasPrivateMembers(key) ? createPrivateKey(input) : createPublicKey(input);
}

/** Reads a private key, asking for the passphrase only if it needs one. */
async function readPrivateKey(file: KeyFile, input: PrivateKeyInput, isEncrypted: boolean): Promise<KeyObject> {
  if (!isEncrypted) return createPrivateKey(input);
  const passphrase = await file.passphrase();
  try {
    return createPrivateKey({ ...input, passphrase });
  } catch {
    throw usageError(
      `Cannot decrypt the key in ${quote(file.name)}: the passphrase is wrong, or the encryption is not supported`,
      "check the passphrase; one trailing line break in --passphrase-file is ignored",
      "bad-passphrase",
    );
  }
}

/** A block of PEM (RFC 7468). */
const PEM_BLOCK_PATTERN = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

async function readPemBlock(file: KeyFile, label: string, text: string): Promise<KeyObject> {
  if (label === "CERTIFICATE") return new X509Certificate(text).publicKey;
  if (label.endsWith("PUBLIC KEY")) return createPublicKey(text);
  if (!label.endsWith("PRIVATE KEY"))
    throw badKeyFileProblem(file, `it has a PEM block ${quote(label)}, which is not a key`);
  const isEncrypted = label.startsWith("ENCRYPTED") || /^Proc-Type: *4,ENCRYPTED/m.test(text);
  return readPrivateKey(file, { key: text, format: "pem" }, isEncrypted);
}

/** Runs a reader of the runtime, whose errors name the part of the encoding that is wrong. */
async function requireReadableKey(file: KeyFile, read: () => Promise<KeyObject>): Promise<JsonWebKey> {
  try {
    const key = exportJsonWebKey(await read());
    if (key !== undefined && isUsable(key)) return key;
  } catch (error) {
    if (error instanceof Problem) throw error;
  }
  throw badKeyFileProblem(
    file,
    "it is damaged, or its key type is not supported",
    "supported are RSA, EC on P-256, P-384 and P-521, and Ed25519",
  );
}

async function readPemKeys(file: KeyFile, text: string): Promise<readonly JsonWebKey[]> {
  const blocks = [...text.matchAll(PEM_BLOCK_PATTERN)].map(([block, label = ""]) => ({ label, text: block }));
  // OpenSSL writes the parameters of a curve before the key.
  const keys = blocks.filter(({ label }) => !label.endsWith("PARAMETERS"));
  if (keys.length === 0) throw badKeyFileProblem(file, "its PEM text has no end, or no key");
  const read: JsonWebKey[] = [];
  for (const { label, text: block } of keys)
    read.push(await requireReadableKey(file, () => readPemBlock(file, label, block)));
  return read;
}

/** The first reader of binary encodings that accepts the bytes. */
async function readDerKey(file: KeyFile): Promise<KeyObject> {
  const key = Buffer.from(file.bytes);
  const readers: readonly (() => KeyObject)[] = [
    () => createPrivateKey({ key, format: "der", type: "pkcs8" }),
    () => createPrivateKey({ key, format: "der", type: "pkcs1" }),
    () => createPrivateKey({ key, format: "der", type: "sec1" }),
    () => createPublicKey({ key, format: "der", type: "spki" }),
    () => createPublicKey({ key, format: "der", type: "pkcs1" }),
    () => new X509Certificate(key).publicKey,
  ];
  for (const read of readers) {
    try {
      return read();
    } catch (error) {
      if (errorCode(error) === "ERR_MISSING_PASSPHRASE")
        return readPrivateKey(file, { key, format: "der", type: "pkcs8" }, true);
    }
  }
  throw badKeyFileProblem(file, "its format is not supported");
}

/** The keys in a JSON text, each of them checked. */
function readJsonKeys(file: KeyFile, text: string): readonly JsonWebKey[] {
  const json = parseJsonOrUndefined(text)?.value;
  if (json === undefined)
    throw badKeyFileProblem(file, "it is not complete JSON", "check that the whole file was copied");
  const keys = jsonWebKeysIn(json);
  if (keys === undefined)
    throw badKeyFileProblem(
      file,
      "it is JSON, but neither a key nor a key set",
      'a key has a "kty", a set a list "keys" (RFC 7517)',
    );
  for (const [at, key] of keys.entries()) {
    const which = keys.length === 1 ? "it" : `key ${at + 1} of ${keys.length}`;
    if (!isUsable(key))
      throw badKeyFileProblem(
        file,
        `${which} is incomplete, its members don't belong together, or its type is not supported`,
        "check its members (RFC 7518, 6)",
      );
  }
  return keys;
}

function isUsable(key: JsonWebKey): boolean {
  if (isSymmetric(key)) return typeof key["k"] === "string" && key["k"] !== "";
  if (!isKeySupportedByServers(key) || findRsaInconsistency(key) !== undefined) return false;
  try {
    const object = toKeyObject(key);
    if (!hasPrivateMembers(key)) return true;
    return areMatchingHalves(object, toKeyObject(publicPart(key)), digestAlgorithmFor(key));
  } catch {
    return false;
  }
}

/** Whether the private members of a key belong to its public ones, which the runtime does not check. RSA signs without `d`. */
function areMatchingHalves(privateKey: KeyObject, publicKey: KeyObject, digest: string | null): boolean {
  const text = Buffer.from("hydra");
  return verify(digest, text, publicKey, sign(digest, text, privateKey));
}

/** The digest to sign with, if it isn't SHA-256; Deno accepts only the one of the curve (RFC 7518, 3.4). */
const DIGESTS: ReadonlyMap<string | undefined, string> = new Map([
  ["P-384", "sha384"],
  ["P-521", "sha512"],
]);

/** The digest to sign with. Ed25519 takes none. */
function digestAlgorithmFor({ crv }: JsonWebKey): string | null {
  return crv === "Ed25519" ? null : (DIGESTS.get(crv) ?? "sha256");
}
/** The keys in a file, in its order, in any of the supported formats. */
export async function parseKeyFile(file: KeyFile): Promise<readonly JsonWebKey[]> {
  const text = decodeUtf8OrUtf16(file.bytes);
  if (text.trim() === "") throw badKeyFileProblem(file, "it is empty");
  const foreign = findUnsupportedKeyFormat(text, file.isStdin ? "FILE" : file.name);
  if (foreign !== undefined) throw badKeyFileProblem(file, foreign.reason, foreign.hint);
  if (/^\s*[{[]/.test(text)) return readJsonKeys(file, text);
  if (text.includes("-----BEGIN ")) return readPemKeys(file, text);
  return [await requireReadableKey(file, () => readDerKey(file))];
}

/** The members that identify a key, in the order of their names (RFC 7638, 3.2). */
const THUMBPRINT_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ["e", "kty", "n"],
  EC: ["crv", "kty", "x", "y"],
  OKP: ["crv", "kty", "x"],
  oct: ["k", "kty"],
};

/** The thumbprint of a key (RFC 7638), which is the same for its private and its public part. */
export function thumbprintOf(key: JsonWebKey): string {
  const members = (THUMBPRINT_MEMBERS[key.kty] ?? []).map((name) => [name, key[name]]);
  return createHash("sha256")
    .update(JSON.stringify(Object.fromEntries(members)))
    .digest("base64url");
}

/** A key in PEM: PKCS #8 for a private one, SPKI for a public one; undefined for a shared secret. */
export function toPem(key: JsonWebKey): string | undefined {
  if (isSymmetric(key)) return undefined;
  const object = toKeyObject(key);
  const pem = object.export({ format: "pem", type: object.type === "private" ? "pkcs8" : "spki" });
  return typeof pem === "string" ? pem : pem.toString();
}

/** As long as those that servers generate. */
const RSA_BITS = 4096;

/** Generates a private key for an algorithm; its ID is its thumbprint. */
export async function generateSigningKey(alg: string, use: string): Promise<JsonWebKey> {
  const generate = promisify(generateKeyPair);
  const { kty, crv } = keyTypeAndCurveFor(alg);
  const { privateKey } =
    kty === "OKP"
      ? await generate("ed25519")
      : crv === undefined
        ? await generate("rsa", { modulusLength: RSA_BITS })
        : await generate("ec", { namedCurve: crv });
  const key = exportJsonWebKey(privateKey);
  if (key === undefined) throw new TypeError(`no key for ${alg}`);
  return { ...key, use, alg, kid: thumbprintOf(publicPart(key)) };
}
