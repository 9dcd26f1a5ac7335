import { type Rank, type ShapeMap, type Tensor1D, type Tensor2D, type Tensor4D, tensor } from '@tensorflow/tfjs-core';
import { type BatchNormOptions, batchNorm } from '../ops/batch-norm.js';
import { biasAdd } from '../ops/bias-add.js';
import { conv2d } from '../ops/conv2d.js';
import { dense } from '../ops/dense.js';
import { dropout } from '../ops/dropout.js';
import type { Tape } from '../ops/tape.js';
import { keyOf } from '../random.js';
import { type Gaussian, type Init, initialBias, initialWeights } from './init.js';
import type { ModelContext, Multipliers, Parameter, Variable } from './model.js';

/** What all layers of a model share. */
export interface LayerOptions {
  init: Init | Gaussian;
  convBias: boolean;
  /** Not needed by a model without batch norm. */
  batchNorm?: Pick<BatchNormOptions, 'momentum' | 'epsilon' | 'batch'>;
}

/** Maps x [N, H, W, C] to another such tensor, and records it on the tape. */
export type Layer = (tape: Tape, x: Tensor4D) => Tensor4D;

/** `residual`, if given, is added before the ReLU. */
export type BatchNormLayer = (tape: Tape, x: Tensor4D, ending: { relu: boolean; residual?: Tensor4D }) => Tensor4D;

/** Makes layers and collects their variables, in order of creation. */
export class Layers {
  readonly parameters: Parameter[] = [];
  readonly statistics: Variable[] = [];
  private dropouts = 0;

  constructor(
    private readonly options: LayerOptions,
    private readonly context: Pick<ModelContext, 'random' | 'seed'>,
  ) {}

  /** Convolution with a filter [size, size, from, to]. */
  conv(name: string, size: number, from: number, to: number, stride = 1): Layer {
    const filter = this.filter(name, [size, size, from, to]);
    if (!this.options.convBias) return (tape, x) => conv2d(tape, x, filter.value, stride);
    const bias = this.bias(name, new Float32Array(to));
    return (tape, x) => biasAdd(tape, conv2d(tape, x, filter.value, stride), bias.value);
  }

  /** Batch norm over [N, H, W, channels]; initially scale 1, shift 0, running statistics 0 and 1. */
  batchNorm(name: string, channels: number): BatchNormLayer {
    const zeros = new Float32Array(channels);
    const ones = new Float32Array(channels).fill(1);
    const scale = this.parameter<Rank.R1>(`${name}.scale`, 'scale', ones, [channels]);
    const shift = this.parameter<Rank.R1>(`${name}.shift`, 'shift', zeros, [channels]);
    const mean = this.statistic(`${name}.running_mean`, zeros);
    const variance = this.statistic(`${name}.running_variance`, ones);
    return (tape, x, ending) => {
      const state = {
        scale: scale.value,
        shift: shift.value,
        runningMean: mean.value,
        runningVariance: variance.value,
      };
      const y = batchNorm(tape, x, state, { ...this.options.batchNorm!, ...ending });
      mean.value = state.runningMean;
      variance.value = state.runningVariance;
      return y;
    };
  }

  /** Drops a share of the values in training; seed, layer and iteration decide which. */
  dropout(rate: number): Layer {
    const layer = this.dropouts++;
    const { seed } = this.context;
    return (tape, x) => dropout(tape, x, { rate, key: keyOf(seed, 'dropout', layer, tape.iteration) });
  }

  /** x [N, from] -> [N, to]. */
  dense(name: string, from: number, to: number, multipliers: { weights?: Multipliers; bias?: Multipliers } = {}) {
    const { init } = this.options;
    const shape: ShapeMap[Rank.R2] = [from, to];
    const values = initialWeights(init, shape, this.context.random);
    const weights = this.parameter<Rank.R2>(`${name}.weights`, 'weights', values, shape, multipliers.weights);
    const bias = this.bias(name, initialBias(init, from, to, this.context.random), multipliers.bias);
    return (tape: Tape, x: Tensor2D): Tensor2D => dense(tape, x, weights.value, bias.value);
  }

  /** Only the filter [K, K, from, to] of a convolution. */
  filter(name: string, shape: ShapeMap[Rank.R4], init: Init | Gaussian = this.options.init): Parameter<Rank.R4> {
    return this.parameter<Rank.R4>(`${name}.filter`, 'filter', initialWeights(init, shape, this.context.random), shape);
  }

  /** Only the bias of a layer. */
  bias(name: string, values: Float32Array, multipliers?: Multipliers): Parameter<Rank.R1> {
    return this.parameter<Rank.R1>(`${name}.bias`, 'bias', values, [values.length], multipliers);
  }

  private parameter<R extends Rank>(
    name: string,
    role: Parameter['role'],
    values: Float32Array,
    shape: ShapeMap[R],
    multipliers?: Multipliers,
  ): Parameter<R> {
    const parameter = { name, role, value: tensor<R>(values.slice(), shape), multipliers };
    this.parameters.push(parameter as Parameter);
    return parameter;
  }

  private statistic(name: string, values: Float32Array): { name: string; value: Tensor1D } {
    const variable = { name, value: tensor<Rank.R1>(values.slice(), [values.length]) };
    this.statistics.push(variable as Variable);
    return variable;
  }
}
