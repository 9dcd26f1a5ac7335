import { Call, Global, Persistent, type Pickled, pickle, Tuple } from './pickle.js';
import { bytesOf } from './safetensors.js';
import type { WeightTensor } from './torch-names.js';
import { zip } from './zip.js';

const orderedDict = new Global('collections', 'OrderedDict');
const rebuild = new Global('torch._utils', '_rebuild_tensor_v2');

/** A state dict as torch.save writes it, a ZIP archive with a pickle; torch.load(..., weights_only=True) accepts it. */
export function pytorch(tensors: WeightTensor[]): Buffer {
  const entries = tensors.map((tensor, key): [string, Pickled] => [tensor.name, rebuilt(tensor, key)]);
  return zip([
    ['weights/data.pkl', pickle(new Call(orderedDict, [], entries))],
    ['weights/byteorder', Buffer.from('little')],
    ...tensors.map(({ values }, key): [string, Buffer] => [`weights/data/${key}`, bytesOf(values)]),
    ['weights/version', Buffer.from('3\n')],
  ]);
}

function rebuilt({ shape, values }: WeightTensor, key: number): Call {
  const storage = new Global('torch', values instanceof Float32Array ? 'FloatStorage' : 'LongStorage');
  const stored = new Persistent(new Tuple(['storage', storage, String(key), 'cpu', values.length]));
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  return new Call(rebuild, [stored, 0, new Tuple(shape), new Tuple(strides), false, new Call(orderedDict, [])]);
}
