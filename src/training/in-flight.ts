/** A result in its turn; `last`: of those begun, so nothing is under way when it is given. */
export interface Settled<Result> {
  result: Result;
  last: boolean;
}

/**
 * The results of `begun` in their order. Taking the next promise from `begun` starts work; up to `ahead()` are left under
 * way, so that a device which computes by itself never waits for a result to be read. `ahead` is asked again after each
 * result: at 0 the queue is emptied before more work is begun.
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
