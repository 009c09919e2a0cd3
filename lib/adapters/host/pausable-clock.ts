/** A monotonic clock that stops while a question waits for its answer, so that thinking uses up no time limit. */
interface PausableClock {
  now(): number;
  /** Does work while the clock is stopped. */
  paused<T>(work: () => Promise<T>): Promise<T>;
}

/** Creates the clock from one that never stops. */
export function createPausableClock(monotonic: () => number): PausableClock {
  let waited = 0;
  let stopped: number | undefined;
  let pauses = 0;
  return {
    now: () => (stopped ?? monotonic()) - waited,
    async paused(work) {
      pauses++;
      stopped ??= monotonic();
      try {
        return await work();
      } finally {
        pauses--;
        // A question may be part of a longer wait.
        if (pauses === 0) {
          waited += monotonic() - stopped;
          stopped = undefined;
        }
      }
    },
  };
}
