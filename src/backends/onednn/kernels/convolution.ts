import { backend_util, getKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import { requireShape, type Shape4D } from '../../../ops/kernel.js';
import type { OnednnBackend } from '../backend.js';
import { kernel } from './kernel.js';

interface Attributes {
  strides: [number, number] | number;
  pad: 'valid' | 'same' | number | [[0, 0], [number, number], [number, number], [0, 0]];
  dataFormat?: 'NHWC' | 'NCHW';
  dilations?: [number, number] | number;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

export const convolutionKernels = [
  kernel('Conv2D', (inputs: { x: TensorInfo; filter: TensorInfo }, attributes: Attributes, backend) => {
    const { x, filter } = inputs;
    const shape = nativeShape(x.shape, filter.shape, attributes);
    if (!shape) return tfjsKernel('Conv2D', inputs, attributes, backend);
    const y = backend.allocateActivation(outputShape(shape));
    backend.ways.convolve('forward', shape, backend.activation(x), backend.view(filter), backend.activation(y));
    return y;
  }),
  kernel(
    'Conv2DBackpropInput',
    (inputs: { dy: TensorInfo; filter: TensorInfo }, attributes: Attributes & { inputShape: number[] }, backend) => {
      const { dy, filter } = inputs;
      const shape = nativeShape(attributes.inputShape, filter.shape, attributes);
      if (!shape) return tfjsKernel('Conv2DBackpropInput', inputs, attributes, backend);
      requireShape(outputShape(shape), { dy });
      const dx = backend.allocateActivation(attributes.inputShape);
      const [from, to] = [backend.activation(dy), backend.activation(dx)];
      backend.ways.convolve('input gradient', shape, to, backend.view(filter), from);
      return dx;
    },
  ),
  kernel(
    'Conv2DBackpropFilter',
    (inputs: { x: TensorInfo; dy: TensorInfo }, attributes: Attributes & { filterShape: number[] }, backend) => {
      const { x, dy } = inputs;
      const shape = nativeShape(x.shape, attributes.filterShape, attributes);
      if (!shape) return tfjsKernel('Conv2DBackpropFilter', inputs, attributes, backend);
      requireShape(outputShape(shape), { dy });
      const dFilter = backend.allocate(attributes.filterShape);
      const [left, right] = [backend.activation(x), backend.activation(dy)];
      backend.ways.convolve('filter gradient', shape, left, backend.view(dFilter), right);
      return dFilter;
    },
  ),
];

/** native/convolution.h's ConvolutionShape; undefined for dilated and channels-first convolutions, which it lacks. */
function nativeShape(xShape: number[], filterShape: number[], attributes: Attributes): Int32Array | undefined {
  const { strides, pad, dataFormat = 'NHWC', dilations = 1, dimRoundingMode } = attributes;
  const dilated = [dilations].flat().some((d) => d !== 1);
  if (dilated || dataFormat !== 'NHWC') return undefined;
  const info = backend_util.computeConv2DInfo(
    xShape as Shape4D,
    filterShape as Shape4D,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  if (xShape[3] !== filterShape[2]) throw new Error(`${xShape[3]} channels into a filter of [${filterShape}]`);
  const { top, left, bottom, right } = info.padInfo;
  const sizes = [info.batchSize, info.inHeight, info.inWidth, info.inChannels];
  const output = [info.outHeight, info.outWidth, info.outChannels];
  const window = [info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth];
  return Int32Array.from([...sizes, ...output, ...window, top, left, bottom, right]);
}

const outputShape = (shape: Int32Array) => [shape[0]!, shape[4]!, shape[5]!, shape[6]!];

function tfjsKernel(name: string, inputs: object, attrs: object, backend: OnednnBackend): TensorInfo {
  return getKernel(name, 'cpu').kernelFunc({
    inputs: inputs as never,
    attrs: attrs as never,
    backend,
  }) as TensorInfo;
}
