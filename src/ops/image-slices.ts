import type { Tensor, Tensor4D, TensorInfo } from '@tensorflow/tfjs-core';
import { referenceKernel, run } from './kernel.js';

/** Images `begin` to `end` - 1 of a batch. */
export interface ImageRange {
  begin: number;
  end: number;
}

/** A copy of some images of x [N, H, W, C]: [end - begin, H, W, C]. */
export function sliceImages(x: Tensor, range: ImageRange): Tensor4D {
  return run('SliceImages', { x }, range)[0] as Tensor4D;
}

/** The images of all parts [N, H, W, C] in one batch; disposes the parts. */
export function joinImages(parts: Tensor[]): Tensor4D {
  const joined = run('JoinImages', parts)[0] as Tensor4D;
  for (const part of parts) part.dispose();
  return joined;
}

/** `count` images, split into ranges of at most `size`. */
export function rangesOf(count: number, size: number): ImageRange[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => ({
    begin: i * size,
    end: Math.min(count, (i + 1) * size),
  }));
}

/** The references of SliceImages and JoinImages. */
export const imageSlicesKernels = [
  referenceKernel('SliceImages', ({ x }: { x: TensorInfo }, { begin, end }: ImageRange, memory) => {
    const output = memory.allocate([end - begin, ...x.shape.slice(1)]);
    const [to, from] = [memory.view(output), memory.view(x)];
    const size = from.length / x.shape[0]!;
    to.set(from.subarray(begin * size, end * size));
    return [output];
  }),
  referenceKernel('JoinImages', (parts: TensorInfo[], _attributes, memory) => {
    const output = memory.allocate(joinedShape(parts));
    const to = memory.view(output);
    let at = 0;
    for (const part of parts) {
      const from = memory.view(part);
      to.set(from, at);
      at += from.length;
    }
    return [output];
  }),
];

/** The shape of all parts together. */
export function joinedShape(parts: TensorInfo[]): number[] {
  return [parts.reduce((sum, { shape }) => sum + shape[0]!, 0), ...parts[0]!.shape.slice(1)];
}
