import { isPrivate, isSameKey, type JsonWebKey, publicPart } from "./json-web-key.ts";

const PREFIX = /^(?:private|public):/;

/** The ID of a key without the prefix that Hydra 1.x gives to each half of a pair. */
export function bareKid(kid: string): string {
  return kid.replace(PREFIX, "");
}

/** Whether a key has an ID, or is a half of the pair with it. */
export function hasKid(key: JsonWebKey, kid: string): boolean {
  const own = key.kid ?? "";
  return own === kid || bareKid(own) === kid;
}

/** Whether the other half of a pair, or the same key once more, is among some keys. */
function findTwin(keys: readonly JsonWebKey[], key: JsonWebKey): JsonWebKey | undefined {
  return keys.find(
    (other) =>
      other !== key &&
      bareKid(other.kid ?? "") === bareKid(key.kid ?? "") &&
      isSameKey(publicPart(other), publicPart(key)),
  );
}

/** The public keys of a set: one for each pair or private key, none for a shared secret. */
export function publicKeys(keys: readonly JsonWebKey[]): readonly JsonWebKey[] {
  return keys
    .filter((key) => {
      const twin = isPrivate(key) ? findTwin(keys, key) : undefined;
      return key.kty !== "oct" && (twin === undefined || isPrivate(twin));
    })
    .map(publicPart);
}

/** The keys of a set without the public halves that follow from private ones. */
export function wholeKeys(keys: readonly JsonWebKey[]): readonly JsonWebKey[] {
  return keys.filter((key) => {
    const twin = isPrivate(key) ? undefined : findTwin(keys, key);
    return twin === undefined || !isPrivate(twin);
  });
}
