/** How many entries a map keeps; a sandbox that runs for weeks must not fill the memory. */
const MAX_ENTRIES = 10_000;

/** A sweep looks at all entries, so that it comes only when there are twice as many as after the last one. */
const FIRST_SWEEP = 100;

interface Entry<Value> {
  readonly value: Value;
  readonly keepUntil: number;
}

/** What an {@link ExpiringMap} is created with. */
interface ExpiringMapOptions<Value> {
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly limit?: number;
  /** Called for each entry that leaves the map, for whatever reason. */
  readonly onGone?: (value: Value) => void;
}

/**
 * A map whose entries are dropped some time after they expire, and the oldest ones when there are too many. Reading doesn't
 * look at the clock: who needs to know whether an entry has expired asks the value.
 */
export class ExpiringMap<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #now: () => number;
  readonly #limit: number;
  readonly #onGone: (value: Value) => void;
  #nextSweep = FIRST_SWEEP;

  constructor({ now, limit = MAX_ENTRIES, onGone = () => {} }: ExpiringMapOptions<Value>) {
    this.#now = now;
    this.#limit = limit;
    this.#onGone = onGone;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Adds or replaces an entry. */
  set(key: string, value: Value, keepUntil: number): void {
    this.delete(key);
    this.#entries.set(key, { value, keepUntil });
    if (this.#entries.size >= this.#nextSweep) this.#sweep();
    if (this.#entries.size > this.#limit) this.#deleteOldest();
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#onGone(entry.value);
  }

  /** Deletes the entries with matching values. */
  deleteWhere(matches: (value: Value) => boolean): void {
    for (const [key, { value }] of this.#entries) if (matches(value)) this.delete(key);
  }

  #sweep(): void {
    const now = this.#now();
    for (const [key, { keepUntil }] of this.#entries) if (keepUntil <= now) this.delete(key);
    this.#nextSweep = Math.max(FIRST_SWEEP, 2 * this.#entries.size);
  }

  #deleteOldest(): void {
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.delete(oldest);
  }
}
