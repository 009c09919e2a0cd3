import type { KeySets } from "../adapters/admin/key-sets.ts";
import { hasKid } from "../core/jwk/key-pair-halves.ts";

/** Deletes a key; where keys are stored in pairs, both halves of the pair that the ID names. */
export async function removeKeyOrPair(api: KeySets, set: string, kid: string): Promise<void> {
  const { keyShape } = await api.family(set);
  const stored = keyShape === "pair" ? ((await api.find(set)) ?? []) : [];
  const halves = stored.flatMap((key) => (key.kid !== undefined && hasKid(key, kid) ? [key.kid] : []));
  for (const half of halves.length === 0 ? [kid] : halves) await api.remove(set, half);
}
