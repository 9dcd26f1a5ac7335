import { ClrError } from '../errors.js';
import type { Model } from '../models/model.js';

/** A tensor as it is written to a file. */
export interface WeightTensor {
  name: string;
  shape: number[];
  /** Float32, except for counts. */
  values: Float32Array | BigInt64Array;
}

const layers: [RegExp, string][] = [
  [/^stem\.conv\./, 'conv1.'],
  [/^stem\.bn\./, 'bn1.'],
  [/^last\.bn\./, 'bn.'],
  [/^head\./, 'fc.'],
  [/^(stage\d+\.block\d+)\.shortcut\.conv\./, '$1.downsample.0.'],
  [/^(stage\d+\.block\d+)\.shortcut\.bn\./, '$1.downsample.1.'],
];
const endings: Record<string, string> = {
  filter: 'weight',
  weights: 'weight',
  scale: 'weight',
  shift: 'bias',
  running_variance: 'running_var',
};

/** `stage2.block1.conv1.filter` is torchvision's `layer2.0.conv1.weight`. */
export function torchName(name: string): string {
  const placed = layers.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), name);
  const counted = placed.replace(/^stage(\d+)\.block(\d+)\./, (_, s, b) => `layer${s}.${Number(b) - 1}.`);
  const [, layer, ending] = counted.match(/^(.*)\.(\w+)$/)!;
  return `${layer}.${endings[ending!] ?? ending}`;
}

/**
 * The state of a residual net under torchvision's names: filters [out, in, H, W], dense weights [out, in], and batch
 * norm's count of the `iterations` done. Throws ClrError('usage') for a model that torchvision's names do not fit.
 */
export async function torchState(model: Model, type: string, iterations: number): Promise<WeightTensor[]> {
  if (type !== 'resnet')
    throw new ClrError('usage', `torchvision has no names for the model ${type}`, 'use --weights onnx');
  const state: WeightTensor[] = [];
  for (const { name, value } of [...model.parameters, ...model.statistics]) {
    const values = (await value.data()) as Float32Array;
    const ours = torchName(name);
    state.push({ name: ours, ...inTorchOrder(value.shape, values) });
    if (name.endsWith('.running_variance')) {
      const count = ours.replace(/running_var$/, 'num_batches_tracked');
      state.push({ name: count, shape: [], values: BigInt64Array.of(BigInt(iterations)) });
    }
  }
  return state;
}

/** [H, W, in, out] -> [out, in, H, W], [in, out] -> [out, in], vectors as they are. */
export function inTorchOrder(shape: number[], values: Float32Array): { shape: number[]; values: Float32Array } {
  if (shape.length === 1) return { shape, values };
  const [pixels, from, to] = [shape.slice(0, -2), shape.at(-2)!, shape.at(-1)!];
  const area = pixels.reduce((a, b) => a * b, 1);
  const turned = new Float32Array(values.length);
  let i = 0;
  for (let p = 0; p < area; p++)
    for (let f = 0; f < from; f++) for (let t = 0; t < to; t++) turned[(t * from + f) * area + p] = values[i++]!;
  return { shape: [to, from, ...pixels], values: turned };
}
