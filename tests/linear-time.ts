import assert from "node:assert/strict";
import process from "node:process";

/** Far more than linear time needs for the inputs of these tests, and far less than quadratic time. */
const MOST_SECONDS = 5;

/** Fails if work takes so much time of the processor that it cannot be linear. Other programs don't count. */
export async function assertLinearTime(work: () => unknown): Promise<void> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  assert.ok(seconds < MOST_SECONDS, `it took ${seconds} seconds, which is not linear time`);
}
