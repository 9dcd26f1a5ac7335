import type { Rank, Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Tape } from '../ops/tape.js';
import type { Random } from '../random.js';

/** A named tensor that training replaces by a new one at every step. */
export interface Variable<R extends Rank = Rank> {
  /** Unique in the model, e.g. `stage2.block1.conv1.filter`; its name in checkpoints. */
  readonly name: string;
  value: Tensor<R>;
}

/** A variable that the optimizer learns. */
export interface Parameter<R extends Rank = Rank> extends Variable<R> {
  readonly role: 'filter' | 'weights' | 'bias' | 'scale' | 'shift';
  /** Factors on the run's LR and weight decay (Caffe's lr_mult and decay_mult); default 1. */
  readonly multipliers?: Multipliers | undefined;
}

/** Factors on LR and weight decay, for one parameter. */
export interface Multipliers {
  lr?: number;
  decay?: number;
}

/** A net and all its variables. */
export interface Model {
  /** In the order of the forward pass. */
  readonly parameters: Parameter[];
  /** State that is kept but not learnt: batch norm's running statistics. */
  readonly statistics: Variable[];
  /** x [N, H, W, C] -> logits [N, classes]. */
  forward(tape: Tape, x: Tensor4D): Tensor2D;
}

/** What a model is made for, besides its own options. */
export interface ModelContext {
  /** [H, W, C] */
  inputShape: [number, number, number];
  classes: number;
  /** Draws the initial weights. */
  random: Random;
  /** Decides what dropout drops. */
  seed: number;
}
