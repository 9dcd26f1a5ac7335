import { adamUpdateKernels } from './adam-update.js';
import { assembleBatchKernels } from './assemble-batch.js';
import { batchNormKernels } from './batch-norm.js';
import { biasAddKernels } from './bias-add.js';
import { clipByGlobalNormKernels } from './clip-by-global-norm.js';
import { concatChannelsKernels } from './concat-channels.js';
import { denseKernels } from './dense.js';
import { downsamplePadKernels } from './downsample-pad.js';
import { dropoutKernels } from './dropout.js';
import { globalAveragePoolKernels } from './global-average-pool.js';
import { imageSlicesKernels } from './image-slices.js';
import { lrnWithinChannelKernels } from './lrn-within-channel.js';
import { pool2dKernels } from './pool2d.js';
import { sgdUpdateKernels } from './sgd-update.js';
import { softmaxCrossEntropyKernels } from './softmax-cross-entropy.js';

/** All our own ops. A model needs these and tfjs's Conv2D, Conv2DBackpropInput, Conv2DBackpropFilter and Add. */
export const referenceKernels = [
  ...adamUpdateKernels,
  ...assembleBatchKernels,
  ...batchNormKernels,
  ...biasAddKernels,
  ...clipByGlobalNormKernels,
  ...concatChannelsKernels,
  ...denseKernels,
  ...dropoutKernels,
  ...downsamplePadKernels,
  ...globalAveragePoolKernels,
  ...imageSlicesKernels,
  ...lrnWithinChannelKernels,
  ...pool2dKernels,
  ...sgdUpdateKernels,
  ...softmaxCrossEntropyKernels,
];
