import type { Tensor } from '@tensorflow/tfjs-core';

/** Of activations and convolutions. */
export type Precision = 'f32' | 'bf16' | 'f16';

/** What a config may ask of a backend; one that cannot throws ClrError('backend'). */
export interface BackendOptions {
  /** Undefined: float32, with TF32 in products where that is the library's own default (TensorFlow on a CUDA GPU). */
  precision?: Precision;
  /** Processor threads; undefined: all cores. */
  threads?: number;
  /** Which device of the backend, where it has several; undefined: its own choice. */
  device?: string;
  /** For checks of the kernels: memory is guarded against wrong indices, where the backend has a way to. */
  robust?: boolean;
  /** Where a backend keeps which of several ways to compute is the fastest; undefined: it measures none. */
  cacheDirectory?: string;
  /** The ways that a run was computed in so far, from its environment.json: it stays with them. */
  ways?: Readonly<Record<string, string>> | undefined;
}

/** Of gradients in float16: they are held times `value`, a power of 2; it was adapted `goodSteps` updates ago. */
export interface LossScaleState {
  value: number;
  goodSteps: number;
}

/** A loss scale that the backend adapts by itself with each update. */
export interface LossScale {
  /** As it is after all updates that have been begun. */
  read(): Promise<LossScaleState>;
  write(state: LossScaleState): void;
}

/**
 * What `work` returns; it may depend on nothing but the values of the tensors `used`. Where these lie as they did at an earlier
 * call, the device may repeat what it was asked for then, and `work` is not called.
 */
export type Repeat = (used: Tensor[], work: () => Tensor[]) => Tensor[];

/** A backend at work: tfjs's current one, with what it really runs on. Recorded in environment.json. */
export interface ActiveBackend {
  name: string;
  /** The device really used, e.g. the processor's or the GPU's name and driver. */
  device: string;
  precision: Precision | 'tf32';
  threads: number;
  /** What the device allows at most, where that is known. */
  limits?: string;
  /** What it lacks of what was asked for, in a line that every run shows. */
  shortfall?: string;
  /** The ways chosen so far, where it has several to compute the same, which differ in rounding. */
  ways?(): Record<string, string>;
  /** Maximum steps in flight before a loss is read, where the device computes asynchronously. */
  stepsInFlight?: number;
  /** Where gradients are float16. */
  lossScale?: LossScale;
  /** Compiles, at once, all that `work` needs; `work` computes nothing meanwhile, and changes no value. */
  warmUp?(work: () => void | Promise<void>): Promise<void>;
  /** A new Repeat, for one kind of work of one model. */
  repeater?(): Repeat;
  /** Where kernels run asynchronously: starts to time them on the device; the returned function ends that. */
  profile?(): () => Promise<DeviceProfile>;
}

/** Of all calls of a kernel; bytes are those of the tensors that it reads and writes. */
export interface KernelTime {
  kernel: string;
  ms: number;
  calls: number;
  flop?: number;
  bytes?: number;
}

export interface DeviceProfile {
  kernels: KernelTime[];
  /** The most that was measured on this device: moved to and from memory, and computed in float32. */
  ceilings: { gb_per_second: number; tflops: number };
}

/** What a probe finds; `remedy` is a command or a step for the user. */
export type Availability = (
  | {
      usable: true;
      device: string;
      /** Why `auto` prefers any other. */
      slow?: string;
      /** It is used only when this device is asked for by name. */
      onlyAs?: string;
    }
  | { usable: false; reason: string; remedy: string }
) & {
  /** What its library wrote on stderr. */
  messages?: string[];
};
/** One way to compute, listed in `backends` below and loaded when asked for. */
export interface Backend {
  name: string;
  precisions: Precision[];
  /** The most threads that it can be told to use; absent: it cannot be told. */
  maxThreads?: number;
  /** Whether it has several devices to choose from. */
  takesDevice?: boolean;
  /** Whether it works here, and on what; never throws. `options` are what it would be activated with. */
  probe(options?: BackendOptions): Promise<Availability>;
  /** Makes it tfjs's current backend with every kernel of `ops` registered. Throws ClrError('backend') if it cannot. */
  activate(options: BackendOptions): Promise<ActiveBackend>;
}
