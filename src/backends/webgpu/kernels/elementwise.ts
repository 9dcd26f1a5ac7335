import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { requireShape } from '../../../ops/kernel.js';
import { defaultThreads } from '../backend.js';
import { elementwise, type Shader } from '../shader.js';
import { kernel, operands, requireSameScale, widthOf } from './kernel.js';

const shader = (name: string, body: string): Shader => ({ name, threads: defaultThreads, body: elementwise(body) });

const add = shader('Add', 'y_put(i, a_at(i) + b_at(i));');
const fill = shader('ZerosLike', 'y_put(i, 0);');
const biasAdd = shader('BiasAdd', 'y_put(i, x_at(i) + bias_at(i % CHANNELS));');

/** The ops of tfjs that a model uses besides the convolutions, and the bias. */
export const elementwiseKernels = [
  kernel('Add', ({ a, b }: { a: TensorInfo; b: TensorInfo }, _attributes, backend) => {
    requireShape(a.shape, { b });
    const sum = backend.addToPostponed(b, a) ?? backend.addToPostponed(a, b);
    if (sum) return sum;
    const count = util.sizeFromShape(a.shape);
    const width = widthOf(count);
    const [storedA, storedB] = [backend.stored(a), backend.stored(b)];
    const half = storedA.format === 'f16' || storedB.format === 'f16'; // otherwise gradients of a parameter, say
    requireSameScale(storedA.scaled, storedB.scaled);
    const y = half ? backend.allocateActivation(a.shape, storedA.scaled) : backend.allocate(a.shape);
    backend.each(add, count / width, { reads: operands({ a, b }, width), writes: operands({ y }, width) });
    return y;
  }),

  kernel('Identity', ({ x }: { x: TensorInfo }, _attributes, backend) => backend.retain(x)),

  kernel('ZerosLike', ({ x }: { x: TensorInfo }, _attributes, backend) => {
    const y = backend.allocate(x.shape, backend.variables);
    backend.each(fill, util.sizeFromShape(x.shape), { writes: operands({ y }) });
    return y;
  }),

  kernel('BiasAdd', ({ x, bias }: { x: TensorInfo; bias: TensorInfo }, _attributes, backend) => {
    requireShape(x.shape.slice(-1), { bias });
    const channels = x.shape.at(-1)!;
    const width = widthOf(channels);
    const y = backend.allocateActivation(x.shape, backend.stored(x).scaled);
    backend.each(biasAdd, util.sizeFromShape(x.shape) / width, {
      reads: operands({ x, bias }, width),
      writes: operands({ y }, width),
      constants: { CHANNELS: channels / width },
    });
    return y;
  }),
];
