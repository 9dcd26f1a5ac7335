import type { Tensor, Tensor1D, Tensor2D, TensorInfo } from '@tensorflow/tfjs-core';
import { referenceKernel, run } from './kernel.js';
import type { Tape } from './tape.js';

/** x [N, I] weights [I, O] + bias [O] -> [N, O]. */
export function dense(tape: Tape, x: Tensor2D, weights: Tensor2D, bias: Tensor1D): Tensor2D {
  const y = run('Dense', { x, weights, bias })[0] as Tensor2D;
  return tape.record([x, weights, bias], y, (dy: Tensor) => run('DenseGrad', { dy, x, weights }));
}

/** The references of Dense and DenseGrad. */
export const denseKernels = [
  referenceKernel('Dense', (inputs: Record<'x' | 'weights' | 'bias', TensorInfo>, _attributes, memory) => {
    const [rows, from] = inputs.x.shape as [number, number];
    const to = inputs.bias.shape[0]!;
    const output = memory.allocate([rows, to]);
    const [y, x, weights, bias] = [output, inputs.x, inputs.weights, inputs.bias].map((t) =>
      memory.view(t),
    ) as FourViews;
    for (let n = 0; n < rows; n++) {
      for (let o = 0; o < to; o++) {
        let sum = bias[o]!;
        for (let i = 0; i < from; i++) sum += x[n * from + i]! * weights[i * to + o]!;
        y[n * to + o] = sum;
      }
    }
    return [output];
  }),
  /** [dx = dy weights^T, dWeights = x^T dy, dBias = sum of dy over N] */
  referenceKernel('DenseGrad', (inputs: Record<'dy' | 'x' | 'weights', TensorInfo>, _attributes, memory) => {
    const [rows, from] = inputs.x.shape as [number, number];
    const to = inputs.dy.shape[1]!;
    const outputs = [[rows, from], [from, to], [to]].map((shape) => memory.allocate(shape));
    const [dx, dWeights, dBias] = outputs.map((t) => memory.view(t)) as [Float32Array, Float32Array, Float32Array];
    const [dy, x, weights] = [memory.view(inputs.dy), memory.view(inputs.x), memory.view(inputs.weights)];
    for (let n = 0; n < rows; n++) {
      for (let i = 0; i < from; i++) {
        let sum = 0;
        for (let o = 0; o < to; o++) sum += dy[n * to + o]! * weights[i * to + o]!;
        dx[n * from + i] = sum;
      }
    }
    for (let o = 0; o < to; o++) {
      let biasSum = 0;
      for (let n = 0; n < rows; n++) biasSum += dy[n * to + o]!;
      dBias[o] = biasSum;
      for (let i = 0; i < from; i++) {
        let sum = 0;
        for (let n = 0; n < rows; n++) sum += x[n * from + i]! * dy[n * to + o]!;
        dWeights[i * to + o] = sum;
      }
    }
    return outputs;
  }),
];
type FourViews = [Float32Array, Float32Array, Float32Array, Float32Array];
