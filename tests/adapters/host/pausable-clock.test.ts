import assert from "node:assert/strict";
import { test } from "node:test";
import { createPausableClock } from "../../../lib/adapters/host/pausable-clock.ts";

test("a clock stops while work is done, also if it fails", async () => {
  let real = 100;
  const clock = createPausableClock(() => real);
  const started = clock.now();
  real += 5;
  assert.equal(clock.now() - started, 5);
  const answer = await clock.paused(async () => {
    real += 60_000;
    assert.equal(clock.now() - started, 5);
    return "y";
  });
  assert.equal(answer, "y");
  assert.equal(clock.now() - started, 5);
  const failing = clock.paused(async () => {
    real += 1_000;
    throw new Error("no");
  });
  await assert.rejects(failing, /no/);
  real += 2;
  assert.equal(clock.now() - started, 7);
});

test("a clock counts a pause within another one, and pauses that overlap, only once", async () => {
  let real = 100;
  const clock = createPausableClock(() => real);
  const started = clock.now();
  await clock.paused(async () => {
    real += 10;
    await clock.paused(async () => {
      real += 20;
    });
    real += 30;
    assert.equal(clock.now(), started);
  });
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const pauses = [clock.paused(() => first.promise), clock.paused(() => second.promise)];
  real += 40;
  first.resolve();
  await pauses[0];
  real += 50;
  second.resolve();
  await pauses[1];
  real += 3;
  assert.equal(clock.now() - started, 3);
});
