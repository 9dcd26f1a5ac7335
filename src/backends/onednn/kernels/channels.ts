import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type Dropout, dropoutThreshold } from '../../../ops/dropout.js';
import { type ImageRange, joinedShape } from '../../../ops/image-slices.js';
import { requireShape } from '../../../ops/kernel.js';
import { kernel } from './kernel.js';

/** Concatenating feature maps, slicing batches, and dropout. */
export const channelKernels = [
  kernel('ConcatChannels', ({ a, b }: Record<'a' | 'b', TensorInfo>, _attributes, backend) => {
    const [left, right] = [a.shape[3]!, b.shape[3]!];
    requireShape([...a.shape.slice(0, 3), right], { b });
    const y = backend.allocateActivation([...a.shape.slice(0, 3), left + right]);
    const [first, second, both] = [backend.activation(a), backend.activation(b), backend.activation(y)];
    backend.addon.concat(first, second, both, left, right, false);
    return [y];
  }),
  kernel('SplitChannels', ({ dy }: { dy: TensorInfo }, { first }: { first: number }, backend) => {
    const right = dy.shape[3]! - first;
    const [da, db] = [first, right].map((c) => backend.allocateActivation([...dy.shape.slice(0, 3), c])) as Two;
    backend.addon.concat(backend.activation(da), backend.activation(db), backend.activation(dy), first, right, true);
    return [da, db];
  }),
  kernel('SliceImages', ({ x }: { x: TensorInfo }, { begin, end }: ImageRange, backend) => {
    const y = backend.allocateActivation([end - begin, ...x.shape.slice(1)]);
    const [to, from] = [backend.activation(y), backend.activation(x)];
    to.set(from.subarray((begin * from.length) / x.shape[0]!, (end * from.length) / x.shape[0]!));
    return [y];
  }),
  kernel('JoinImages', (parts: TensorInfo[], _attributes, backend) => {
    const y = backend.allocateActivation(joinedShape(parts));
    const to = backend.activation(y);
    let at = 0;
    for (const part of parts) {
      const from = backend.activation(part);
      to.set(from, at);
      at += from.length;
    }
    return [y];
  }),
  kernel('Dropout', ({ x }: { x: TensorInfo }, { rate, key }: Dropout, backend) => {
    const y = backend.allocateActivation(x.shape);
    const kept = 1 / (1 - rate);
    backend.addon.dropout(backend.activation(x), backend.activation(y), dropoutThreshold(rate), key, kept);
    return [y];
  }),
];
type Two = [TensorInfo, TensorInfo];
