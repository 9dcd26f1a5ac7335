import type { Kernel } from '../../../ops/kernel.js';
import type { OnednnBackend } from '../backend.js';
import { addKernel } from './add.js';
import { assembleBatch } from './assemble-batch.js';
import { batchNormKernels } from './batch-norm.js';
import { biasKernels } from './bias.js';
import { channelKernels } from './channels.js';
import { classifierKernels } from './classifier.js';
import { convolutionKernels } from './convolution.js';
import { poolingKernels } from './pooling.js';
import { updateKernels } from './updates.js';
import { windowKernels } from './windows.js';

/** The ops that the addon computes; the others keep their reference kernels, or tfjs's own. */
export const kernels: Kernel<OnednnBackend>[] = [
  addKernel,
  assembleBatch,
  ...batchNormKernels,
  ...biasKernels,
  ...channelKernels,
  ...classifierKernels,
  ...convolutionKernels,
  ...poolingKernels,
  ...updateKernels,
  ...windowKernels,
];
