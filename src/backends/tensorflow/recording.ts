import type { Tensor } from '@tensorflow/tfjs-core';
import { type Attribute, type Binding, constantType, type TensorData, type TensorFlowBackend } from './ops.js';

/** An op. Values have numbers: first the graph's inputs, then the outputs of each node in turn. */
interface Node {
  name: string;
  attributes: Attribute[];
  inputs: number[];
  outputs: number;
}

/** Work as a graph. Its inputs are the used tensors, the captured ones, and the constants that the work made. */
export interface Recording {
  /** Types of the inputs. */
  types: number[];
  /** Constants that the binding has already, by their numbers there. */
  captured: number[];
  constants: TensorData[];
  nodes: Node[];
  /** Numbers of the values that the work returned. */
  outputs: number[];
  /** The used tensors that have a new value after the work. */
  changed: { used: number; value: number }[];
}

/** Makes a TensorFlow function from a graph (scripts/setup-tensorflow/graph.cc). Throws TensorFlow's error. */
export type Define = (name: string, types: number[], nodes: Node[], outputs: number[]) => void;

interface Call {
  name: string;
  attributes: Attribute[];
  inputs: number[];
  outputs: number[];
}

let differs = false;

/** Called by a kernel whose result depends on values that change every step (a dropout mask): it cannot be recorded. */
export function markVarying(): void {
  differs = true;
}

/** Does the work, records what it asks of TensorFlow, and undoes it. Undefined: the work differs from step to step. */
export function record(tensorflow: TensorFlowBackend, used: Tensor[], work: () => Tensor[]): Recording | undefined {
  const before = tensorflow.getInputTensorIds(used);
  const data = used.map(({ dataId }) => tensorflow.tensorMap.get(dataId));
  const copies = data.map(({ id, dtype }) => copy(tensorflow, id, dtype));
  differs = false;
  const { result, calls, created } = watch(tensorflow, work);
  const after = data.map(({ id }) => id);
  const returned = tensorflow.getInputTensorIds(result);
  for (const tensor of result) tensor.dispose();
  for (const [i, one] of data.entries()) {
    tensorflow.binding.deleteTensor(one.id);
    one.id = copies[i]!;
  }
  if (differs) return undefined;

  const written = new Set([...before, ...created.keys(), ...calls.flatMap(({ outputs }) => outputs)]);
  const captured = [...new Set(calls.flatMap(({ inputs }) => inputs))].filter((id) => !written.has(id));
  const constants = [...created.values()];
  const types = [...data, ...captured.map((id) => ({ dtype: constantType(id) })), ...constants].map(
    ({ dtype }) => dtype,
  );
  const numbers = new Map([...before, ...captured, ...created.keys()].map((id, number) => [id, number]));
  for (const [i, id] of calls.flatMap(({ outputs }) => outputs).entries()) numbers.set(id, types.length + i);
  const numberOf = (id: number) => numbers.get(id)!;
  return {
    ...{ types, captured, constants },
    nodes: calls.map(({ inputs, outputs, ...call }) => ({
      ...call,
      inputs: inputs.map(numberOf),
      outputs: outputs.length,
    })),
    outputs: returned.map(numberOf),
    changed: after.flatMap((id, i) => (id === before[i] ? [] : [{ used: i, value: numberOf(id) }])),
  };
}

/** Another number for the same values. */
function copy({ binding }: TensorFlowBackend, id: number, dtype: number): number {
  const type = { name: 'T', type: binding.TF_ATTR_TYPE, value: dtype };
  return binding.executeOp('Identity', [type], [id], 1)[0]!.id;
}

/** Does the work; returns the ops that ran and the tensors made from JavaScript's values meanwhile. */
function watch<Result>(tensorflow: TensorFlowBackend, work: () => Result) {
  const { binding } = tensorflow;
  const calls: Call[] = [];
  const created = new Map<number, TensorData>();
  const createTensor: Binding['createTensor'] = (shape, dtype, values) => {
    const id = binding.createTensor(shape, dtype, values);
    created.set(id, { shape, dtype, values: values.slice() });
    return id;
  };
  const executeOp: Binding['executeOp'] = (name, attributes, inputs, count) => {
    const outputs = binding.executeOp(name, attributes, inputs, count);
    calls.push({ name, attributes, inputs, outputs: outputs.map(({ id }) => id) });
    return outputs;
  };
  tensorflow.binding = Object.create(binding, {
    createTensor: { value: createTensor },
    executeOp: { value: executeOp },
  });
  try {
    return { result: work(), calls, created };
  } finally {
    tensorflow.binding = binding;
  }
}
