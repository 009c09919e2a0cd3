import type { Host } from "../adapters/host.ts";
import type { ProgressBar } from "./progress.ts";

export interface Run {
  readonly host: Host;
  readonly ending: AbortController;
  /** How many pieces of work are under way that must come to their own end. */
  critical: number;
  /** Whether a signal is the way in which the command ends. */
  stays: boolean;
  /** Whether something was given up that would hold the process. */
  stuck: boolean;
  /** Whether errors are told as JSON. */
  json: boolean;
  readonly bar: ProgressBar;
}
