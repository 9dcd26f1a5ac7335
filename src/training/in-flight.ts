/** A result in its turn; `last`: of those begun, so nothing is in flight when it is yielded. */
export interface Settled<Result> {
  result: Result;
  last: boolean;
}

/**
 * Yields the results of `begun` in order. Taking the next promise from `begun` starts work; up to `ahead()` promises
 * stay in flight, so that an asynchronous device never waits for a result to be read. `ahead` is called again after
 * each result: at 0 the queue is emptied before more work is begun.
 */
export async function* inFlight<Result>(
  begun: Iterable<Promise<Result>>,
  ahead: () => number,
): AsyncGenerator<Settled<Result>> {
  const queue: Promise<Result>[] = [];
  const oldest = async () => ({ result: await queue.shift()!, last: queue.length === 0 });
  for (const next of begun) {
    next.catch(() => {}); // it rejects when it is awaited, unless an earlier one ends the loop first
    queue.push(next);
    while (queue.length > ahead()) yield await oldest();
  }
  while (queue.length > 0) yield await oldest();
}
