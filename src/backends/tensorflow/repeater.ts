import type { Tensor } from '@tensorflow/tfjs-core';
import type { Repeat } from '../backend.js';
import { renew, type TensorFlowBackend, tensorFlow } from './ops.js';
import { type Define, record } from './recording.js';

/** Recorded work as a TensorFlow function. */
interface Graph {
  name: string;
  /** What it reads besides the used tensors, by numbers in the binding. */
  captured: number[];
  /** Which of the used tensors get new values; these follow its outputs. */
  changed: number[];
  outputs: number;
}

let graphs = 0; // in this process

/**
 * Turns work into one function for each set of shapes, which is called in place of hundreds of ops: nothing is looked
 * up op by op, and ops that do not wait for each other run at the same time. The function is used from the first call
 * on, since some ops round differently in a graph and a resumed run must repeat the bits.
 */
export function repeater(define: Define): Repeat {
  const known = new Map<string, Graph | undefined>();
  return (used, work) => {
    const tensorflow = tensorFlow();
    const isUnshared = ({ dataId }: Tensor) => tensorflow.tensorMap.get(dataId).refCount === 1; // or clones change
    const shapes = used.map(({ shape }) => shape.join()).join(' ');
    if (!known.has(shapes) && used.every(isUnshared)) known.set(shapes, graphOf(tensorflow, used, work, define));
    const graph = known.get(shapes);
    return graph?.changed.every((i) => isUnshared(used[i]!)) ? call(tensorflow, graph, used) : work();
  };
}

/** Undefined: the work differs from step to step. */
function graphOf(
  tensorflow: TensorFlowBackend,
  used: Tensor[],
  work: () => Tensor[],
  define: Define,
): Graph | undefined {
  const { binding } = tensorflow;
  const recording = record(tensorflow, used, work);
  if (!recording) return undefined;
  const { types, nodes, constants, captured, outputs, changed } = recording;
  const name = `clr_graph_${graphs++}`;
  define(name, types, nodes, [...outputs, ...changed.map(({ value }) => value)]);
  const ids = constants.map(({ shape, dtype, values }) => binding.createTensor(shape, dtype, values));
  return { name, captured: [...captured, ...ids], changed: changed.map(({ used: i }) => i), outputs: outputs.length };
}

function call(tensorflow: TensorFlowBackend, { name, captured, changed, outputs }: Graph, used: Tensor[]): Tensor[] {
  const ids = [...tensorflow.getInputTensorIds(used), ...captured];
  const results = tensorflow.binding.executeOp(name, [], ids, outputs + changed.length);
  for (const [k, i] of changed.entries()) renew(used[i]!, results[outputs + k]!.id);
  return results.slice(0, outputs).map((output) => tensorflow.createOutputTensor(output));
}
