/** Random choices that a seed repeats. */

import { randomInt } from "node:crypto";
import process from "node:process";

/** Random choices that a seed makes repeatable. */
export interface RandomSource {
  /** The number to set as `HYDRA_TEST_SEED` for the same choices again. */
  readonly seed: number;
  /** A number from 0 up to, but not including, the limit. */
  below(limit: number): number;
  pick<T>(from: readonly [T, ...T[]]): T;
  chance(probability: number): boolean;
}

/** Takes the seed from `HYDRA_TEST_SEED`, or a new one, and prints it on standard error. */
export function openRandom(name: string): RandomSource {
  const given = Number(process.env["HYDRA_TEST_SEED"]);
  const seed = Number.isInteger(given) && given > 0 ? given : randomInt(1, 2 ** 31);
  process.stderr.write(`${name}: HYDRA_TEST_SEED=${seed}\n`);
  return randomFrom(seed);
}

/** mulberry32: fit for tests, not for secrets. */
function randomFrom(seed: number): RandomSource {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    seed,
    below,
    pick: (from) => from[below(from.length)] ?? from[0],
    chance: (probability) => next() < probability,
  };
}
