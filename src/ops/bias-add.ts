import type { Tensor, Tensor1D, Tensor4D, TensorInfo } from '@tensorflow/tfjs-core';
import { referenceKernel, run } from './kernel.js';
import type { Tape } from './tape.js';

/** x [N, H, W, C] + bias [C]. */
export function biasAdd(tape: Tape, x: Tensor4D, bias: Tensor1D): Tensor4D {
  const y = run('BiasAdd', { x, bias })[0] as Tensor4D;
  return tape.record([x, bias], y, (dy: Tensor) => [dy.clone(), run('BiasAddGrad', { dy })[0]]);
}

/** The references of BiasAdd and BiasAddGrad. */
export const biasAddKernels = [
  referenceKernel('BiasAdd', (inputs: { x: TensorInfo; bias: TensorInfo }, _attributes, memory) => {
    const output = memory.allocate(inputs.x.shape);
    const [y, x, bias] = [memory.view(output), memory.view(inputs.x), memory.view(inputs.bias)];
    for (let i = 0; i < x.length; ) for (let c = 0; c < bias.length; c++, i++) y[i] = x[i]! + bias[c]!;
    return [output];
  }),
  /** dBias [C] = sum of dy over all but the last axis. */
  referenceKernel('BiasAddGrad', (inputs: { dy: TensorInfo }, _attributes, memory) => {
    const channels = inputs.dy.shape.at(-1)!;
    const output = memory.allocate([channels]);
    const dy = memory.view(inputs.dy);
    const sum = new Float64Array(channels);
    for (let i = 0; i < dy.length; ) for (let c = 0; c < channels; c++) sum[c]! += dy[i++]!;
    memory.view(output).set(sum);
    return [output];
  }),
];
