import { Buffer } from "node:buffer";
import { generateKeyPairSync, type KeyPairKeyObjectResult, randomBytes } from "node:crypto";
import type { JsonObject } from "../core/json/json.ts";
import { keyTypeAndCurveFor } from "../core/jwk/key-algorithms.ts";
import { storedMembers } from "./key-set.ts";
import type { Behaviour } from "./versions.ts";

/** Shorter than that of a real server, which takes seconds to generate one. */
const RSA_BITS = 2048;

/** Generates a key pair of the type and curve that an algorithm needs. */
function generateKeyPairForAlgorithm(alg: string): KeyPairKeyObjectResult {
  const { kty, crv } = keyTypeAndCurveFor(alg);
  if (kty === "OKP") return generateKeyPairSync("ed25519");
  return crv === undefined
    ? generateKeyPairSync("rsa", { modulusLength: RSA_BITS })
    : generateKeyPairSync("ec", { namedCurve: crv });
}

const initialPairs = new Map<string, KeyPairKeyObjectResult>();

/**
 * The key that a signing set has from the start. All sandboxes of a process have the same ones, under IDs of their own:
 * an RSA key takes a tenth of a second, and a test suite starts hundreds of sandboxes.
 */
export function getOrGenerateInitialKeyPair(set: string): KeyPairKeyObjectResult {
  const pair = initialPairs.get(set) ?? generateKeyPairForAlgorithm("RS256");
  initialPairs.set(set, pair);
  return pair;
}

/** Generates the secret of a symmetric key, as base64url. */
function generateHmacSecret(alg: string): string {
  return Buffer.from(randomBytes(alg === "HS256" ? 16 : 64)).toString("base64url");
}

/** Generates a key, or takes the pair that is given, as a version stores it, in the order in which it adds the parts. */
export function generateStoredKeys(
  { keys }: Pick<Behaviour, "keys">,
  { kid, alg, use }: { readonly kid: string; readonly alg: string; readonly use: string },
  pair?: KeyPairKeyObjectResult,
): readonly JsonObject[] {
  const shared = use === "" ? {} : { use };
  if (alg.startsWith("HS")) return [storedMembers({ ...shared, kty: "oct", kid, alg, k: generateHmacSecret(alg) })];
  const { privateKey, publicKey } = pair ?? generateKeyPairForAlgorithm(alg);
  const privateJwk: JsonObject = { ...privateKey.export({ format: "jwk" }), ...shared };
  if (!keys.pairs) return [storedMembers({ ...privateJwk, kid, alg })];
  // Servers with pairs name the algorithm of RSA keys only.
  const named = alg.startsWith("RS") ? { alg } : {};
  // They leave out the members of private RSA keys that follow from the others.
  const { dp: _, dq: __, qi: ___, ...short } = privateJwk;
  return [
    storedMembers({ ...short, ...named, kid: `private:${kid}` }),
    storedMembers({ ...publicKey.export({ format: "jwk" }), ...shared, ...named, kid: `public:${kid}` }),
  ];
}
