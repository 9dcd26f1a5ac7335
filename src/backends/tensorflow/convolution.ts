import type { Tensor } from '@tensorflow/tfjs-core';
import { type Attribute, attribute, execute } from './ops.js';

interface Convolution {
  /** Zeros on each side. */
  pad: number;
  strides: [number, number];
}
type Named<Names extends string> = Record<Names, Tensor>;

/**
 * TensorFlow's own convolutions. tfjs-node's kernels reject padding by a number of pixels, their gradients anything but
 * "valid" and "same" (tfjs-node 4.22, src/kernels/Conv2D*.ts); TensorFlow accepts explicit padding.
 */
export const convolutionKernels = {
  Conv2D: ({ x, filter }: Named<'x' | 'filter'>, convolution: Convolution): Tensor =>
    execute('Conv2D', attributesOf(convolution, filter.shape), [x, filter])[0]!,

  Conv2DBackpropInput: (
    { dy, filter }: Named<'dy' | 'filter'>,
    { inputShape, ...convolution }: Convolution & { inputShape: number[] },
  ): Tensor => execute('Conv2DBackpropInput', attributesOf(convolution, filter.shape), [inputShape, filter, dy])[0]!,

  Conv2DBackpropFilter: (
    { x, dy }: Named<'x' | 'dy'>,
    { filterShape, ...convolution }: Convolution & { filterShape: number[] },
  ): Tensor => execute('Conv2DBackpropFilter', attributesOf(convolution, filterShape), [x, filterShape, dy])[0]!,
};

const cachedAttributes = new Map<string, Attribute[]>();

/** "SAME" if it pads the same, since its kernels are faster; at stride 2 it would pad only below and right. */
function attributesOf({ pad, strides }: Convolution, [size]: number[]): Attribute[] {
  const key = [pad, size, ...strides].join();
  const known = cachedAttributes.get(key);
  if (known) return known;
  const same = strides.every((stride) => stride === 1) && 2 * pad + 1 === size;
  const padding = same ? 'SAME' : pad > 0 ? 'EXPLICIT' : 'VALID';
  const attributes = [
    attribute.float32(),
    attribute.integers('strides', [1, ...strides, 1]),
    attribute.text('padding', padding),
    ...(padding === 'EXPLICIT' ? [attribute.integers('explicit_paddings', [0, 0, pad, pad, pad, pad, 0, 0])] : []),
    attribute.text('data_format', 'NHWC'),
  ];
  cachedAttributes.set(key, attributes);
  return attributes;
}
