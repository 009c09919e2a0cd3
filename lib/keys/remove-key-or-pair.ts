import type { KeySetsApi } from "../adapters/admin/key-sets.ts";
import { findKeyOrPair } from "./key-pair-storage.ts";

/** Deletes the keys that an ID names: servers report success for an ID that no key of the set has. */
export async function removeKeyOrPair(api: KeySetsApi, set: string, kid: string): Promise<void> {
  const { keyShape } = await api.family(set);
  const named = findKeyOrPair((await api.find(set)) ?? [], kid, keyShape).flatMap((key) => key.kid ?? []);
  for (const id of named.length === 0 ? [kid] : named) await api.remove(set, id);
}
