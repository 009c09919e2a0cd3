import type { Host, Output } from "../adapters/host.ts";
import { terminalWidthOrDefault } from "../core/output/width.ts";

const CLEARED = "\r\u001b[K";

/** Milliseconds between two drawings. */
const REDRAW_MS = 50;

/** Milliseconds until a spinner appears: most requests are faster. */
const SPINNER_DELAY_MS = 1_000;

/** Milliseconds that each of the spinner's frames is shown. */
const FRAME_MS = 120;

/** The frames of the spinner: ASCII, which every font has. */
const FRAMES = ["|", "/", "-", "\\"] as const;

/** Milliseconds from the start until a rate means something. */
const RATE_AFTER_MS = 1_000;

/** A duration as people say it: `8s`, `2m05s`, `1h02m`. */
export function formatMillisecondsBriefly(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1_000);
  const padded = (count: number): string => String(count).padStart(2, "0");
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}m${padded(seconds % 60)}s` : `${Math.floor(minutes / 60)}h${padded(minutes % 60)}m`;
}

/** How far work has come. */
interface Progress {
  readonly total: number;
  readonly done: number;
  readonly failures: number;
  /** Milliseconds since the start. */
  readonly elapsed: number;
}

/** The text of a progress line, without what doesn't fit into the columns. */
export function formatProgressLine({ total, done, failures, elapsed }: Progress, columns: number): string {
  const width = 24;
  const full = Math.floor((done / total) * width);
  const parts = [`[${"#".repeat(full)}${".".repeat(width - full)}] ${done}/${total}`];
  if (failures > 0) parts.push(`${failures} failed`);
  if (done > 0 && elapsed >= RATE_AFTER_MS) {
    const perSecond = (done * 1_000) / elapsed;
    parts.push(`${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s`);
    if (done < total) parts.push(`${formatMillisecondsBriefly((elapsed / done) * (total - done))} left`);
  }
  while (parts.length > 1 && parts.join("  ").length >= columns) parts.pop();
  return parts.join("  ").slice(0, Math.max(columns - 1, 0));
}

/** The progress line of one run, on a terminal's stderr. */
export class ProgressBar {
  /** Whether it would get between the results that a program reads; known once the settings are read. */
  isLeftOut: () => boolean = () => false;
  readonly #host: Pick<Host, "stderr" | "monotonic" | "environment">;
  #last = Number.NEGATIVE_INFINITY;
  #began: number | undefined;
  #drawn = false;
  #spinning = false;
  /** How many texts are on their way to the same terminal by another descriptor. */
  #held = 0;

  constructor(host: Pick<Host, "stderr" | "monotonic" | "environment">) {
    this.#host = host;
  }

  /** Draws it, at most twenty times a second; a total of 0 removes it. */
  readonly draw = (total: number, done: number, failures = 0): void => {
    if (!this.#isPossible()) return;
    const now = this.#host.monotonic();
    if (total === 0) {
      this.#began = undefined;
      this.#hide();
      return;
    }
    this.#began ??= now;
    if (done < total && now - this.#last < REDRAW_MS) return;
    this.#last = now;
    this.#show(formatProgressLine({ total, done, failures, elapsed: now - this.#began }, this.#columns()));
  };

  /** Shows what is waited for, once that takes longer than a moment, until the work ends. */
  async spin<T>(what: string, work: () => Promise<T>): Promise<T> {
    // Of requests that run at the same time, only the first one shows it.
    if (this.#spinning || !this.#isPossible()) return work();
    this.#spinning = true;
    const stop = this.#animate(what);
    try {
      return await work();
    } finally {
      this.#spinning = false;
      stop();
      if (this.#began === undefined) this.#hide();
    }
  }

  /** The text that clears the line for a message; empty if nothing is drawn. */
  away(): string {
    const text = this.#drawn ? CLEARED : "";
    this.#drawn = false;
    return text;
  }

  /** An output whose texts replace the line if both are on a terminal. */
  replacedBy(output: Output): Output {
    const { stderr } = this.#host;
    if (!output.isTerminal || !stderr.isTerminal) return output;
    // Writes to two descriptors have no order unless one waits for the other.
    let cleared = Promise.resolve();
    const write = (text: string): Promise<void> => {
      this.#held++;
      cleared = cleared.then(() => stderr.write(this.away()).catch(() => {}));
      return cleared
        .then(() => output.write(text))
        .finally(() => {
          this.#held--;
        });
    };
    return { isTerminal: true, columns: output.columns, write };
  }

  #isPossible(): boolean {
    return this.#host.stderr.isTerminal && this.#host.environment("TERM") !== "dumb" && !this.isLeftOut();
  }

  #columns(): number {
    return terminalWidthOrDefault(this.#host.stderr.columns);
  }

  #show(line: string): void {
    if (this.#held > 0) return;
    this.#drawn = true;
    this.#host.stderr.write(`${CLEARED}${line}`).catch(() => {});
  }

  #hide(): void {
    const text = this.away();
    if (text !== "") this.#host.stderr.write(text).catch(() => {});
  }

  /** Shows the spinner after a while; returns how to stop it. */
  #animate(what: string): () => void {
    const { monotonic } = this.#host;
    const start = monotonic();
    let frame = 0;
    const next = (): void => {
      const text = `${FRAMES[frame++ % FRAMES.length] ?? ""} ${what}  ${formatMillisecondsBriefly(monotonic() - start)}`;
      // The progress bar shows more.
      if (this.#began === undefined) this.#show(text.slice(0, Math.max(this.#columns() - 1, 0)));
      timer = setTimeout(next, FRAME_MS);
    };
    let timer = setTimeout(next, SPINNER_DELAY_MS);
    return () => clearTimeout(timer);
  }
}
