import { expect, test } from 'vitest';
import { searchAdapter } from './search.js';

const node = (script: string) => searchAdapter([process.execPath, '-e', script]);

test('what dawn writes to stderr is kept apart from the result', async () => {
  const found = await node(
    `console.error('Warning: a\\n\\nb'); console.log('noise'); console.log('{"name":"GPU","software":false}')`,
  );
  expect(found).toEqual({ name: 'GPU', software: false, messages: ['Warning: a', 'b'] });
});

test('a driver that crashes is reported as the reason', async () => {
  expect(await node(`console.error('boom'); process.kill(process.pid, 'SIGSEGV')`)).toEqual({
    reason: 'the search for an adapter ended with SIGSEGV',
    messages: ['boom'],
  });
});
