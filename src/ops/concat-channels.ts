import type { Tensor, Tensor4D, TensorInfo } from '@tensorflow/tfjs-core';
import { referenceKernel, run } from './kernel.js';
import type { Tape } from './tape.js';

/** a [N, H, W, A] and b [N, H, W, B], side by side: [N, H, W, A + B]. */
export function concatChannels(tape: Tape, a: Tensor4D, b: Tensor4D): Tensor4D {
  const y = run('ConcatChannels', { a, b })[0] as Tensor4D;
  const first = a.shape[3];
  return tape.record([a, b], y, (dy: Tensor) => run('SplitChannels', { dy }, { first }));
}

/** The references of ConcatChannels and of its gradient, SplitChannels: the `first` channels, then the others. */
export const concatChannelsKernels = [
  referenceKernel('ConcatChannels', (inputs: Record<'a' | 'b', TensorInfo>, _attributes, memory) => {
    const [left, right] = [inputs.a.shape[3]!, inputs.b.shape[3]!];
    const output = memory.allocate([...inputs.a.shape.slice(0, 3), left + right]);
    const [y, a, b] = [output, inputs.a, inputs.b].map((t) => memory.view(t)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    for (let p = 0; p * left < a.length; p++) {
      y.set(a.subarray(p * left, (p + 1) * left), p * (left + right));
      y.set(b.subarray(p * right, (p + 1) * right), p * (left + right) + left);
    }
    return [output];
  }),
  referenceKernel('SplitChannels', (inputs: { dy: TensorInfo }, { first }: { first: number }, memory) => {
    const channels = inputs.dy.shape[3]!;
    const outputs = [first, channels - first].map((c) => memory.allocate([...inputs.dy.shape.slice(0, 3), c]));
    const [da, db] = outputs.map((t) => memory.view(t)) as [Float32Array, Float32Array];
    const dy = memory.view(inputs.dy);
    for (let p = 0; p * channels < dy.length; p++) {
      const pixel = dy.subarray(p * channels, (p + 1) * channels);
      da.set(pixel.subarray(0, first), p * first);
      db.set(pixel.subarray(first), p * (channels - first));
    }
    return outputs;
  }),
];
