import { expect, it } from 'vitest';
import { inFlight } from './in-flight.js';

/** Promises that log when each is begun. */
function* numbers(count: number, events: string[]): Generator<Promise<number>> {
  for (let n = 1; n <= count; n++) {
    events.push(`begin ${n}`);
    yield Promise.resolve(n);
  }
}

it.each([
  [0, 'begin 1, read 1 last, begin 2, read 2 last, begin 3, read 3 last'],
  [1, 'begin 1, begin 2, read 1, begin 3, read 2, read 3 last'],
  [9, 'begin 1, begin 2, begin 3, read 1, read 2, read 3 last'],
])('with %d ahead: %s', async (ahead, expected) => {
  const events: string[] = [];
  for await (const { result, last } of inFlight(numbers(3, events), () => ahead))
    events.push(`read ${result}${last ? ' last' : ''}`);
  expect(events.join(', ')).toBe(expected);
});

it('empties the queue once nothing may be ahead any more', async () => {
  const events: string[] = [];
  let ahead = 2;
  for await (const { result } of inFlight(numbers(5, events), () => ahead)) {
    events.push(`read ${result}`);
    if (result === 1) ahead = 0;
  }
  expect(events.slice(0, 6)).toEqual(['begin 1', 'begin 2', 'begin 3', 'read 1', 'read 2', 'read 3']);
});

it('rejects with the first error in order, and a later one is not an unhandled rejection', async () => {
  const failing = [Promise.resolve(1), Promise.reject(new Error('second')), Promise.reject(new Error('third'))];
  const results: number[] = [];
  const read = async () => {
    for await (const { result } of inFlight(failing, () => 2)) results.push(result);
  };
  await expect(read()).rejects.toThrow('second');
  expect(results).toEqual([1]);
});
