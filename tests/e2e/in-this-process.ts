/** Runs commands in the process of the test, where what is tested depends on neither a start nor real streams. */

import process from "node:process";
import { play } from "../app/in-process.ts";
import { isTested } from "../thorough.ts";
import type { RunOptions } from "./binary.ts";
import type { Scenario } from "./scenario.ts";

/**
 * Runs the commands of a scenario in this process, which costs a tenth of a start, and one in so many with the compiled
 * program. With `TEST_ALL=1` the compiled program runs all of them.
 */
export function mostlyInThisProcess(
  scenario: Pick<Scenario, "run" | "url" | "home">,
  every: number,
): (args: readonly string[], options?: Pick<RunOptions, "env" | "stdin">) => ReturnType<Scenario["run"]> {
  let number = 0;
  return async (args, options = {}) => {
    if (isTested(number++, every)) return scenario.run(args, options);
    const environment = {
      PATH: process.env["PATH"],
      HYDRA_ADMIN_URL: scenario.url,
      HOME: scenario.home,
      XDG_STATE_HOME: undefined,
      ...options.env,
    };
    const played = await play(args, {
      environment,
      realFiles: true,
      ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    });
    return { ...played, signal: null };
  };
}
