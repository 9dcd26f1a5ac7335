import path from 'node:path';
import type { ExperimentConfig } from '../config/schema.js';
import { normalisations } from '../datasets/batches.js';
import type { Dataset } from '../datasets/dataset.js';
import type { Model } from '../models/model.js';
import { checkpointFolder } from '../runs/run-folder.js';
import { writeOutput } from '../system/atomic.js';
import { backendAndData, type ExperimentOptions, prepareTraining } from '../training/prepare.js';
import { refuseOtherImages, storedConfig } from '../training/resume.js';
import { warmStart } from '../training/warm-start.js';
import { onnx } from './onnx.js';
import { pytorch } from './pytorch.js';
import { safetensors } from './safetensors.js';
import { torchState } from './torch-names.js';

/** Formats of a weight file, with their file extensions. */
export const weightFormats = { pytorch: 'pt', onnx: 'onnx', safetensors: 'safetensors' } as const;
export type WeightFormat = keyof typeof weightFormats;

export interface WeightOptions extends Pick<ExperimentOptions, 'data' | 'cacheDirectory' | 'runs' | 'signal'> {
  format: WeightFormat;
  /** `last`, `best` or `previous`. */
  checkpoint: string;
}

/**
 * Writes the weights of a run's checkpoint to `file`, with what is needed to feed the net as metadata; for the pytorch
 * format, which has no place for metadata, in `file`.json, unless it is a device. The images are read for their mean and
 * deviation.
 */
export async function exportWeights(run: string, file: string, options: WeightOptions): Promise<void> {
  const { device, threads, precision, ...config } = storedConfig(run);
  const { dataset } = await backendAndData({ ...config, backend: 'cpu' }, options);
  refuseOtherImages(run, dataset);
  const { model } = prepareTraining(config, dataset);
  const from = path.join(run, checkpointFolder, `${options.checkpoint}.safetensors`);
  const { iteration } = warmStart({ from, skip: [], freeze: [] }, model, options.runs);
  const content = describe(config, dataset);
  writeOutput(file, await encode(options.format, model, config, dataset.imageShape, content, iteration));
  const isDevice = path.resolve(file).startsWith('/dev/'); // which has no place beside it
  if (options.format === 'pytorch' && !isDevice) writeOutput(`${file}.json`, `${JSON.stringify(content, null, 2)}\n`);
}

export function encode(
  format: WeightFormat,
  model: Model,
  config: Pick<ExperimentConfig, 'model'>,
  imageShape: Dataset['imageShape'],
  content: object,
  iteration: number,
): Promise<Buffer> | Buffer {
  const metadata = Object.fromEntries(
    Object.entries(content).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
  if (format === 'onnx') return onnx(model, imageShape, metadata);
  const state = torchState(model, config.model.type, iteration);
  return state.then((tensors) => (format === 'pytorch' ? pytorch(tensors) : safetensors(tensors, metadata)));
}

/** What one needs to know to use the weights: `mean` and `std` are of pixels from 0 to 1. */
function describe(config: ExperimentConfig, { imageShape, classNames, train }: Dataset): object {
  const { mean, deviation, meanImage } = normalisations[config.normalisation](train, imageShape);
  return {
    name: config.name,
    model: config.model,
    image_shape: imageShape,
    classes: classNames,
    mean,
    std: deviation,
    ...(meanImage && { mean_image: [...meanImage] }),
  };
}
