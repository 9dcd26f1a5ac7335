import { z } from 'zod';
import { ClrError } from '../errors.js';
import { entry } from '../registry.js';
import { durationKeys, durationsIn, lengthsOf, roundEndsOption, toIterations } from './duration.js';
import { constantMomentum } from './momentum.js';
import { type Piece, piecewise, shapeNames } from './piecewise.js';
import type { RunLength, Schedule } from './schedule.js';

const lr = z.union([z.number().gt(0), z.tuple([z.number().min(0), z.number().min(0)])], {
  error: 'must be a number above 0 or [from, to]',
});
const momentum = z.union([constantMomentum, z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)])], {
  error: 'must be a number in [0, 1) or [from, to] within [0, 1]',
});

const phase = z
  .strictObject({
    ...durationKeys,
    lr: lr.describe('a number, or [from, to]'),
    momentum: momentum.default(0.9).describe('a number, or [from, to]'),
    shape: z
      .enum(shapeNames)
      .default('linear')
      .describe('how LR and momentum change from one to the other; constant keeps the first'),
    power: z.number().gt(0).max(10).default(2).describe('exponent of the polynomial shape'),
  })
  .refine((p) => durationsIn(p) <= 1, { error: 'has several of epochs, iterations, share' })
  .refine((p) => !Array.isArray(p.lr) || Math.max(...p.lr) > 0, { error: 'the LR is 0 throughout' })
  .refine(
    (p) => p.shape !== 'exponential' || [p.lr, p.momentum].every((v) => !Array.isArray(v) || Math.min(...v) > 0),
    {
      error: 'an exponential never reaches 0: use values above 0',
    },
  );

type Phase = z.output<typeof phase>;

/**
 * Any schedule, piece by piece: `phases: [{ share: 0.45, lr: [0.08, 0.8], momentum: [0.95, 0.85] }, ...]`. One phase
 * may omit its duration and takes what the others leave. Ends are rounded to whole iterations unless `round_ends` is
 * false, as in combine_scheds of fastai 2 (fastai/callback/schedule.py). Durations that do not add up to the run are an
 * error.
 */
export const phases = entry({
  type: 'phases',
  about: 'Any schedule, piece by piece. A phase without a duration takes the rest of the run.',
  formula: 'phases: [{ share: 0.45, lr: [0.08, 0.8], momentum: [0.95, 0.85] }, { lr: [0.8, 0], shape: cosine }]',
  options: z.object({
    phases: z.array(phase).min(1).max(1000).describe('one after the other; one of them may omit its duration'),
    round_ends: roundEndsOption,
  }),
  create({ phases, round_ends }, length: RunLength): Schedule {
    const lengths = lengthsOf(fill(phases, length), round_ends);
    const curve = (key: 'lr' | 'momentum') => piecewise(phases.map((p, i) => piece(p, p[key], lengths[i]!)));
    const [lr, momentum] = [curve('lr'), curve('momentum')];
    return (t) => ({ lr: lr(t), momentum: momentum(t) });
  },
});

function piece({ shape, power }: Phase, value: number | [number, number], length: number): Piece {
  const [from, to] = Array.isArray(value) ? value : [value, value];
  return { length, from, to, shape: from === to ? 'constant' : shape, power };
}

/** The phases' durations in iterations. */
function fill(phases: Phase[], length: RunLength): number[] {
  const given = phases.map((p) => toIterations(p, length));
  const rest = length.iterations - given.reduce<number>((sum, n) => sum + (n ?? 0), 0);
  const open = given.filter((n) => n === undefined).length;
  if (open > 1)
    throw new ClrError(
      'usage',
      `${open} phases have no duration, and only one can take the rest`,
      'give epochs or share',
    );
  if (rest < -0.5 || (open === 0 && rest > 0.5))
    throw new ClrError(
      'usage',
      `the phases take ${Number((length.iterations - rest).toFixed(1))} iterations, the run ${length.iterations}`,
      'give shares instead of epochs, or leave one phase without a duration to take the rest',
    );
  return given.map((n) => n ?? Math.max(0, rest));
}
