import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { shipped } from '../../system/root.js';

/** Values of an activation: float32, or the upper halves of float32 (bfloat16). */
export type Activation = Float32Array | Uint16Array;

/** `way`: index into `ways` (ways.ts). `shape`: ConvolutionShape in native/convolution.h. */
type Convolution = (way: number, shape: Int32Array, x: Activation, filter: Float32Array, y: Activation) => void;

/**
 * The functions of native/*.cc, with the same parameters. Each throws a TypeError for a wrong number of arguments, a
 * wrong type, or an array of the wrong length; values in arrays (labels, plans) are not checked.
 */
export interface Addon {
  /** oneDNN's version. */
  readonly version: string;
  /** The processor level of the kernels in use: base, v3 (AVX2), v4 (AVX-512). */
  readonly level: string;
  readonly nativeBf16: boolean;
  /** 64-byte aligned. */
  allocate(bytes: number): ArrayBuffer;
  /** Returns the number that will be used: OMP_THREAD_LIMIT or a limit on processes may allow fewer. */
  setThreads(count: number): number;
  widen(from: Uint16Array, to: Float32Array): void;
  narrow(from: Float32Array, to: Uint16Array): void;
  /** Whether a convolution of this shape, of float32 or bfloat16 activations, can be computed this way. */
  convSuits(way: number, shape: Int32Array, bf16: boolean): boolean;
  convForward: Convolution;
  /** Writes x. */
  convBackwardInput: Convolution;
  /** Writes filter. */
  convBackwardFilter: Convolution;
  /** `line` [2, C], written: slope and offset of y, for the gradient. */
  batchNormTrain(
    x: Activation,
    residual: Activation | undefined,
    scale: Float32Array,
    shift: Float32Array,
    runningMean: Float32Array,
    runningVariance: Float32Array,
    y: Activation,
    mean: Float32Array,
    inverseDeviation: Float32Array,
    newMean: Float32Array,
    newVariance: Float32Array,
    line: Float32Array,
    epsilon: number,
    momentum: number,
    relu: boolean,
  ): void;
  /** The output's gradient is dy + dy2. With `line`, y = relu(slope x + offset) and y itself is not read. */
  batchNormTrainGrad(
    dy: Activation,
    dy2: Activation | undefined,
    x: Activation,
    y: Activation,
    line: Float32Array | undefined,
    scale: Float32Array,
    mean: Float32Array,
    inverseDeviation: Float32Array,
    dx: Activation,
    dScale: Float32Array,
    dShift: Float32Array,
    dResidual: Activation | undefined,
    relu: boolean,
  ): void;
  affine(
    x: Activation,
    residual: Activation | undefined,
    slope: Float32Array,
    offset: Float32Array,
    y: Activation,
    relu: boolean,
  ): void;
  add(a: Activation, b: Activation, y: Activation): void;
  /** y = kept x, or 0 where the hash of the element's index and `key` is below `threshold`. */
  dropout(x: Activation, y: Activation, threshold: number, key: number, kept: number): void;
  /** y [..., left + right] = a and b side by side; with `split` the reverse: a and b from y. */
  concat(a: Activation, b: Activation, y: Activation, left: number, right: number, split: boolean): void;
  channelSum(x: Activation, sum: Float32Array): void;
  pool(x: Activation, y: Float32Array, images: number, pixels: number, channels: number): void;
  poolGrad(dy: Float32Array, dx: Activation, images: number, pixels: number, channels: number): void;
  /** shape: images, height, width, channels, output channels, window, offset */
  downsample(x: Activation, y: Activation, shape: Int32Array): void;
  downsampleGrad(dy: Activation, dx: Activation, shape: Int32Array): void;
  /** shape: images, height, width, channels, rows, columns, window, stride */
  pool2d(
    x: Activation,
    bias: Float32Array | undefined,
    y: Activation,
    shape: Int32Array,
    max: boolean,
    relu: boolean,
  ): void;
  pool2dGrad(
    dy: Activation,
    x: Activation,
    bias: Float32Array | undefined,
    dx: Activation,
    dBias: Float32Array | undefined,
    shape: Int32Array,
    max: boolean,
    relu: boolean,
  ): void;
  /** shape: images, height, width, channels, size of the window */
  lrn(x: Activation, y: Activation, shape: Int32Array, alpha: number, beta: number): void;
  lrnGrad(dy: Activation, x: Activation, dx: Activation, shape: Int32Array, alpha: number, beta: number): void;
  dense(
    x: Float32Array,
    weights: Float32Array,
    bias: Float32Array,
    y: Float32Array,
    images: number,
    from: number,
    to: number,
  ): void;
  denseGrad(
    dy: Float32Array,
    x: Float32Array,
    weights: Float32Array,
    dx: Float32Array,
    dWeights: Float32Array,
    dBias: Float32Array,
    images: number,
    from: number,
    to: number,
  ): void;
  softmaxCrossEntropy(
    logits: Float32Array,
    labels: Float32Array,
    metrics: Float32Array,
    gradient: Float32Array,
    labelSmoothing: number,
  ): void;
  /** Updates parameters and velocities in place. */
  sgd(
    parameters: Float32Array[],
    gradients: Float32Array[],
    velocities: Float32Array[],
    lr: Float64Array,
    momentum: Float64Array,
    weightDecay: Float64Array,
    nesterov: boolean,
    decoupled: boolean,
    lrInside: boolean,
  ): void;
  /** Updates parameters and moments in place. `stepSize` and `inverseCorrection` contain the bias corrections. */
  adam(
    parameters: Float32Array[],
    gradients: Float32Array[],
    first: Float32Array[],
    second: Float32Array[],
    lr: Float64Array,
    stepSize: Float64Array,
    weightDecay: Float64Array,
    /** Both betas in double: 1 - beta loses digits in float32. */
    beta1: number,
    beta2: number,
    inverseCorrection: number,
    epsilon: number,
    decoupled: boolean,
  ): void;
  /** plan: four numbers per image (index, top, left, flip); table [C, 256]: the normalised value of each byte. */
  assemble(
    images: Uint8Array,
    plan: Int32Array,
    table: Float32Array,
    meanImage: Float32Array | undefined,
    y: Activation,
    height: number,
    width: number,
    channels: number,
    pad: number,
    mode: number,
  ): void;
}

export const addonPath = shipped('build/Release/onednn.node');

let loaded: Addon | undefined;

/** Throws an Error that says why the addon can't be loaded. */
export function loadAddon(): Addon {
  if (!existsSync(addonPath)) throw new Error('its addon is not built');
  // GNU OpenMP reads this when it is loaded. By default, threads spin at each barrier for a millisecond or more while
  // one of them has lost its core to another process: beside such a process, a step takes three times as long.
  if (!process.env.OMP_WAIT_POLICY) process.env.GOMP_SPINCOUNT ??= '5000';
  loaded ??= createRequire(import.meta.url)(addonPath) as Addon;
  return loaded;
}
