import { ClrError } from '../errors.js';
import { pooledSize } from '../ops/pool2d.js';
import type { TracedKernel } from './trace.js';

/** A node of the graph; images are [N, C, H, W] there. */
export interface Node {
  op: string;
  inputs: string[];
  outputs: string[];
  attributes?: Record<string, Attribute>;
}
export type Attribute = { int: number } | { ints: number[] } | { float: number };

/** What the nodes of a kernel are made of: names of tensors, and constants that are added to the graph. */
export interface Graph {
  nodes: Node[];
  /** The name of an input of the kernel. */
  name(input: string): string;
  constant(values: number[] | Float32Array, shape: number[], type?: 'float' | 'int64'): string;
}

/** Adds a node, and returns the name of its output. */
type Emit = (op: string, inputs: string[], attributes?: Record<string, Attribute>) => string;

type Translate = (kernel: TracedKernel, graph: Graph, emit: Emit) => string;

/** Adds the nodes that compute a kernel; returns the name of its output. Throws ClrError('usage') for unknown ones. */
export function translate(kernel: TracedKernel, graph: Graph): string {
  const translation = translations[kernel.kernel];
  if (!translation) throw new ClrError('usage', `the kernel ${kernel.kernel} has no translation to ONNX`);
  const emit: Emit = (op, inputs, attributes) => {
    const name = `${op.toLowerCase()}_${graph.nodes.length}`;
    graph.nodes.push({ op, inputs, outputs: [name], ...(attributes && { attributes }) });
    return name;
  };
  return translation(kernel, graph, emit);
}

const translations: Record<string, Translate> = {
  Conv2D: ({ attributes }, { name }, emit) => {
    const { pad, strides } = attributes as { pad: number; strides: [number, number] };
    return emit('Conv', [name('x'), name('filter')], {
      strides: { ints: strides },
      pads: { ints: [pad, pad, pad, pad] },
    });
  },

  BatchNormInference: ({ inputs, attributes }, { name }, emit) => {
    const { epsilon, relu } = attributes as { epsilon: number; relu: boolean };
    const given = ['x', 'scale', 'shift', 'runningMean', 'runningVariance'].map(name);
    const y = emit('BatchNormalization', given, { epsilon: { float: epsilon } });
    const sum = inputs.residual ? emit('Add', [y, name('residual')]) : y;
    return relu ? emit('Relu', [sum]) : sum;
  },

  Add: (_kernel, { name }, emit) => emit('Add', [name('a'), name('b')]),
  BiasAdd: (_kernel, graph, emit) => withBias(graph, emit),
  ConcatChannels: (_kernel, { name }, emit) => emit('Concat', [name('a'), name('b')], { axis: { int: 1 } }),
  GlobalAveragePool: (_kernel, { name }, emit) => emit('Flatten', [emit('GlobalAveragePool', [name('x')])]),
  Dense: (_kernel, { name }, emit) => emit('Gemm', ['x', 'weights', 'bias'].map(name)),

  /** Flattens the values of an image in the order of [H, W, C]. */
  Reshape: (_kernel, { name }, emit) =>
    emit('Flatten', [emit('Transpose', [name('x')], { perm: { ints: [0, 2, 3, 1] } })]),

  DownsamplePad: ({ inputs, attributes }, graph, emit) => {
    const { window, channels, offset } = attributes as { window: number; channels: number; offset: number };
    const [, height, width, from] = inputs.x!.shape as [number, number, number, number];
    const int64 = (values: number[]) => graph.constant(values, [values.length], 'int64');
    const small =
      window === 1
        ? emit('Slice', [graph.name('x'), int64([0, 0]), int64([height, width]), int64([2, 3]), int64([2, 2])])
        : emit(
            'AveragePool',
            [graph.name('x')],
            windows([height, width], window, 2, (length) => Math.ceil(length / 2)),
          );
    return emit('Pad', [small, int64([0, offset, 0, 0, 0, channels - offset - from, 0, 0])]);
  },

  Pool2D: ({ inputs, attributes }, graph, emit) => {
    const { kind, window, stride, relu } = attributes as {
      kind: string;
      window: number;
      stride: number;
      relu: boolean;
    };
    const sum = inputs.bias ? withBias(graph, emit) : graph.name('x');
    const value = relu ? emit('Relu', [sum]) : sum;
    const [, height, width] = inputs.x!.shape as [number, number, number];
    const whole = windows([height, width], window, stride, (length) => pooledSize(length, { window, stride }));
    return emit(kind === 'max' ? 'MaxPool' : 'AveragePool', [value], whole);
  },

  /** Average pooling that counts the zeros outside gives the sum over size x size pixels, divided by their number. */
  LrnWithinChannel: ({ attributes }, graph, emit) => {
    const { size, alpha, beta } = attributes as { size: number; alpha: number; beta: number };
    const pad = (size - 1) / 2;
    const x = graph.name('x');
    const pool = {
      kernel_shape: { ints: [size, size] },
      pads: { ints: [pad, pad, pad, pad] },
      count_include_pad: { int: 1 },
    };
    const mean = emit('AveragePool', [emit('Mul', [x, x])], pool);
    const scaled = emit('Mul', [mean, graph.constant([alpha], [])]);
    const s = emit('Add', [scaled, graph.constant([1], [])]);
    return emit('Mul', [x, emit('Pow', [s, graph.constant([-beta], [])])]);
  },
};

/** x + bias, [C] along the second axis. */
function withBias(graph: Graph, emit: Emit): string {
  const axes = graph.constant([1, 2], [2], 'int64');
  return emit('Add', [graph.name('x'), emit('Unsqueeze', [graph.name('bias'), axes])]);
}

/**
 * Attributes of pooling whose last windows reach over the bottom and right edges, where nothing counts; `count`: number
 * of windows along an axis.
 */
function windows(sizes: number[], window: number, stride: number, count: (length: number) => number) {
  const after = sizes.map((length) => Math.max(0, (count(length) - 1) * stride + window - length));
  return {
    kernel_shape: { ints: [window, window] },
    strides: { ints: [stride, stride] },
    pads: { ints: [0, 0, ...after] },
  };
}
