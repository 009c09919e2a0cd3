import type { Host } from "../adapters/host.ts";
import type { SyntaxVersion } from "../core/flags/flag.ts";
import type { ProgressBar } from "./progress.ts";

/** The state of one command line that a signal and the end of the program have to know. */
export interface RunState {
  readonly host: Host;
  readonly ending: AbortController;
  /** How many pieces of work are running that a signal must not interrupt. */
  critical: number;
  /** Whether a signal is how the command is meant to end. */
  untilSignal: boolean;
  /** Whether a pager has the terminal, so that Ctrl-C is for it. */
  isPaging: boolean;
  /** Ends the run as the signal with this number does. */
  readonly endBySignal: (signal: number) => void;
  /** Whether something was abandoned that would keep the process alive. */
  abandoned: boolean;
  /** Whether errors are written as JSON. */
  json: boolean;
  /** The syntax of the command, in which advice names commands. */
  syntax: SyntaxVersion;
  readonly bar: ProgressBar;
}
