import { expect, test } from 'vitest';
import { randomStream } from '../random.js';
import { smooth } from '../statistics/smooth.js';
import { askPython } from '../testing/python.js';
import { keptPoints, minimum, slide, steep, valley } from './fastai.js';
import { learningRate } from './learning-rates.js';

/** Noisy dips of several lengths, whole, stopped early, and ended by NaN. */
const cases = Array.from({ length: 60 }, (_, seed) => {
  const { normal } = randomStream(seed, 'synthetic');
  const num_it = [60, 100, 250][seed % 3]!;
  const range = { start: 1e-7, end: 10, scale: 'exponential', iterations: num_it } as const;
  const lr = Array.from({ length: num_it }, (_, i) => learningRate(range, i));
  const loss = lr.map((l) => 2.4 - 0.9 / (1 + (0.01 / l) ** 2) + (l / 0.7) ** 2 + 0.1 * (seed % 4) * normal());
  const end = seed % 5 === 4 ? Math.floor(0.9 * num_it) : num_it;
  const whole = seed % 7 === 6 ? loss.map((l, i) => (i > 0.8 * num_it ? Number.NaN : l)) : loss;
  return { num_it, lr: lr.slice(0, end), loss: whole.slice(0, end) };
});

const curves = cases.map((c) => ({ ...c, average: smooth(c.loss) }));
const answers = askPython<Record<'valley' | 'steep' | 'minimum' | 'slide', number>[]>(
  'scripts/peer-lr-finder.py',
  ['fastai', 'torch'],
  curves.map(({ lr, loss, average, num_it }) => {
    return { lr, num_it, average: average.map((a, i) => (Number.isFinite(loss[i]) ? a : Number.NaN)) };
  }),
);

test.skipIf(!answers).each(Object.entries({ valley, steep, minimum, slide }))(
  '%s agrees with fastai',
  (name, method) => {
    curves.forEach(({ lr, loss, average, num_it }, i) => {
      const found = method(keptPoints(lr, loss, average, num_it))!;
      expect(
        Math.abs(found / answers![i]![name as keyof (typeof answers & object)[number]] - 1),
        `curve ${i}`,
      ).toBeLessThan(1e-6);
    });
  },
);
