import process from "node:process";

/**
 * Whether every combination is tested (`TEST_ALL=1`, which `.ci/run --all` sets). Otherwise each value is tested, but
 * values that have nothing to do with each other (a command and a format, a suite and two versions that behave alike) not
 * in every combination.
 */
export const RUNS_EVERYTHING = process.env["TEST_ALL"] === "1";

/** Whether a combination is tested: one in `every` by its number, or all of them. */
export function isTested(number: number, every: number): boolean {
  return RUNS_EVERYTHING || number % every === 0;
}

/** How many random values a property is tested with: all of them, or a third, which differ from run to run. */
export function randomRuns(most: number): number {
  return RUNS_EVERYTHING ? most : Math.ceil(most / 3);
}
