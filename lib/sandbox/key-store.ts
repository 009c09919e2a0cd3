import { randomUUID } from "node:crypto";
import type { JsonObject } from "../core/json/json.ts";
import { generateStoredKeys, getOrGenerateInitialKeyPair } from "./generate-key.ts";
import type { Behaviour } from "./versions.ts";

/** The sets that tokens are signed with. */
export const SIGNING_SETS = {
  "id-token": "hydra.openid.id-token",
  "access-token": "hydra.jwt.access-token",
} as const;

/** The JSON Web Key sets of a sandbox; the keys of a set are in the order of their age, the newest first. */
export class KeyStore {
  readonly #behaviour: Pick<Behaviour, "keys">;
  readonly #sets = new Map<string, readonly JsonObject[]>();
  /** The signing sets that a server has from its start, and that nobody has asked for yet: generating keys takes time. */
  readonly #pending: Set<string>;

  constructor(behaviour: Pick<Behaviour, "keys">) {
    this.#behaviour = behaviour;
    this.#pending = new Set(Object.values(SIGNING_SETS));
  }

  /** The keys of a set; undefined if there is no such set. */
  get(set: string): readonly JsonObject[] | undefined {
    if (this.#pending.delete(set)) {
      const key = { kid: randomUUID(), alg: "RS256", use: "sig" };
      this.#add(set, generateStoredKeys(this.#behaviour, key, getOrGenerateInitialKeyPair(set)));
    }
    const keys = this.#sets.get(set);
    return keys === undefined || keys.length === 0 ? undefined : keys;
  }

  /** Generates a key and returns its parts; undefined if a key with one of their IDs exists. */
  generate(
    set: string,
    key: { readonly kid: string; readonly alg: string; readonly use: string },
  ): readonly JsonObject[] | undefined {
    return this.#add(set, generateStoredKeys(this.#behaviour, key));
  }

  #add(set: string, parts: readonly JsonObject[]): readonly JsonObject[] | undefined {
    const before = this.get(set) ?? [];
    if (parts.some(({ kid }) => before.some((old) => old["kid"] === kid))) return undefined;
    this.#sets.set(set, [...parts.toReversed(), ...before]);
    return parts;
  }

  /** Replaces all keys of a set: the last one becomes the newest. */
  replace(set: string, keys: readonly JsonObject[]): void {
    this.#pending.delete(set);
    this.#sets.set(set, keys.toReversed());
  }

  /** Adds or replaces one key, which becomes the newest. */
  put(set: string, key: JsonObject): void {
    this.#sets.set(set, [key, ...this.#others(set, key["kid"])]);
  }

  remove(set: string, kid: string): void {
    this.#sets.set(set, this.#others(set, kid));
  }

  #others(set: string, kid: unknown): readonly JsonObject[] {
    return (this.get(set) ?? []).filter((key) => key["kid"] !== kid);
  }

  removeSet(set: string): void {
    this.#pending.delete(set);
    this.#sets.delete(set);
  }
}
