import type { Context } from "../command.ts";
import { terminalWidthOrDefault } from "../core/output/width.ts";

/** The columns at which text for people is wrapped; undefined if it isn't for a terminal. */
export function terminalColumns({ isTerminal, columns }: Context["host"]["stdout"]): number | undefined {
  return isTerminal ? terminalWidthOrDefault(columns) : undefined;
}
