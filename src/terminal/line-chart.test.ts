import { expect, test } from 'vitest';
import { lineChart } from './line-chart.js';

test('a line chart has the highest value at the top and the lowest at the bottom', () => {
  expect(lineChart([0, 0.5, 1], { width: 3, height: 3 })).toEqual(['1 ┤  ●', '  │ ●', '0 ┤●']);
});

test('a jump is drawn as a stroke', () => {
  expect(lineChart([1, 0], { width: 2, height: 4 })).toEqual(['1 ┤●', '  │ │', '  │ │', '0 ┤ ●']);
});

test('a constant is a line at the bottom', () => {
  expect(lineChart([0.9, 0.9, 0.9], { width: 3, height: 2 })).toEqual(['    ┤', '0.9 ┤●●●']);
});
