import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { referenceKernel, run, splitInto } from './kernel.js';

/** Rates of one Adam step. */
export interface AdamUpdate {
  /** One for each parameter. */
  lr: number[];
  beta1: number;
  beta2: number;
  epsilon: number;
  /** One for each parameter. */
  weightDecay: number[];
  /** l2: added to the gradient; decoupled: p -= lr wd p before the step (AdamW, arXiv:1711.05101). */
  weightDecayMode: 'l2' | 'decoupled';
}

/** Adam's memory: first and second moment of each parameter's gradient, and the number of steps done (a scalar). */
export interface AdamMoments {
  first: Tensor[];
  second: Tensor[];
  steps: Tensor;
}

/**
 * One step of Adam (arXiv:1412.6980) over all parameters at once. The t-th step's bias correction is 1 - beta1^t with
 * the beta1 of that step, also where beta1 cycles: PyTorch's way, not the product of all the beta1s. Returns the new
 * parameters and moments, and disposes the old ones and the gradients, whose memory the kernel may reuse.
 */
export function adamUpdate(
  parameters: Tensor[],
  gradients: Tensor[],
  { first, second, steps }: AdamMoments,
  attributes: AdamUpdate,
): [Tensor[], AdamMoments] {
  const inputs = [...parameters, ...gradients, ...first, ...second, steps];
  const outputs = run('AdamUpdate', inputs, attributes);
  for (const tensor of inputs) tensor.dispose();
  const [updated, newFirst, newSecond] = splitInto(3, outputs.slice(0, -1));
  return [updated, { first: newFirst, second: newSecond, steps: outputs.at(-1)! }];
}

/** The reference of AdamUpdate. */
export const adamUpdateKernels = [
  /** inputs: parameters, gradients, first moments, second moments, steps; outputs: the same without the gradients. */
  referenceKernel('AdamUpdate', (inputs: TensorInfo[], attributes: AdamUpdate, memory) => {
    const count = (inputs.length - 1) / 4;
    const outputs = [...inputs.slice(0, count), ...inputs.slice(2 * count)].map((t) => memory.allocate(t.shape));
    const t = memory.view(inputs.at(-1)!)[0]! + 1;
    memory.view(outputs.at(-1)!)[0] = t;
    for (let k = 0; k < count; k++) {
      const old = [0, 1, 2, 3].map((part) => memory.view(inputs[part * count + k]!));
      const fresh = [0, 1, 2].map((part) => memory.view(outputs[part * count + k]!));
      updateOne(old as Four, fresh as Three, t, k, attributes);
    }
    return outputs;
  }),
];

type Three = [Float32Array, Float32Array, Float32Array];
type Four = [...Three, Float32Array];

function updateOne([p, g, m, v]: Four, [newP, newM, newV]: Three, t: number, k: number, a: AdamUpdate): void {
  const { beta1, beta2, epsilon } = a;
  const [lr, decay] = [a.lr[k]!, a.weightDecay[k]!];
  const [l2, kept] = a.weightDecayMode === 'l2' ? [decay, 1] : [0, 1 - lr * decay];
  const stepSize = lr / (1 - beta1 ** t);
  const correction2 = Math.sqrt(1 - beta2 ** t);
  for (let i = 0; i < p.length; i++) {
    const gradient = g[i]! + l2 * p[i]!;
    const first = beta1 * m[i]! + (1 - beta1) * gradient;
    const second = beta2 * v[i]! + (1 - beta2) * gradient * gradient;
    newM[i] = first;
    newV[i] = second;
    newP[i] = kept * p[i]! - (stepSize * first) / (Math.sqrt(second) / correction2 + epsilon);
  }
}
