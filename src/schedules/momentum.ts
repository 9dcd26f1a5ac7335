import { z } from 'zod';
import { ClrError } from '../errors.js';
import type { Curve } from './piecewise.js';
import type { Schedule } from './schedule.js';

/** A momentum that is held. */
export const constantMomentum = z.number().min(0).lt(1);

/** The momentum half of a cyclical schedule's options. */
export const momentumOptions = {
  momentum: z
    .union([constantMomentum, z.enum(['cyclic', 'anti-cyclic'])], {
      error: 'must be a number in [0, 1), "cyclic" (falls while the LR rises) or "anti-cyclic" (rises with the LR)',
    })
    .default('cyclic')
    .describe('cyclic: max, min, max as the LR rises and falls; anti-cyclic: min, max, min; or a constant'),
  max_momentum: z.number().min(0).max(1).default(0.95).describe('of the cycle; no matter with a constant'),
  min_momentum: constantMomentum.default(0.85).describe('of the cycle; no matter with a constant'),
  lr_over_one_minus_momentum: constantMomentum
    .optional()
    .describe('a momentum m0: multiplies the LR by (1 - momentum) / (1 - m0), a control for cyclical momentum'),
};

type MomentumOptions = z.output<z.ZodObject<typeof momentumOptions>>;

/**
 * A schedule of `lr` and of the momentum that `options` ask for, where `height` is the place in the cycle: 0 at its foot, 1
 * at its top.
 *
 * `lr_over_one_minus_momentum: m0` is the control for cyclical momentum: SGD with momentum m takes steps of about
 * lr / (1 - m) times the gradient, so momentum that falls while the LR rises also flattens the cycle of that step. With m0
 * the LR becomes lr (1 - m(t)) / (1 - m0): the step follows the plain LR curve at constant momentum m0, and only the
 * memory of past gradients cycles.
 */
export function withMomentum(lr: Curve, height: Curve, options: MomentumOptions): Schedule {
  const momentum = momentumCurve(height, options);
  const m0 = options.lr_over_one_minus_momentum;
  if (m0 === undefined) return (t) => ({ lr: lr(t), momentum: momentum(t) });
  if (options.momentum !== 'cyclic' && options.momentum !== 'anti-cyclic')
    throw new ClrError('usage', 'lr_over_one_minus_momentum needs a momentum that cycles', 'set momentum to "cyclic"');
  if (options.max_momentum === 1)
    throw new ClrError(
      'usage',
      'lr_over_one_minus_momentum with max_momentum 1 gives an LR of 0',
      'lower max_momentum',
    );
  return (t) => ({ lr: (lr(t) * (1 - momentum(t))) / (1 - m0), momentum: momentum(t) });
}

function momentumCurve(height: Curve, { momentum, max_momentum: max, min_momentum: min }: MomentumOptions): Curve {
  if (typeof momentum === 'number') return () => momentum;
  if (max < min)
    throw new ClrError('usage', `max_momentum ${max} is below min_momentum ${min}`, 'or set momentum to "anti-cyclic"');
  const [foot, top] = momentum === 'cyclic' ? [max, min] : [min, max];
  return (t) => foot + (top - foot) * height(t);
}
