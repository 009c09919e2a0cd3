/** Runs commands in the process of the test, where what is tested depends on neither a start nor real streams. */

import process from "node:process";
import { play } from "../app/in-process.ts";
import { isTested } from "../thorough.ts";
import type { Ended, RunOptions } from "./binary.ts";
import type { Scenario } from "./scenario.ts";

/** What of {@link RunOptions} a run in this process can have. */
type Options = Pick<RunOptions, "env" | "stdin" | "cwd">;

/** The end of the run before; they take turns because all of them are in one working folder. */
let turn: Promise<unknown> = Promise.resolve();

/** Runs a command in this process, with this environment only. */
export function runInThisProcess(args: readonly string[], { env = {}, stdin, cwd }: Options): Promise<Ended> {
  const run = async (): Promise<Ended> => {
    const folder = process.cwd();
    if (cwd !== undefined) process.chdir(cwd);
    try {
      const environment = { PATH: process.env["PATH"], XDG_STATE_HOME: undefined, ...env };
      const played = await play(args, { environment, realFiles: true, ...(stdin === undefined ? {} : { stdin }) });
      return { ...played, signal: null };
    } finally {
      process.chdir(folder);
    }
  };
  const ended = turn.then(run);
  turn = ended.catch(() => {});
  return ended;
}

type Run = (args: readonly string[], options?: Options) => Promise<Ended>;

/**
 * Runs commands of scenarios in this process, which costs a tenth of a start, and one in so many with the compiled program.
 * With `TEST_ALL=1` the compiled program runs all of them.
 */
export function mostlyInThisProcess(every: number): (scenario: Pick<Scenario, "run" | "url" | "home">) => Run {
  let number = 0;
  return (scenario) =>
    async (args, options = {}) => {
      if (isTested(number++, every)) return scenario.run(args, options);
      const env = { HYDRA_ADMIN_URL: scenario.url, HOME: scenario.home, ...options.env };
      return runInThisProcess(args, { ...options, env });
    };
}
