import { isSymmetric, type JsonWebKey, publicPart } from "../core/jwk/json-web-key.ts";
import { hasPrivateMembers } from "../core/jwk/jwk-members.ts";
import { hasKidOrPrefixedKid, kidWithoutPrefix } from "../core/jwk/key-pair-halves.ts";
import type { KeyPairStorage } from "../servers/family.ts";
import type { KeyWithKid } from "./read-key-files.ts";
import { isTokenSigningSet } from "./signing-state.ts";

/** A set, and how its server stores key pairs. */
export interface SetAndKeyPairStorage {
  readonly set: string;
  readonly shape: KeyPairStorage;
}

/** A key as Hydra 1.x stores it, which signs with a pair and names its public half in tokens. */
function convertForPairStorage({ set }: SetAndKeyPairStorage, key: KeyWithKid): readonly KeyWithKid[] {
  const kid = kidWithoutPrefix(key.kid);
  if (isSymmetric(key)) return [key];
  const isMoved = isTokenSigningSet(set) || kid !== key.kid;
  if (!hasPrivateMembers(key)) return [{ ...key, kid: isMoved ? `public:${kid}` : key.kid }];
  return [
    { ...key, kid: `private:${kid}` },
    { ...publicPart(key), kid: `public:${kid}` },
  ];
}

/**
 * A key as servers without pairs store it: a private half of Hydra 1.x gets the ID of its public half, because existing
 * tokens carry that key ID.
 */
function convertForSingleStorage(key: KeyWithKid): KeyWithKid {
  const isHalf = hasPrivateMembers(key) && !isSymmetric(key) && key.kid.startsWith("private:");
  return isHalf ? { ...key, kid: `public:${kidWithoutPrefix(key.kid)}` } : key;
}

/** Keys as a server stores them, in the same order. */
export function convertKeysToServerShape(
  target: SetAndKeyPairStorage,
  keys: readonly KeyWithKid[],
): readonly KeyWithKid[] {
  return keys.flatMap((key) =>
    target.shape === "pair" ? convertForPairStorage(target, key) : [convertForSingleStorage(key)],
  );
}

/**
 * The keys of a set that an ID names, as its server stores them: of a pair both halves, also by the ID of its public half,
 * which tokens and lists show; else the key with this ID, or the one that had it as a half of a pair before it was moved
 * from Hydra 1.x.
 */
export function findKeyOrPair(keys: readonly JsonWebKey[], kid: string, shape: KeyPairStorage): readonly JsonWebKey[] {
  const isPublicHalf = shape === "pair" && kid.startsWith("public:");
  const named = keys.filter((key) => hasKidOrPrefixedKid(key, isPublicHalf ? kidWithoutPrefix(kid) : kid));
  const exact = named.filter((key) => key.kid === kid);
  return shape === "single" && exact.length > 0 ? exact : named;
}
