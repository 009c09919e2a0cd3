import type { KeySets } from "../adapters/admin/key-sets.ts";
import type { JsonWebKey } from "../core/jwk/json-web-key.ts";
import { hasPrivateMembers } from "../core/jwk/jwk-members.ts";
import { hasKid } from "../core/jwk/key-pair-halves.ts";

function includesKid(keys: readonly JsonWebKey[], { kid }: JsonWebKey): boolean {
  return keys.some((key) => key.kid === kid);
}

/** Puts a key back as it was, in its place. Keys that others have added meanwhile stay, as the newest. */
export async function restoreKey(api: KeySets, set: string, before: readonly JsonWebKey[], kid: string): Promise<void> {
  const now = (await api.find(set)) ?? [];
  const added = now.filter((key) => !includesKid(before, key));
  const kept = before.filter((old) => hasKid(old, kid) || includesKid(now, old));
  // The last key of a list becomes the newest.
  await api.replace(set, [...added, ...kept].toReversed());
}

function listHalves(keys: readonly JsonWebKey[]): string {
  return JSON.stringify(keys.map((key) => [key.kid, hasPrivateMembers(key)]));
}

/** Whether a set has all its former keys in their order, and no new one with an ID; keys that others have added don't count. */
export function isRestored(before: readonly JsonWebKey[], now: readonly JsonWebKey[], kid: string): boolean {
  const former = now.filter((key) => includesKid(before, key));
  const hasNew = now.some((key) => hasKid(key, kid) && !includesKid(before, key));
  return !hasNew && listHalves(former) === listHalves(before);
}
