import type { Host } from "../adapters/host.ts";

/** A progress line on a terminal's stderr. */
export interface ProgressBar {
  /** Draws it, at most twenty times a second; a total of 0 removes it. */
  draw(total: number, done: number): void;
  /** The text that clears the line for a message; empty if the bar is not drawn. */
  away(): string;
}

const CLEARED = "\r\u001b[K";

/** The bar of one run; nothing is drawn if stderr is not a terminal. */
export function progressBar(host: Pick<Host, "stdout" | "stderr" | "monotonic">): ProgressBar {
  let last = Number.NEGATIVE_INFINITY;
  let drawn = false;
  function away(): string {
    const text = drawn ? CLEARED : "";
    drawn = false;
    return text;
  }
  return {
    draw(total, done) {
      // Results on the same terminal show the progress themselves.
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
