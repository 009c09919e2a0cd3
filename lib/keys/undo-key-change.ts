import type { KeySetsApi } from "../adapters/admin/key-sets.ts";
import { isSameKeyIgnoringKid, type JsonWebKey } from "../core/jwk/json-web-key.ts";
import { hasPrivateMembers } from "../core/jwk/jwk-members.ts";
import { hasKidOrPrefixedKid } from "../core/jwk/key-pair-halves.ts";

/** Whether a set has a key with the same ID, contents and half. */
function includesUnchanged(keys: readonly JsonWebKey[], key: JsonWebKey): boolean {
  return keys.some(
    (other) =>
      other.kid === key.kid && hasPrivateMembers(other) === hasPrivateMembers(key) && isSameKeyIgnoringKid(other, key),
  );
}

/** The keys that others have added or changed since, while a step changed the key with an ID. */
export function keysChangedByOthers(
  before: readonly JsonWebKey[],
  now: readonly JsonWebKey[],
  kid: string,
): readonly JsonWebKey[] {
  return now.filter((key) => !hasKidOrPrefixedKid(key, kid) && !includesUnchanged(before, key));
}

/** Puts a key back as it was, in its place. Keys that others have added or changed meanwhile stay, as the newest. */
export async function undoKeyChange(
  api: KeySetsApi,
  set: string,
  before: readonly JsonWebKey[],
  kid: string,
): Promise<void> {
  const now = (await api.find(set)) ?? [];
  const kept = before.filter((old) => hasKidOrPrefixedKid(old, kid) || includesUnchanged(now, old));
  // The last key of a list becomes the newest.
  await api.replace(set, [...keysChangedByOthers(before, now, kid), ...kept].toReversed());
}

function serializeIdsAndHalves(keys: readonly JsonWebKey[]): string {
  return JSON.stringify(keys.map((key) => [key.kid, hasPrivateMembers(key)]));
}

/** Whether two lists have the same keys, and the same halves of them, in the same order. */
function haveSameKeysInOrder(a: readonly JsonWebKey[], b: readonly JsonWebKey[]): boolean {
  return serializeIdsAndHalves(a) === serializeIdsAndHalves(b);
}

/** Whether a set has the same keys as before, with the same contents and for the same use, in the same order. */
export function isKeySetUnchanged(now: readonly JsonWebKey[], before: readonly JsonWebKey[]): boolean {
  const isSame = (key: JsonWebKey, old: JsonWebKey | undefined): boolean =>
    old !== undefined && isSameKeyIgnoringKid(key, old) && key.alg === old.alg && key.use === old.use;
  return haveSameKeysInOrder(now, before) && now.every((key, at) => isSame(key, before[at]));
}

/** Whether a set has all its former keys in their order, and no new one with an ID; what others have changed doesn't count. */
export function isKeyChangeUndone(before: readonly JsonWebKey[], now: readonly JsonWebKey[], kid: string): boolean {
  const others = keysChangedByOthers(before, now, kid);
  const former = before.filter((old) => !others.some((key) => key.kid === old.kid));
  const own = now.filter((key) => !others.includes(key));
  return haveSameKeysInOrder(own, former);
}
