import v8 from 'node:v8';
import vm from 'node:vm';
import { ClrError } from '../errors.js';

const maxShare = 0.75; // of the old generation: from 0.8 on V8 gives up when collecting takes too long
const young = 3 * 2 ** 24; // bytes: the young generation, at V8's default; the limit includes it

/**
 * Whether V8's heap would be nearly full with `more` bytes more. At its limit V8 aborts the process with a dump, which
 * cannot be caught, so code whose data may grow without bound asks before. Garbage is collected first, so it does not
 * count.
 */
export function heapIsNearlyFull(more = 0): boolean {
  if (!isOver(more)) return false;
  collectGarbage();
  return isOver(more);
}

/** An error in one line, whose hint says how to allow more memory. */
export function outOfMemory(what: string): ClrError {
  const limit = Math.round(v8.getHeapStatistics().heap_size_limit / 2 ** 20);
  return new ClrError(
    'failed',
    `out of memory: ${what}; too little of the ${limit} MiB JavaScript heap is left`,
    'allow more, e.g. NODE_OPTIONS=--max-old-space-size=8192 (MiB)',
  );
}

function isOver(more: number): boolean {
  const { used_heap_size, heap_size_limit } = v8.getHeapStatistics();
  return used_heap_size + more > maxShare * (heap_size_limit - young);
}

function collectGarbage(): void {
  v8.setFlagsFromString('--expose-gc');
  vm.runInNewContext('gc')();
}
