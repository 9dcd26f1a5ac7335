import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { referenceKernel, run } from './kernel.js';

/** Added to the norm, as torch.nn.utils.clip_grad_norm_ does. */
export const normOffset = 1e-6;

/**
 * The gradients, multiplied by max_norm / (norm + 1e-6) if that is below 1; `norm` is the L2 norm of all of them
 * together (arXiv:1211.5063; torch.nn.utils.clip_grad_norm_). Disposes of the given gradients, whose memory the kernel
 * may reuse.
 */
export function clipByGlobalNorm(gradients: Tensor[], maxNorm: number): Tensor[] {
  const clipped = run('ClipByGlobalNorm', gradients, { maxNorm });
  for (const gradient of gradients) gradient.dispose();
  return clipped;
}

/** The reference of ClipByGlobalNorm. */
export const clipByGlobalNormKernels = [
  referenceKernel('ClipByGlobalNorm', (gradients: TensorInfo[], { maxNorm }: { maxNorm: number }, memory) => {
    const outputs = gradients.map(({ shape }) => memory.allocate(shape));
    const views = gradients.map((g) => memory.view(g));
    let squares = 0;
    for (const view of views) for (const g of view) squares += g * g;
    const factor = Math.min(1, maxNorm / (Math.sqrt(squares) + normOffset));
    views.forEach((view, k) => {
      const output = memory.view(outputs[k]!);
      for (let i = 0; i < view.length; i++) output[i] = factor * view[i]!;
    });
    return outputs;
  }),
];
