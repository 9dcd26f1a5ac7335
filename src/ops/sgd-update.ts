import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { referenceKernel, run } from './kernel.js';

/** Rates and form of one SGD step. */
export interface SgdUpdate {
  /** One for each parameter. */
  lr: number[];
  /** One for each parameter. */
  momentum: number[];
  /** One for each parameter. */
  weightDecay: number[];
  nesterov: boolean;
  /** l2: added to the gradient; decoupled: p -= lr wd p beside the gradient step (AdamW's way, arXiv:1711.05101). */
  weightDecayMode: 'l2' | 'decoupled';
  /** outside: v = m v + g, p -= lr v (PyTorch). inside: v = m v + lr g, p -= v (Caffe, and arXiv:1803.09820). */
  lrPlacement: 'outside' | 'inside';
}

/**
 * One step of SGD with momentum over all parameters at once. Returns the new parameters and velocities, and disposes
 * the old ones and the gradients, whose memory the kernel may reuse.
 */
export function sgdUpdate(
  parameters: Tensor[],
  gradients: Tensor[],
  velocities: Tensor[],
  attributes: SgdUpdate,
): [Tensor[], Tensor[]] {
  const inputs = [...parameters, ...gradients, ...velocities];
  const outputs = run('SgdUpdate', inputs, attributes);
  for (const tensor of inputs) tensor.dispose();
  return [outputs.slice(0, parameters.length), outputs.slice(parameters.length)];
}

/** The reference of SgdUpdate. */
export const sgdUpdateKernels = [
  /** inputs: parameters, gradients, velocities; outputs: new parameters, new velocities. */
  referenceKernel(
    'SgdUpdate',
    (inputs: TensorInfo[], { lr, momentum, weightDecay, nesterov, ...mode }: SgdUpdate, memory) => {
      const count = inputs.length / 3;
      const fresh = (t: TensorInfo) => memory.allocate(t.shape);
      const parameters = inputs.slice(0, count).map(fresh);
      const velocities = inputs.slice(0, count).map(fresh);
      for (let k = 0; k < count; k++) {
        const [p, g, v] = [k, count + k, 2 * count + k].map((i) => memory.view(inputs[i]!)) as [
          Float32Array,
          Float32Array,
          Float32Array,
        ];
        const [newP, newV] = [memory.view(parameters[k]!), memory.view(velocities[k]!)];
        const [rate, m] = [lr[k]!, momentum[k]!];
        const [inside, outside] = mode.lrPlacement === 'inside' ? [rate, 1] : [1, rate];
        const [l2, decoupled] = mode.weightDecayMode === 'l2' ? [weightDecay[k]!, 0] : [0, rate * weightDecay[k]!];
        for (let i = 0; i < p.length; i++) {
          const step = inside * (g[i]! + l2 * p[i]!);
          const velocity = m * v[i]! + step;
          newV[i] = velocity;
          newP[i] = p[i]! - outside * (nesterov ? step + m * velocity : velocity) - decoupled * p[i]!;
        }
      }
      return [...parameters, ...velocities];
    },
  ),
];
