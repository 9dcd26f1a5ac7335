import { assembleBatchKernel } from './assemble-batch.js';
import { batchNormKernels } from './batch-norm.js';
import { clipKernel } from './clip.js';
import { convolutionKernels } from './convolution.js';
import { elementwiseKernels } from './elementwise.js';
import { headKernels } from './head.js';
import { poolingKernels } from './pooling.js';
import { updateKernels } from './update.js';

/** All that a training run needs: this backend has no other kernels. */
export const kernels = [
  assembleBatchKernel,
  ...batchNormKernels,
  clipKernel,
  ...convolutionKernels,
  ...elementwiseKernels,
  ...headKernels,
  ...poolingKernels,
  ...updateKernels,
];
