import type { Model } from '../models/model.js';
import { bytes, float, int } from '../system/protobuf.js';
import { type Attribute, type Graph, type Node, translate } from './onnx-nodes.js';
import { bytesOf } from './safetensors.js';
import { inTorchOrder } from './torch-names.js';
import { traceForward } from './trace.js';

const [floatType, int64Type] = [1, 7]; // TensorProto.DataType
const [irVersion, opset] = [8, 13];

/**
 * The model as ONNX (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3): `images` [N, C, H, W], normalised, to
 * `logits` [N, classes]. The graph is what the forward pass runs for one image, so this works for every model whose
 * kernels have a translation.
 */
export async function onnx(
  model: Model,
  imageShape: [number, number, number],
  metadata: Record<string, string>,
): Promise<Buffer> {
  const { kernels, input, output } = traceForward(model, imageShape);
  const names = new Map<number, string>([[input, 'images']]);
  const initializers: Buffer[] = [];
  for (const { name, value } of [...model.parameters, ...model.statistics]) {
    names.set(value.id, name);
    const values = (await value.data()) as Float32Array;
    const { shape, values: turned } =
      value.rank === 4 ? inTorchOrder(value.shape, values) : { shape: value.shape, values };
    initializers.push(tensorProto(name, shape, turned, floatType!));
  }
  const graph: Graph = {
    nodes: [],
    name: () => '',
    constant(values, shape, type = 'float') {
      const name = `constant_${initializers.length}`;
      const array = type === 'float' ? Float32Array.from(values) : BigInt64Array.from([...values].map(BigInt));
      initializers.push(tensorProto(name, shape, array, type === 'float' ? floatType! : int64Type!));
      return name;
    },
  };
  for (const kernel of kernels) {
    graph.name = (given) => names.get(kernel.inputs[given]!.id)!;
    names.set(kernel.output.id, translate(kernel, graph));
  }
  graph.nodes.push({ op: 'Identity', inputs: [names.get(output)!], outputs: ['logits'] });
  const [height, width, channels] = imageShape;
  const classes = kernels.at(-1)!.output.shape[1]!;
  const proto = [
    ...graph.nodes.map((node, i) => bytes(1, nodeProto(node, i))),
    bytes(2, 'clr'),
    ...initializers.map((tensor) => bytes(5, tensor)),
    bytes(11, valueInfo('images', [channels, height, width])),
    bytes(12, valueInfo('logits', [classes])),
  ];
  return Buffer.concat([
    int(1, irVersion!),
    bytes(2, 'clr'),
    bytes(7, proto),
    bytes(8, [bytes(1, ''), int(2, opset!)]),
    ...Object.entries(metadata).map(([key, value]) => bytes(14, [bytes(1, key), bytes(2, value)])),
  ]);
}

function nodeProto({ op, inputs, outputs, attributes = {} }: Node, index: number): Buffer[] {
  return [
    ...inputs.map((name) => bytes(1, name)),
    ...outputs.map((name) => bytes(2, name)),
    bytes(3, `${op.toLowerCase()}_${index}`),
    bytes(4, op),
    ...Object.entries(attributes).map(([name, attribute]) => bytes(5, [bytes(1, name), ...attributeProto(attribute)])),
  ];
}

function attributeProto(attribute: Attribute): Buffer[] {
  if ('float' in attribute) return [float(2, attribute.float), int(20, 1)];
  if ('int' in attribute) return [int(3, attribute.int), int(20, 2)];
  return [...attribute.ints.map((value) => int(8, value)), int(20, 7)];
}

function tensorProto(name: string, shape: number[], values: Float32Array | BigInt64Array, type: number): Buffer {
  return Buffer.concat([...shape.map((size) => int(1, size)), int(2, type), bytes(8, name), bytes(9, bytesOf(values))]);
}

/** The type of a float32 tensor [N, ...shape]. */
function valueInfo(name: string, shape: number[]): Buffer[] {
  const dimensions = [bytes(1, bytes(2, 'N')), ...shape.map((size) => bytes(1, int(1, size)))];
  return [bytes(1, name), bytes(2, bytes(1, [int(1, floatType!), bytes(2, dimensions)]))];
}
