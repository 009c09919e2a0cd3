import type { Host } from "../adapters/host.ts";

/** A line on a terminal's stderr that shows how far the work is. */
export interface ProgressBar {
  /** Draws it, at most twenty times a second; a total of 0 takes it away. */
  draw(total: number, done: number): void;
  /** What takes it off the line, for a message to stand there; empty where it is not drawn. */
  away(): string;
}

const CLEARED = "\r\u001b[K";

/** The bar of one run; nothing is drawn where stderr is no terminal. */
export function progressBar(host: Host): ProgressBar {
  let last = Number.NEGATIVE_INFINITY;
  let drawn = false;
  function away(): string {
    const text = drawn ? CLEARED : "";
    drawn = false;
    return text;
  }
  return {
    draw(total, done) {
      // Where results go to the same terminal, they are the progress themselves.
      if (!host.stderr.isTerminal || host.stdout.isTerminal) return;
      const now = host.monotonic();
      if (total > 0 && done < total && now - last < 50) return;
      last = now;
      const width = 24;
      const full = total === 0 ? 0 : Math.floor((done / total) * width);
      const line = `${CLEARED}[${"#".repeat(full)}${".".repeat(width - full)}] ${done}/${total}`;
      host.stderr.write(total === 0 ? away() : line).catch(() => {});
      drawn = total > 0;
    },
    away,
  };
}
