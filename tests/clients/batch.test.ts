import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { BatchRun, OrderedPool } from "../../lib/clients/batch.ts";
import { Problem } from "../../lib/core/problem.ts";

/** A pool over numbers whose work each test finishes by hand. */
function openPool(total: number, concurrency: number) {
  const running = new Map<number, PromiseWithResolvers<number>>();
  const abort = new AbortController();
  const items = Array.from({ length: total }, (_, n) => n);
  const pool = new OrderedPool(
    items,
    (n) => {
      const work = Promise.withResolvers<number>();
      running.set(n, work);
      return work.promise.finally(() => running.delete(n));
    },
    { concurrency, signal: abort.signal },
  );
  const outcomes = pool[Symbol.asyncIterator]();
  return {
    pool,
    abort,
    outcomes,
    running: () => [...running.keys()],
    /** Finishes one item, and lets the pool react. */
    async finish(n: number): Promise<void> {
      running.get(n)?.resolve(n);
      await setImmediate();
    },
    async fail(n: number): Promise<void> {
      running.get(n)?.reject(new Error(`item ${n}`));
      await setImmediate();
    },
  };
}

test("a batch gives up on the server after eight items in a row that could not reach it", () => {
  const reported: Problem[] = [];
  const context = { fail: (problem: Problem) => void reported.push(problem), signal: new AbortController().signal };
  const batch = new BatchRun(context, 100);
  const unreachable = new Problem("no answer", { code: "unreachable", exit: "unreachable" });
  for (let n = 0; n < 7; n++) batch.fail(unreachable);
  batch.succeed();
  for (let n = 0; n < 7; n++) batch.fail(unreachable);
  batch.fail(new Problem("rejected", { code: "conflict", exit: "conflict" }));
  assert.equal(batch.isServerGone, false);
  for (let n = 0; n < 8; n++) batch.fail(unreachable);
  assert.equal(batch.isServerGone, true);
  assert.equal(reported.length, 23);
});

describe("an ordered pool", () => {
  test("yields outcomes in the order of the items, whichever finishes first", async () => {
    const { outcomes, running, finish } = openPool(3, 3);
    const first = outcomes.next();
    assert.deepEqual(running(), [0, 1, 2]);
    await finish(2);
    await finish(1);
    await finish(0);
    assert.deepEqual(await first, { done: false, value: 0 });
    assert.deepEqual(await outcomes.next(), { done: false, value: 1 });
    assert.deepEqual(await outcomes.next(), { done: false, value: 2 });
    assert.deepEqual(await outcomes.next(), { done: true, value: undefined });
  });

  test("never works on more items at once than allowed", async () => {
    const { pool, outcomes, running, finish } = openPool(5, 2);
    const first = outcomes.next();
    assert.deepEqual(running(), [0, 1]);
    await finish(1);
    assert.deepEqual(running(), [0, 2]);
    assert.equal(pool.notStarted, 2);
    await finish(0);
    await first;
    assert.deepEqual(running(), [2, 3]);
  });

  test("waits for a slow item when enough outcomes wait for it", async () => {
    const { pool, outcomes, running, finish } = openPool(100, 2);
    const first = outcomes.next();
    for (let n = 1; n < 20; n++) await finish(n);
    // The slow item has been taken off, so that eight more may wait.
    assert.deepEqual(running(), [0]);
    assert.equal(pool.notStarted, 100 - 9);
    await finish(0);
    await first;
    assert.deepEqual(running(), []);
    await outcomes.next();
    assert.equal(running().length, 1);
  });

  test("starts nothing new after a signal, and finishes what has started", async () => {
    const { pool, outcomes, abort, running, finish } = openPool(5, 2);
    const first = outcomes.next();
    abort.abort();
    await finish(0);
    assert.equal((await first).value, 0);
    assert.deepEqual(running(), [1]);
    await finish(1);
    assert.equal((await outcomes.next()).value, 1);
    assert.equal((await outcomes.next()).done, true);
    assert.equal(pool.notStarted, 3);
  });

  test("returns the outcomes not yet taken when it is stopped", async () => {
    const { pool, outcomes, running, finish } = openPool(5, 2);
    const first = outcomes.next();
    await finish(0);
    await first;
    const rest = pool.stop();
    assert.deepEqual(running(), [1, 2]);
    await finish(2);
    await finish(1);
    assert.deepEqual(await rest, [1, 2]);
    assert.equal(pool.notStarted, 2);
  });

  test("throws an item's error in the item's turn", async () => {
    const { outcomes, finish, fail } = openPool(2, 2);
    const first = outcomes.next();
    await fail(1);
    await finish(0);
    assert.equal((await first).value, 0);
    await assert.rejects(outcomes.next(), /item 1/);
  });
});
