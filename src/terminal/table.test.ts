import { expect, test } from 'vitest';
import { age } from './duration.js';
import { fitTable } from './table.js';

test('columns are aligned, numbers to the right, and no line is wider than the terminal', () => {
  const rows = [
    ['first', '1.5', 'x'.repeat(100)],
    ['b', '-', ''],
  ];
  expect(fitTable(['run', 'acc', 'rest'], rows, 40).split('\n')).toEqual([
    'run    acc  rest',
    `─────  ───  ${'─'.repeat(27)}…`,
    `first  1.5  ${'x'.repeat(27)}…`,
    'b        -',
    '',
  ]);
  expect(fitTable(['run', 'acc', 'rest'], rows)).toContain('x'.repeat(100));
});

test('an age is given in its largest unit', () => {
  const now = new Date(1e12);
  const ages = [5, 300, 7200, 200_000].map((seconds) => age(new Date(1e12 - 1000 * seconds), now));
  expect(ages).toEqual(['5 s', '5 min', '2 h', '2 d']);
  expect(age(new Date(2e12), now)).toBe('0 s');
});
