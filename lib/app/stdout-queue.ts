import { type Host, WriteFailure } from "../adapters/host.ts";
import type { UnwrittenItem } from "../command.ts";
import type { JsonObject } from "../core/json/json.ts";
import { STALLED_READER_GRACE_MS } from "../core/network.ts";

/** A text that is being written, and the values that are delivered with it. */
interface PendingText {
  readonly items: readonly JsonObject[];
  readonly length: number;
  /** Resolves when the text is written or has failed. */
  readonly settled: Promise<void>;
}

/**
 * Texts on their way to standard output. They follow each other without waiting, so that many values need few writes;
 * {@link settle} limits how many are pending.
 */
export class StdoutQueue {
  readonly #host: Pick<Host, "stdout" | "sleep">;
  readonly #signal: AbortSignal;
  readonly #delivered: (item: JsonObject, text: string) => void | Promise<void>;
  readonly #pending: PendingText[] = [];
  readonly #failures: { readonly reason: unknown; readonly lost: readonly UnwrittenItem[] }[] = [];
  #length = 0;

  /** @param delivered called once all of an item's text is written, in order, with the text that completed it. */
  constructor(
    host: Pick<Host, "stdout" | "sleep">,
    signal: AbortSignal,
    delivered: (item: JsonObject, text: string) => void | Promise<void> = () => {},
  ) {
    this.#host = host;
    this.#signal = signal;
    this.#delivered = delivered;
  }

  get hasFailed(): boolean {
    return this.#failures.length > 0;
  }

  /** Why the first text failed. */
  get reason(): unknown {
    return this.#failures[0]?.reason;
  }

  /** Items of texts that failed. */
  get undelivered(): readonly UnwrittenItem[] {
    return this.#failures.flatMap(({ lost }) => lost);
  }

  /** Starts writing a text. */
  send(text: string, items: readonly JsonObject[]): void {
    this.#length += text.length;
    const settled = this.#host.stdout
      .write(text)
      .then(
        async () => {
          for (const item of items) await this.#delivered(item, text);
        },
        (reason: unknown) => this.#fail(pending, reason, reason instanceof WriteFailure && reason.written > 0),
      )
      // The text is written by then, and the command could not take note of it.
      .catch((reason: unknown) => this.#fail(pending, reason, true))
      .finally(() => this.#remove(pending));
    const pending: PendingText = { items, length: text.length, settled };
    this.#pending.push(pending);
  }

  /** Waits until at most so many texts and characters are pending, or one has failed. */
  async settle(texts: number, characters: number): Promise<void> {
    while (!this.hasFailed && (this.#pending.length > texts || this.#length > characters)) await this.#waitForFirst();
  }

  /** Waits until nothing is pending. */
  async drain(): Promise<void> {
    while (this.#pending.length > 0) await this.#waitForFirst();
  }

  /** Waits for the first pending text, after a signal only for a while. */
  async #waitForFirst(): Promise<void> {
    const [first] = this.#pending;
    if (first === undefined || !(await this.#isStalled(first.settled))) return;
    // How much of the pending texts was written is unknown, so all of them count as partly written.
    const reason = new Error("the reader of standard output stalled");
    for (const pending of [...this.#pending]) {
      this.#fail(pending, reason, true);
      this.#remove(pending);
    }
  }

  async #isStalled(settled: Promise<void>): Promise<boolean> {
    const over = new AbortController();
    const stalled = new Promise<true>((resolve) => {
      const wait = (): void => {
        this.#host.sleep(STALLED_READER_GRACE_MS, over.signal).then(
          () => resolve(true),
          () => {},
        );
      };
      if (this.#signal.aborted) wait();
      else this.#signal.addEventListener("abort", wait, { once: true, signal: over.signal });
    });
    try {
      return await Promise.race([settled.then(() => false), stalled]);
    } finally {
      over.abort();
    }
  }

  #fail(pending: PendingText, reason: unknown, partlyWritten: boolean): void {
    // One that stalled has failed already.
    if (!this.#pending.includes(pending)) return;
    this.#failures.push({ reason, lost: pending.items.map((item) => ({ item, partlyWritten })) });
  }

  #remove(pending: PendingText): void {
    const at = this.#pending.indexOf(pending);
    if (at < 0) return;
    this.#pending.splice(at, 1);
    this.#length -= pending.length;
  }
}
