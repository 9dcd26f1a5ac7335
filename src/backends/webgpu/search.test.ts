import { expect, test } from 'vitest';
import { searchAdapter } from './search.js';

const node = (script: string) => searchAdapter([process.execPath, '-e', script]);

test('what dawn writes on stderr is kept, and is no part of what is found', async () => {
  const found = await node(
    `console.error('Warning: a\\n\\nb'); console.log('noise'); console.log('{"name":"GPU","software":false}')`,
  );
  expect(found).toEqual({ name: 'GPU', software: false, messages: ['Warning: a', 'b'] });
});

test('a driver that crashes is a reason, not an end', async () => {
  expect(await node(`console.error('boom'); process.kill(process.pid, 'SIGSEGV')`)).toEqual({
    reason: 'looking for an adapter ended with SIGSEGV',
    messages: ['boom'],
  });
});
