import type { JsonObject } from "../core/json/json.ts";
import type { Behaviour } from "./versions.ts";

/** A client as the sandbox stores it. */
export interface StoredClient {
  readonly id: string;
  /** The client as a read returns it. */
  readonly view: JsonObject;
  /** The secrets that are valid, the current one first. */
  readonly secrets: readonly string[];
}

interface Slot {
  readonly id: string;
  client: StoredClient;
  gone: boolean;
}

/** Compares slots by ID, for sorting. */
function compareSlotIds(a: Slot, b: Slot): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Two sorted lists as one. */
function mergeSortedSlots(left: readonly Slot[], right: readonly Slot[]): Slot[] {
  const all: Slot[] = [];
  let r = 0;
  for (const slot of left) {
    for (let other = right[r]; other !== undefined && compareSlotIds(other, slot) < 0; other = right[++r])
      all.push(other);
    all.push(slot);
  }
  for (let other = right[r]; other !== undefined; other = right[++r]) all.push(other);
  return all;
}

/** The clients of a sandbox, by ID and in the order of its lists. */
export type ClientStore = ReturnType<typeof createClientStore>;

/**
 * Creates an empty store.
 *
 * The cost of a write doesn't depend on the number of clients: the next list sorts, once for all writes since the last.
 */
export function createClientStore(order: Behaviour["order"]) {
  const slots = new Map<string, Slot>();
  let ordered: Slot[] = [];
  let fresh: Slot[] = [];
  let anyGone = false;

  function settled(): readonly Slot[] {
    if (anyGone) {
      ordered = ordered.filter(({ gone }) => !gone);
      fresh = fresh.filter(({ gone }) => !gone);
      anyGone = false;
    }
    if (fresh.length > 0) {
      ordered = order === "insertion" ? [...ordered, ...fresh] : mergeSortedSlots(ordered, fresh.sort(compareSlotIds));
      fresh = [];
    }
    return ordered;
  }

  return {
    get: (id: string): StoredClient | undefined => slots.get(id)?.client,
    /** Adds a client, or replaces the one with its ID. */
    put: (client: StoredClient): void => {
      const slot = slots.get(client.id);
      if (slot !== undefined) {
        slot.client = client;
        return;
      }
      const added = { id: client.id, client, gone: false };
      slots.set(client.id, added);
      fresh.push(added);
    },
    remove: (id: string): boolean => {
      const slot = slots.get(id);
      if (slot === undefined) return false;
      slot.gone = true;
      anyGone = true;
      return slots.delete(id);
    },
    size: (): number => slots.size,
    /** A range of the clients in the order of a list. */
    slice: (from: number, to: number): readonly StoredClient[] =>
      settled()
        .slice(from, to)
        .map(({ client }) => client),
    /** The position of the first client with a greater ID, in a store ordered by ID. */
    after: (id: string): number => {
      const all = settled();
      let low = 0;
      let high = all.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        const slot = all[middle];
        if (slot !== undefined && slot.id <= id) low = middle + 1;
        else high = middle;
      }
      return low;
    },
    all: (): readonly StoredClient[] => settled().map(({ client }) => client),
  };
}
