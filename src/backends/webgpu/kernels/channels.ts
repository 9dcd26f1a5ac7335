import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type Dropout, dropoutThreshold } from '../../../ops/dropout.js';
import { type ImageRange, joinedShape } from '../../../ops/image-slices.js';
import { requireShape } from '../../../ops/kernel.js';
import { defaultThreads } from '../backend.js';
import { elementwise, type Shader } from '../shader.js';
import { kernel, operands } from './kernel.js';

const place = `
    let c = i % (LEFT + RIGHT);
    let pixel = i / (LEFT + RIGHT);`;
const concat: Shader = {
  name: 'ConcatChannels',
  threads: defaultThreads,
  body: elementwise(`${place}
    if (c < LEFT) { y_put(i, a_at(pixel * LEFT + c)); } else { y_put(i, b_at(pixel * RIGHT + c - LEFT)); }`),
};
const split: Shader = {
  name: 'SplitChannels',
  threads: defaultThreads,
  body: elementwise(`${place}
    if (c < LEFT) { da_put(pixel * LEFT + c, dy_at(i)); } else { db_put(pixel * RIGHT + c - LEFT, dy_at(i)); }`),
};
const copy: Shader = {
  name: 'CopyImages',
  threads: defaultThreads,
  body: elementwise('y_put(TO + i, x_at(FROM + i));'),
};
const dropout: Shader = {
  name: 'Dropout',
  threads: defaultThreads,
  body: () => `
/** The final mix of MurmurHash3. */
fn mix32(given: u32) -> u32 {
  var h = (given ^ (given >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}
${elementwise('y_put(i, select(x_at(i) * KEPT, 0, mix32(mix32(i) + key_at(0)) < THRESHOLD));')()}`,
};

/** Concatenating feature maps, slicing batches, and dropout. */
export const channelKernels = [
  kernel('ConcatChannels', ({ a, b }: Record<'a' | 'b', TensorInfo>, _attributes, backend) => {
    const [left, right] = [a.shape[3]!, b.shape[3]!];
    requireShape([...a.shape.slice(0, 3), right], { b });
    const y = backend.allocateActivation([...a.shape.slice(0, 3), left + right]);
    const work = { reads: operands({ a, b }), writes: operands({ y }), constants: { LEFT: left, RIGHT: right } };
    backend.each(concat, util.sizeFromShape(y.shape), work);
    return [y];
  }),

  kernel('SplitChannels', ({ dy }: { dy: TensorInfo }, { first }: { first: number }, backend) => {
    const right = dy.shape[3]! - first;
    const part = (c: number) => backend.allocateActivation([...dy.shape.slice(0, 3), c], backend.stored(dy).scaled);
    const [da, db] = [part(first), part(right)];
    const work = { reads: operands({ dy }), writes: operands({ da, db }), constants: { LEFT: first, RIGHT: right } };
    backend.each(split, util.sizeFromShape(dy.shape), work);
    return [da, db];
  }),

  kernel('SliceImages', ({ x }: { x: TensorInfo }, { begin, end }: ImageRange, backend) => {
    const { scaled } = backend.stored(x);
    const size = util.sizeFromShape(x.shape) / x.shape[0]!;
    const y = backend.allocateActivation([end - begin, ...x.shape.slice(1)], scaled);
    const constants = { FROM: begin * size, TO: 0 };
    backend.each(copy, (end - begin) * size, { reads: operands({ x }), writes: operands({ y }), constants });
    return [y];
  }),

  kernel('JoinImages', (parts: TensorInfo[], _attributes, backend) => {
    const scaled = parts.map((part) => backend.stored(part).scaled);
    if (new Set(scaled).size > 1) throw new Error('only some parts of a batch are multiplied by the loss scale');
    const y = backend.allocateActivation(joinedShape(parts), scaled[0]);
    let at = 0;
    for (const x of parts) {
      const size = util.sizeFromShape(x.shape);
      backend.each(copy, size, { reads: operands({ x }), writes: operands({ y }), constants: { FROM: 0, TO: at } });
      at += size;
    }
    return [y];
  }),

  /** The key differs at each update: it is passed in memory, since a constant would require a new pipeline. */
  kernel('Dropout', ({ x }: { x: TensorInfo }, { rate, key }: Dropout, backend) => {
    const y = backend.allocateActivation(x.shape, backend.stored(x).scaled);
    backend.scratch('u32', 1, (memory) => {
      backend.commands.write(memory.region, Uint32Array.of(key));
      backend.each(dropout, util.sizeFromShape(x.shape), {
        reads: { ...operands({ x }), key: { of: memory } },
        writes: operands({ y }),
        constants: { THRESHOLD: dropoutThreshold(rate), KEPT: { f32: 1 / (1 - rate) } },
      });
    });
    return [y];
  }),
];
