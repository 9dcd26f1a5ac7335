import { z } from 'zod';
import { ClrError } from '../errors.js';
import type { Curve } from './piecewise.js';
import { checkOrder, type RunLength, type Schedule } from './schedule.js';

/** A constant momentum. */
export const constantMomentum = z.number().min(0).lt(1).describe('constant over the run');

const demon = z.strictObject({
  demon: constantMomentum.describe('the momentum at the start, which decays to 0 over the run (arXiv:1910.04952)'),
});

/** The momentum of a schedule without a cycle. */
export const steadyMomentum = z
  .union([constantMomentum, demon], { error: 'must be a number in [0, 1) or { demon: <number in [0, 1)> }' })
  .default(0.9)
  .describe('a constant, or { demon: m }: decays from m to 0 over the run');

/** The curve for a value of `steadyMomentum`. */
export function steadyCurve(momentum: z.output<typeof steadyMomentum>, length: RunLength): Curve {
  return typeof momentum === 'number' ? () => momentum : demonCurve(momentum.demon, length);
}

/**
 * Demon (arXiv:1910.04952, equation 1): m0 (1 - t/T) / ((1 - m0) + m0 (1 - t/T)), so that m / (1 - m), the weight of a
 * gradient in all later updates, falls linearly from m0 / (1 - m0) to 0.
 */
function demonCurve(m0: number, { iterations }: RunLength): Curve {
  return (t) => {
    const left = Math.max(0, 1 - t / iterations);
    return (m0 * left) / (1 - m0 + m0 * left);
  };
}

/** The momentum half of a cyclical schedule's options. */
export const momentumOptions = {
  momentum: z
    .union([constantMomentum, z.enum(['cyclic', 'anti-cyclic']), demon], {
      error:
        'must be a number in [0, 1), "cyclic" (falls while the LR rises), "anti-cyclic" (rises with the LR) or { demon: <number in [0, 1)> }',
    })
    .default('cyclic')
    .describe(
      'cyclic: max, min, max as the LR rises and falls; anti-cyclic: min, max, min; a constant; or { demon: m }: decays from m to 0 over the run',
    ),
  max_momentum: z.number().min(0).max(1).default(0.95).describe('the highest momentum of the cycle'),
  min_momentum: constantMomentum.default(0.85).describe('the lowest momentum of the cycle'),
  lr_over_one_minus_momentum: constantMomentum
    .optional()
    .describe('a momentum m0: the LR is multiplied by (1 - momentum) / (1 - m0), a control for cyclical momentum'),
};

type MomentumOptions = z.output<z.ZodObject<typeof momentumOptions>>;

/** A momentum over the run, given its values at the foot and at the top of the cycle. */
export type MomentumCycle = (foot: number, top: number) => Curve;

/** The cycle whose position at each iteration is `height`: 0 at its foot, 1 at its top. */
export function between(height: Curve): MomentumCycle {
  return (foot, top) => (t) => foot + (top - foot) * height(t);
}

/**
 * A schedule of `lr` and the momentum that `options` describe.
 *
 * `lr_over_one_minus_momentum: m0` is the control for cyclical momentum: SGD with momentum m takes steps of about
 * lr / (1 - m) times the gradient, so momentum that falls while the LR rises also flattens the cycle of that step. With
 * m0 the LR becomes lr (1 - m(t)) / (1 - m0): the step follows the plain LR curve at constant momentum m0, and only the
 * memory of past gradients cycles.
 */
export function withMomentum(lr: Curve, cycle: MomentumCycle, options: MomentumOptions, length: RunLength): Schedule {
  const momentum = momentumCurve(cycle, options, length);
  const m0 = options.lr_over_one_minus_momentum;
  if (m0 === undefined) return (t) => ({ lr: lr(t), momentum: momentum(t) });
  if (typeof options.momentum === 'number')
    throw new ClrError('usage', 'lr_over_one_minus_momentum needs a momentum that cycles', 'set momentum to "cyclic"');
  if (options.max_momentum === 1)
    throw new ClrError(
      'usage',
      'lr_over_one_minus_momentum with max_momentum 1 gives an LR of 0',
      'lower max_momentum',
    );
  return (t) => ({ lr: (lr(t) * (1 - momentum(t))) / (1 - m0), momentum: momentum(t) });
}

function momentumCurve(
  cycle: MomentumCycle,
  { momentum, max_momentum, min_momentum }: MomentumOptions,
  length: RunLength,
): Curve {
  if (typeof momentum !== 'string') return steadyCurve(momentum, length);
  checkOrder({ min_momentum, max_momentum }, 'swap them, or set momentum to "anti-cyclic"');
  return momentum === 'cyclic' ? cycle(max_momentum, min_momentum) : cycle(min_momentum, max_momentum);
}
