import { isSameKeyIgnoringKid, isSymmetric, type JsonWebKey, publicPart } from "./json-web-key.ts";
import { hasPrivateMembers } from "./jwk-members.ts";

const KID_PREFIX_PATTERN = /^(?:private|public):/;

/** The ID of a key without the prefix that Hydra 1.x gives to each half of a pair. */
export function kidWithoutPrefix(kid: string): string {
  return kid.replace(KID_PREFIX_PATTERN, "");
}

/** Whether a key has an ID, or is a half of the pair with it. */
export function hasKidOrPrefixedKid(key: JsonWebKey, kid: string): boolean {
  const own = key.kid ?? "";
  return own === kid || kidWithoutPrefix(own) === kid;
}

/** Whether some keys have the private or the public half of a key, other than the key itself. */
function includesOtherHalf(keys: readonly JsonWebKey[], key: JsonWebKey, half: "private" | "public"): boolean {
  const kid = kidWithoutPrefix(key.kid ?? "");
  return keys.some(
    (other) =>
      other !== key &&
      kidWithoutPrefix(other.kid ?? "") === kid &&
      hasPrivateMembers(other) === (half === "private") &&
      isSameKeyIgnoringKid(other, key),
  );
}

/** Whether a key, or its private half, is among some keys. */
export function includesKeyOrPrivateHalf(keys: readonly JsonWebKey[], key: JsonWebKey): boolean {
  const same = keys.some((other) => other.kid === key.kid && isSameKeyIgnoringKid(other, key));
  return includesOtherHalf(keys, key, "private") || (same && !hasPrivateMembers(key));
}

/** The keys of a set without what is secret: one for each pair or private key, and what is left of shared secrets. */
export function keyOfEachPairWithoutSecrets(keys: readonly JsonWebKey[]): readonly JsonWebKey[] {
  return keys.filter((key) => !(hasPrivateMembers(key) && includesOtherHalf(keys, key, "public"))).map(publicPart);
}

/** The public keys of a set: one for each pair or private key, none for a shared secret. */
export function publicKeyOfEachPair(keys: readonly JsonWebKey[]): readonly JsonWebKey[] {
  return keyOfEachPairWithoutSecrets(keys.filter((key) => !isSymmetric(key)));
}

/** The keys of a set without the public halves that follow from private ones. */
export function withoutRedundantPublicHalves(keys: readonly JsonWebKey[]): readonly JsonWebKey[] {
  return keys.filter((key) => hasPrivateMembers(key) || !includesOtherHalf(keys, key, "private"));
}
