/** Runs commands in the process of the test, where what is tested depends on neither a start nor real streams. */

import process from "node:process";
import { play } from "../app/in-process.ts";
import { isTested } from "../thorough.ts";
import type { RunOptions } from "./binary.ts";
import type { Scenario } from "./scenario.ts";

type Run = (args: readonly string[], options?: Pick<RunOptions, "env" | "stdin">) => ReturnType<Scenario["run"]>;

/**
 * Runs commands of scenarios in this process, which costs a tenth of a start, and one in so many with the compiled program.
 * With `TEST_ALL=1` the compiled program runs all of them.
 */
export function mostlyInThisProcess(every: number): (scenario: Pick<Scenario, "run" | "url" | "home">) => Run {
  let number = 0;
  return (scenario) =>
    async (args, options = {}) => {
      if (isTested(number++, every)) return scenario.run(args, options);
      const environment = {
        PATH: process.env["PATH"],
        HYDRA_ADMIN_URL: scenario.url,
        HOME: scenario.home,
        XDG_STATE_HOME: undefined,
        ...options.env,
      };
      const { stdin } = options;
      const played = await play(args, { environment, realFiles: true, ...(stdin === undefined ? {} : { stdin }) });
      return { ...played, signal: null };
    };
}
