import { assembleBatchKernel } from './assemble-batch.js';
import { batchNormKernels } from './batch-norm.js';
import { channelKernels } from './channels.js';
import { clipKernel } from './clip.js';
import { convolutionKernels } from './convolution.js';
import { elementwiseKernels } from './elementwise.js';
import { headKernels } from './head.js';
import { poolingKernels } from './pooling.js';
import { updateKernels } from './update.js';
import { windowKernels } from './windows.js';

/** All that a training run needs: this backend has no other kernels. */
export const kernels = [
  assembleBatchKernel,
  ...batchNormKernels,
  clipKernel,
  ...channelKernels,
  ...convolutionKernels,
  ...elementwiseKernels,
  ...headKernels,
  ...poolingKernels,
  ...updateKernels,
  ...windowKernels,
];
