import type { Host, Output } from "../adapters/host.ts";

/** Whether text to an output is colored (https://no-color.org). */
export function wantsColor({ environment }: Pick<Host, "environment">, output: Output): boolean {
  return output.isTerminal && (environment("NO_COLOR") ?? "") === "" && environment("TERM") !== "dumb";
}

/** The width of help texts, which may be read through a pager. */
export function helpWidth({ stdout, stderr }: Pick<Host, "stdout" | "stderr">): number {
  return Math.min(stdout.columns ?? stderr.columns ?? 80, 120);
}
