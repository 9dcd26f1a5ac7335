import { engine, type Tensor, tensor4d } from '@tensorflow/tfjs-core';
import type { Model } from '../models/model.js';
import { Tape } from '../ops/tape.js';

/** A kernel that the forward pass ran; tensors by their ids. */
export interface TracedKernel {
  kernel: string;
  inputs: Record<string, { id: number; shape: number[] }>;
  attributes: Record<string, unknown>;
  output: { id: number; shape: number[] };
}

/** The kernels that the forward pass for one image [H, W, C] runs, in order, and the ids of its input and logits. */
export function traceForward(model: Model, imageShape: [number, number, number]) {
  const tfjs = engine();
  const runKernel = tfjs.runKernel.bind(tfjs);
  const x = tensor4d(new Float32Array(imageShape.reduce((a, b) => a * b)), [1, ...imageShape]);
  const kernels: TracedKernel[] = [];
  const created: Tensor[] = [];
  tfjs.runKernel = ((kernel: string, inputs: Record<string, Tensor | undefined>, attributes: object) => {
    const outputs = runKernel(kernel, inputs as never, attributes as never);
    const output = (Array.isArray(outputs) ? outputs[0] : outputs) as Tensor;
    const given = Object.entries(inputs).filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
    kernels.push({ kernel, inputs: Object.fromEntries(given), attributes: { ...attributes }, output });
    created.push(...([outputs].flat() as Tensor[]));
    return outputs;
  }) as typeof tfjs.runKernel;
  try {
    const logits = model.forward(new Tape(false), x);
    return { kernels, input: x.id, output: logits.id };
  } finally {
    tfjs.runKernel = runKernel;
    for (const t of [x, ...created]) t.dispose();
  }
}
