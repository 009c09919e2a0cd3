/** A monotonic clock that stops while a question waits for its answer, so that thinking uses up no time limit. */
export function createPausableClock(monotonic: () => number) {
  let waited = 0;
  let stopped: number | undefined;
  let pauses = 0;
  return {
    now: (): number => (stopped ?? monotonic()) - waited,
    /** Does work while the clock is stopped. */
    async paused<T>(work: () => Promise<T>): Promise<T> {
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
