import { pad, slice, type Tensor, type Tensor4D } from '@tensorflow/tfjs-core';
import { run } from '../../ops/kernel.js';

type Shape4D = [number, number, number, number];

interface Attributes {
  pad: number;
  inputShape: Shape4D;
}

/**
 * tfjs-node refuses to pad a convolution by a number of pixels, and its gradients by anything but "valid" and "same"
 * (tfjs-node 4.22, src/kernels/Conv2D*.ts). Each of these turns a kernel padded by `pad` into the same without padding.
 */
export const unpadded: Record<string, (inputs: never, attributes: Attributes) => Tensor> = {
  Conv2D: ({ x, filter }: Record<'x' | 'filter', Tensor>, attributes) =>
    run('Conv2D', { x: padImage(x, attributes.pad), filter }, { ...attributes, pad: 0 })[0]!,
  Conv2DBackpropFilter: ({ x, dy }: Record<'x' | 'dy', Tensor>, attributes) =>
    run('Conv2DBackpropFilter', { x: padImage(x, attributes.pad), dy }, { ...attributes, pad: 0 })[0]!,
  Conv2DBackpropInput: ({ dy, filter }: Record<'dy' | 'filter', Tensor>, { inputShape, ...attributes }) => {
    const [images, height, width, channels] = inputShape;
    const border = attributes.pad;
    const padded = [images, height + 2 * border, width + 2 * border, channels];
    const dx = run('Conv2DBackpropInput', { dy, filter }, { ...attributes, pad: 0, inputShape: padded })[0]!;
    return slice(dx, [0, border, border, 0], inputShape);
  },
};

function padImage(x: Tensor, border: number): Tensor {
  return pad(x as Tensor4D, [
    [0, 0],
    [border, border],
    [border, border],
    [0, 0],
  ]);
}
