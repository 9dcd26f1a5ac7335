import type { Tensor } from '@tensorflow/tfjs-core';
import { run } from './kernel.js';

/** Gradients of an op's inputs, in their order; one that is not `wanted` may be left out. Each is a new tensor. */
export type Backward = (dy: Tensor, wanted: boolean[]) => (Tensor | undefined)[];

interface Recorded {
  inputs: Tensor[];
  output: Tensor;
  saved: Tensor[];
  backward: Backward;
  discard: (() => void) | undefined;
}

/**
 * Records the forward pass, for the backward pass to retrace. Unlike tfjs's own tape this one owns the activations and
 * disposes of each as soon as its backward step is done, so that memory use falls during the backward pass.
 */
export class Tape {
  private recorded: Recorded[] = [];

  /**
   * `training` false: nothing is recorded, and batch norm uses its running statistics. `iteration`: that of the update,
   * which decides what dropout drops.
   */
  constructor(
    readonly training: boolean,
    readonly iteration = 0,
  ) {}

  /**
   * Takes over `output` and `saved` (what `backward` needs besides inputs and output); returns `output`. `discard` is
   * called instead of `backward` if no gradient is needed, as in frozen layers: for what `backward` itself disposes of.
   */
  record<T extends Tensor>(
    inputs: Tensor[],
    output: T,
    backward: Backward,
    saved: Tensor[] = [],
    discard?: () => void,
  ): T {
    if (this.training) this.recorded.push({ inputs, output, saved, backward, discard });
    return output;
  }

  /** Disposes of every activation on the tape. */
  discard(): void {
    for (const { output, saved, discard } of this.recorded.splice(0)) {
      discard?.();
      for (const tensor of [output, ...saved]) tensor.dispose();
    }
  }

  /**
   * d(loss)/d(source) for each of `sources`, given `dy` = d(loss)/d(output). Consumes the tape, every activation on it
   * and `dy`.
   */
  gradients(output: Tensor, dy: Tensor, sources: Tensor[]): Tensor[] {
    const gradients = new Map<Tensor, Tensor>([[output, dy]]);
    const differentiable = new Set<Tensor>(sources);
    for (const { inputs, output } of this.recorded)
      if (inputs.some((input) => differentiable.has(input))) differentiable.add(output);
    for (let r = this.recorded.pop(); r; r = this.recorded.pop()) {
      const outputGradient = gradients.get(r.output);
      if (outputGradient) {
        const wanted = r.inputs.map((input) => differentiable.has(input));
        const inputGradients = r.backward(outputGradient, wanted);
        r.inputs.forEach((input, i) => {
          const gradient = inputGradients[i];
          if (gradient && wanted[i]) accumulate(gradients, input, gradient);
          else gradient?.dispose();
        });
        gradients.delete(r.output);
        outputGradient.dispose();
      } else r.discard?.();
      r.output.dispose();
      for (const tensor of r.saved) tensor.dispose();
    }
    return sources.map((source) => {
      const gradient = gradients.get(source);
      if (!gradient) throw new Error(`no path leads from the loss to a parameter of shape [${source.shape}]`);
      return gradient;
    });
  }
}

/** A tensor that is used twice gets the sum of both gradients. */
function accumulate(gradients: Map<Tensor, Tensor>, tensor: Tensor, gradient: Tensor): void {
  const earlier = gradients.get(tensor);
  if (!earlier) {
    gradients.set(tensor, gradient);
    return;
  }
  gradients.set(tensor, run('Add', { a: earlier, b: gradient })[0]!);
  earlier.dispose();
  gradient.dispose();
}
