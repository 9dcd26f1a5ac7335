import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { validateConfig } from '../config/load.js';
import { runLength } from '../config/schema.js';
import { askPython } from '../testing/python.js';
import { schedules } from './index.js';

/** A library call, and the config with the same LR and momentum at every update. */
interface Translation {
  library: keyof typeof libraries;
  code: string;
  config: object;
  batches: number;
}

/** The Python modules that each needs, and the tolerance of LRs: fastai and Keras compute in float32. */
const libraries = {
  fastai: { modules: ['fastai', 'torch'], tolerance: 1e-6 },
  torch: { modules: ['torch'], tolerance: 1e-14 },
  transformers: { modules: ['transformers', 'torch'], tolerance: 1e-14 },
  keras: { modules: ['keras', 'torch'], tolerance: 1e-6 },
};

const sections = { 'fastai 2': 'fastai', PyTorch: 'torch', transformers: 'transformers', Keras: 'keras' } as const;

const page = readFileSync(new URL('translations.md', import.meta.url), 'utf8');
const onThePage = page.split(/^## /m).flatMap((section): Translation[] => {
  const library = sections[section.split('\n')[0] as keyof typeof sections];
  const pairs = section.matchAll(/```python\n([^`]*)```\n```yaml\n([^`]*)```/g);
  return [...pairs].map(([, code, config]) => ({ library, code: code!, config: parse(config!), batches: 100 }));
});

const fastai = (code: string, schedule: object, epochs: number, batches: number): Translation => ({
  library: 'fastai',
  code,
  config: { epochs, schedule },
  batches,
});
const oneCycle = { type: 'one-cycle', preset: 'fastai-v2', max_lr: 0.8 };

/** Odd run lengths, and phases that end between two updates. */
const further: Translation[] = [
  ...[0, 1, 0.01, 0.99].map((pct) =>
    fastai(`learn.fit_one_cycle(3, 0.8, pct_start=${pct})`, { ...oneCycle, pct_start: pct }, 3, 37),
  ),
  ...[0, 1, 0.5].map((pct) =>
    fastai(
      `learn.fit_flat_cos(3, 0.8, div_final=10, pct_start=${pct})`,
      { type: 'flat-cos', max_lr: 0.8, pct_start: pct, final_div: 10 },
      3,
      37,
    ),
  ),
  fastai(
    'learn.fit_one_cycle(1, 0.8, moms=(0.8, 0.99, 0.5))',
    { ...oneCycle, momentum: 'anti-cyclic', min_momentum: 0.8, max_momentum: 0.99, end_momentum: 0.5 },
    1,
    41,
  ),
  fastai(
    'learn.fit(1, cbs=ParamScheduler({"lr": combine_scheds([1/3, 1/3, 1/3], [SchedLin(0, 1), SchedExp(1, 0.1), SchedNo(0.1, 0)])}))',
    {
      type: 'phases',
      round_ends: false,
      phases: [
        { share: '1/3', lr: [0, 1] },
        { share: '1/3', lr: [1, 0.1], shape: 'exponential' },
        { share: '1/3', lr: [0.1, 0.001], shape: 'constant' },
      ],
    },
    1,
    100,
  ),
];

const translations = [...onThePage, ...further];

describe.each(Object.entries(libraries))('%s', (library, { modules, tolerance }) => {
  const own = translations.filter(({ library: name }) => name === library);
  const configs = own.map(({ config }) => validateConfig({ name: 'translation', ...config }, 'translations.md'));
  const answers = askPython<Answer[]>(
    'scripts/peer-schedules.py',
    modules,
    own.map(({ code, batches }, i) => ({ library, code, epochs: configs[i]!.epochs, iterations_per_epoch: batches })),
  );

  test.skipIf(!answers).each(own.map(({ code }, i) => [code.trim().split('\n').at(-1), i] as const))('%s', (_, i) => {
    const config = configs[i]!;
    const { used, optimizer } = answers![i]!;
    const length = runLength(config, own[i]!.batches * config.batch_size);
    const schedule = schedules.create(config.schedule, length);
    expect(used).toHaveLength(length.iterations);
    const off = used.map(([lr, momentum], t) => {
      const ours = schedule(t);
      return Math.max(Math.abs(ours.lr - lr), momentum === null ? 0 : Math.abs(ours.momentum - momentum));
    });
    expect(Math.max(...off)).toBeLessThan(tolerance);
    if (!optimizer || !('optimizer' in own[i]!.config)) return;
    expect(config.optimizer.weight_decay).toBe(optimizer.weight_decay);
    if (config.optimizer.type === 'sgd') expect(config.optimizer.nesterov).toBe(optimizer.nesterov);
    else expect([config.optimizer.beta2, config.optimizer.epsilon]).toEqual([optimizer.betas![1], optimizer.eps]);
  });
});

interface Answer {
  used: [lr: number, momentum: number | null][];
  optimizer: { weight_decay: number; nesterov: boolean | null; betas: number[] | null; eps: number | null } | null;
}
