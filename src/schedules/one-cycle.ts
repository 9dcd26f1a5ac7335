import { z } from 'zod';
import { ClrError } from '../errors.js';
import { entry } from '../registry.js';
import { constantMomentum, momentumOptions, withMomentum } from './momentum.js';
import { piecewise } from './piecewise.js';
import type { RunLength, Schedule } from './schedule.js';

/** What differs between the libraries: defaults, and the lengths of the first leg and of the rest, in iterations. */
interface Preset {
  pct_start: number;
  final_div(div: number): number;
  legs(iterations: number, pctStart: number): [number, number];
}

/** From fastai's callbacks/one_cycle.py (v1) and callback/schedule.py (v2), and torch/optim/lr_scheduler.py. */
const presets: Record<'fastai-v1' | 'fastai-v2' | 'pytorch', Preset> = {
  'fastai-v1': {
    pct_start: 0.3,
    final_div: (div) => div * 1e4,
    legs(iterations, pctStart) {
      const rise = Math.floor(iterations * pctStart);
      return [Math.max(1, rise), iterations - rise];
    },
  },
  'fastai-v2': {
    pct_start: 0.25,
    final_div: () => 1e5,
    legs: (iterations, pctStart) => [pctStart * iterations, (1 - pctStart) * iterations],
  },
  pytorch: {
    pct_start: 0.3,
    final_div: (div) => div * 1e4,
    legs: (iterations, pctStart) => [pctStart * iterations - 1, iterations - pctStart * iterations], // ends at the last update
  },
};

/**
 * 1cycle as libraries have implemented it since 2018: up from max_lr / div to max_lr, then down to max_lr / final_div.
 * With `pytorch` the last update uses that LR; fastai ends one step before it. torch's `three_phase` first goes down to
 * max_lr / div.
 */
export const oneCycle = entry({
  type: 'one-cycle',
  about: '1cycle as in the libraries since 2018: up from max_lr / div to max_lr, then down to max_lr / final_div.',
  formula: 'max_lr/div -> max_lr in pct_start of the run, then -> max_lr/final_div; momentum max -> min -> max',
  source: 'https://docs.fast.ai/callback.schedule.html, https://pytorch.org/docs/stable/optim.html',
  options: z.object({
    preset: z
      .enum(['fastai-v1', 'fastai-v2', 'pytorch'])
      .default('pytorch')
      .describe('the library that the definition and the defaults are taken from'),
    max_lr: z.number().gt(0).describe('the highest LR'),
    div: z.number().gte(1).default(25).describe('the LR starts at max_lr / div'),
    final_div: z
      .number()
      .gte(1)
      .optional()
      .describe('the LR ends at max_lr / final_div; default: div * 1e4 (fastai-v1, pytorch) or 1e5 (fastai-v2)'),
    pct_start: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe('share of the run in which the LR rises; default: 0.3, fastai-v2: 0.25'),
    anneal: z.enum(['cosine', 'linear']).default('cosine').describe('the shape of the legs'),
    three_phase: z
      .boolean()
      .default(false)
      .describe('go back to max_lr / div before the last leg; preset pytorch only'),
    ...momentumOptions,
    end_momentum: constantMomentum
      .optional()
      .describe(
        'momentum at the end of the run, the third of the three `moms` of fastai; by default the one at the start',
      ),
  }),
  create({ preset, max_lr, div, anneal, three_phase, ...options }, length: RunLength): Schedule {
    const { iterations } = length;
    const defaults = presets[preset];
    const pctStart = options.pct_start ?? defaults.pct_start;
    if (three_phase) checkThreePhases(preset, pctStart);
    const [rise, rest] = defaults.legs(iterations, pctStart);
    const [foot, end] = [max_lr / div, max_lr / (options.final_div ?? defaults.final_div(div))];
    const lengths = three_phase ? [rise, rise, rest - rise] : [rise, rest];
    const curve = (...ends: number[]) =>
      piecewise(lengths.map((length, i) => ({ length, from: ends[i]!, to: ends[i + 1]!, shape: anneal })));
    const lr = three_phase ? curve(foot, max_lr, foot, end) : curve(foot, max_lr, end);
    const momentum = (start: number, top: number) =>
      three_phase
        ? curve(start, top, start, options.end_momentum ?? start)
        : curve(start, top, options.end_momentum ?? start);
    return withMomentum(lr, momentum, options, length);
  },
});

function checkThreePhases(preset: string, pctStart: number): void {
  if (preset !== 'pytorch')
    throw new ClrError('usage', `preset ${preset} has no three_phase`, 'set preset to "pytorch", or use clr-beta');
  if (pctStart > 0.5)
    throw new ClrError('usage', `pct_start ${pctStart} leaves no third phase`, 'set it to 0.5 at most');
}
