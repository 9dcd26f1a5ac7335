import type { Tensor } from '@tensorflow/tfjs-core';

/** How activations are stored and convolutions computed. */
export type Precision = 'f32' | 'bf16' | 'f16';

/** What a config may ask of a backend, which throws ClrError('backend') if it cannot comply. */
export interface BackendOptions {
  /** Undefined: float32, with TF32 in products where that is the library's own default (TensorFlow on a CUDA GPU). */
  precision?: Precision;
  /** Processor threads; undefined: all cores. */
  threads?: number;
  /** Which of the backend's devices to use, if it has several; undefined: its own choice. */
  device?: string;
  /** For kernel checks: guards memory against out-of-range indices, if the backend can. */
  robust?: boolean;
  /** Where a backend stores which of several ways of computing is the fastest; undefined: it measures none. */
  cacheDirectory?: string;
  /** The ways chosen earlier in this run, from its environment.json; they are kept. */
  ways?: Readonly<Record<string, string>> | undefined;
}

/** float16 gradients are stored times `value`, a power of 2, which last changed `goodSteps` updates ago. */
export interface LossScaleState {
  value: number;
  goodSteps: number;
}

/** A loss scale that the backend adapts itself, at each update. */
export interface LossScale {
  /** Its state after all updates started so far. */
  read(): Promise<LossScaleState>;
  write(state: LossScaleState): void;
}

/**
 * Returns what `work` returns, which may depend only on the values of the tensors `used`. If their memory is where it
 * was in an earlier call, the device may replay the commands of that call without calling `work`.
 */
export type Repeat = (used: Tensor[], work: () => Tensor[]) => Tensor[];

/** The active backend: tfjs's current one, and what it really runs on. Recorded in environment.json. */
export interface ActiveBackend {
  name: string;
  /** The device really used, e.g. the processor's or the GPU's name and driver. */
  device: string;
  precision: Precision | 'tf32';
  threads: number;
  /** The device's limits, as text, if known. */
  limits?: string;
  /** How it falls short of what was asked for, in one line that every run shows. */
  shortfall?: string;
  /** The ways chosen so far, if it can compute the same thing in several, which differ in rounding. */
  ways?(): Record<string, string>;
  /** Maximum steps in flight before a loss is read, if the device computes asynchronously. */
  stepsInFlight?: number;
  /** Only if gradients are float16. */
  lossScale?: LossScale;
  /** Compiles all that `work` needs, concurrently; `work` computes nothing meanwhile and changes no value. */
  warmUp?(work: () => void | Promise<void>): Promise<void>;
  /** A new Repeat, for one kind of work of one model. */
  repeater?(): Repeat;
  /** If kernels run asynchronously: starts timing them on the device; the returned function stops and reports. */
  profile?(): () => Promise<DeviceProfile>;
}

/** All calls of one kernel; `bytes`: of the tensors that it reads and writes. */
export interface KernelTime {
  kernel: string;
  ms: number;
  calls: number;
  flop?: number;
  bytes?: number;
}

/** What a profiled step took on the device. */
export interface DeviceProfile {
  kernels: KernelTime[];
  /** The highest rates measured on this device: memory traffic, and float32 arithmetic. */
  ceilings: { gb_per_second: number; tflops: number };
}

/** What a probe finds; `remedy` is a command or a step for the user. */
export type Availability = (
  | {
      usable: true;
      device: string;
      /** Why `auto` prefers any other backend. */
      slow?: string;
      /** Used only if this device is asked for by name. */
      onlyAs?: string;
    }
  | { usable: false; reason: string; remedy: string }
) & {
  /** What its library wrote to stderr. */
  messages?: string[];
};
/** A backend, listed in index.ts and loaded on demand. */
export interface Backend {
  name: string;
  precisions: Precision[];
  /** Maximum number of threads; absent: the number cannot be set. */
  maxThreads?: number;
  /** Whether it has several devices to choose from. */
  takesDevice?: boolean;
  /** Whether it works here, and on which device; never throws. `options`: what it would be activated with. */
  probe(options?: BackendOptions): Promise<Availability>;
  /** Makes it tfjs's current backend with every kernel of `ops` registered. Throws ClrError('backend') if it cannot. */
  activate(options: BackendOptions): Promise<ActiveBackend>;
}
