/// <reference types="@webgpu/types" />
import {
  type BackendValues,
  type DataId,
  DataStorage,
  type DataType,
  engine,
  KernelBackend,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import { Commands } from './commands.js';
import type { Gpu } from './gpu.js';
import type { Subgroups } from './kernels/subgroup-matrix.js';
import { GpuLossScale } from './loss-scale.js';
import { Arena, Pool, type Range, type Region } from './memory.js';
import { type Binding, type Constants, elementwise, type Format, type Shader, wgsl } from './shader.js';

/** The data behind a dataId. */
export interface Stored {
  region: Region;
  format: Format;
  /** Number of values. */
  size: number;
  /** Whether the values are stored times the loss scale: gradients in float16 would otherwise vanish. */
  scaled: boolean;
  refCount: number;
}

/** The data behind a dataId until its values are needed: by then it may be known what else one dispatch can do. */
interface Postponed {
  /** Computes the tensor; with an `addend` of the same shape, the sum of both. */
  make(addend?: TensorInfo): TensorInfo;
  /** What `make` reads, kept alive until then. */
  inputs: TensorInfo[];
  refCount: number;
}

/** What a shader works on: `reads` and `writes` become its bindings in this order. */
export interface Work {
  reads?: Record<string, Operand>;
  writes?: Record<string, Operand>;
  constants?: Constants;
  workgroups: number | [x: number, y: number, z?: number];
  /** What the dispatch computes, for the profile. */
  multiplyAdds?: number;
}
/** A tensor, or memory with its format; `width` 4 if the shader takes vectors. */
export interface Operand {
  of: TensorInfo | Plain;
  width?: 1 | 4;
}
export interface Plain {
  region: Range;
  element: Binding['element'];
}

/** Threads per workgroup, unless a shader has a reason for another number. */
export const defaultThreads = 256;
/** Workgroups per dimension that any WebGPU device accepts. */
export const maxWorkgroups = 65_535;

/** y = x / lossScale in float32. */
const widen: Shader = {
  name: 'Read',
  threads: defaultThreads,
  body: elementwise('y_put(i, x_at(i) / lossScale_at(0));'),
};

/** tfjs's view of a GPU: where tensors are stored, and how shaders run on them. */
export class WebgpuBackend extends KernelBackend {
  readonly commands: Commands;
  readonly pool: Pool;
  /** Tensors from JavaScript: parameters, statistics, optimizer state. Kernels write to them only via `writable`. */
  readonly variables: Arena;
  /** Gradients of parameters. */
  readonly gradients: Arena;
  /** How activations and their gradients are stored. */
  activationFormat: Format = 'f32';
  /** The factor on stored float16 gradients; 1 in float32. */
  readonly lossScale: GpuLossScale;
  /** The loss scale of tensors that are stored as they are: 1. */
  private readonly one: Plain;
  /** The subgroups that multiply on matrix units; undefined: these units are not used. */
  subgroups?: Subgroups;
  /** For tests: a u32 that every shader sets when it reads or writes past the end of a binding. */
  stray?: Plain;
  private readonly tensors = new DataStorage<Stored | Postponed>(this, engine());
  private readonly pipelines = new Map<string, GPUComputePipeline>();
  /** Pipelines being compiled, by key, during a warm-up. */
  private compiling?: Map<string, Promise<unknown>> | undefined;

  constructor(readonly gpu: Gpu) {
    super();
    const { device } = gpu;
    this.commands = new Commands(device);
    this.pool = new Pool(device);
    this.lossScale = new GpuLossScale(this.commands, this.pool);
    this.one = { region: this.pool.take(4), element: 'f32' };
    this.commands.write(this.one.region, Float32Array.of(1));
    const arena = () =>
      new Arena(device, (from, to, bytes) => {
        this.commands.copy({ buffer: from, offset: 0, size: bytes }, { buffer: to, offset: 0 });
        this.commands.submit();
        this.commands.forgetBindGroups();
      });
    [this.variables, this.gradients] = [arena(), arena()];
  }

  stored({ dataId }: { dataId: DataId }): Stored {
    const found = this.tensors.get(dataId);
    if (!('make' in found)) return found;
    const computed = found.make();
    const stored = { ...this.stored(computed), refCount: found.refCount };
    for (const id of [dataId, computed.dataId]) this.tensors.delete(id);
    this.tensors.set(dataId, stored);
    this.release(found.inputs);
    return stored;
  }

  /** A tensor that `make` computes when its values are needed; never, if it is disposed of before. */
  postpone(shape: number[], inputs: TensorInfo[], make: Postponed['make']): TensorInfo {
    const dataId = {};
    this.tensors.set(dataId, { make, inputs: inputs.map((input) => this.retain(input)), refCount: 1 });
    return { dataId, shape, dtype: 'float32' };
  }

  /** The sum of a postponed tensor and `addend`; undefined if the tensor is not postponed, or no longer. */
  addToPostponed({ dataId }: TensorInfo, addend: TensorInfo): TensorInfo | undefined {
    const found = this.tensors.get(dataId);
    return 'make' in found ? found.make(addend) : undefined;
  }

  /** A new, uninitialised float32 tensor. */
  allocate(shape: number[], memory: Pool | Arena = this.pool): TensorInfo {
    return this.hold(shape, { region: memory.take(4 * util.sizeFromShape(shape)), format: 'f32', scaled: false });
  }

  /** A new tensor in the format of activations; `scaled` for gradients stored times the loss scale. */
  allocateActivation(shape: number[], scaled = false): TensorInfo {
    const format = this.activationFormat;
    const bytes = (format === 'f16' ? 2 : 4) * util.sizeFromShape(shape);
    return this.hold(shape, { region: this.pool.take(bytes), format, scaled });
  }

  /** `lossScale`: what a shader divides the tensor's values by. */
  scaleOf(tensor: { dataId: DataId }): { lossScale: Operand } {
    return { lossScale: { of: this.stored(tensor).scaled ? this.lossScale.memory : this.one } };
  }

  /** `lossScale`: what a shader multiplies gradients by where they first become float16, from `dy` to `dx`. */
  enteringScale(dy: TensorInfo, dx: TensorInfo): { lossScale: Operand } {
    const enters = this.stored(dx).scaled && !this.stored(dy).scaled;
    return { lossScale: { of: enters ? this.lossScale.memory : this.one } };
  }

  /** A new reference to the tensor, for an update to change; a copy if something else holds it. */
  writable(tensor: TensorInfo): TensorInfo {
    return this.inArena(tensor, this.variables, this.stored(tensor).refCount > 1);
  }

  /** A new reference to the tensor, or a copy if it is `shared` or not in that arena. */
  inArena(tensor: TensorInfo, arena: Arena, shared = false): TensorInfo {
    const { region, format, scaled } = this.stored(tensor);
    if (format !== 'f32' || scaled) throw new Error(`a parameter's values [${tensor.shape}] are not plain float32`);
    if (!shared && region.buffer === arena.buffer) return this.retain(tensor);
    const copy = this.allocate(tensor.shape, arena);
    const to = this.stored(copy).region;
    const between = this.pool.take(region.size); // a buffer cannot be copied to itself
    this.commands.copy(region, between);
    this.commands.copy(between, to);
    between.release();
    return copy;
  }

  /** A new reference; the values live until all references are disposed of. */
  retain({ dataId, shape, dtype }: TensorInfo): TensorInfo {
    this.incRef(dataId);
    return { dataId, shape, dtype };
  }

  /** Memory for what one stage of a kernel leaves for the next, released after `use` has issued its work. */
  scratch<T>(element: Binding['element'], count: number, use: (memory: Plain) => T): T {
    const region = this.pool.take(4 * count);
    try {
      return use({ region, element });
    } finally {
      region.release();
    }
  }

  /**
   * Compiles the pipelines that `work` asks for, concurrently. No shader runs meanwhile: new tensors stay
   * uninitialised, and those that an update would change keep their values.
   */
  async warmUp(work: () => void | Promise<void>): Promise<void> {
    const compiling = new Map<string, Promise<unknown>>();
    this.compiling = compiling;
    try {
      await work();
    } finally {
      this.compiling = undefined;
    }
    await Promise.all(compiling.values());
  }

  /** Issues a run of a shader. */
  run(shader: Shader, { reads = {}, writes = {}, constants = {}, workgroups, multiplyAdds = 0 }: Work): void {
    const bindings: Record<string, Binding> = {};
    const regions: Range[] = [];
    const bind = (name: string, { of, width = 1 }: Operand, writable: boolean) => {
      const { region, element } = 'dataId' in of ? this.plain(of) : of;
      bindings[name] = { element, width, writable };
      regions.push(region);
    };
    for (const name in reads) bind(name, reads[name]!, false);
    for (const name in writes) bind(name, writes[name]!, true);
    if (this.stray) bind('stray', { of: this.stray }, true);
    const pipeline = this.pipeline(shader, bindings, constants);
    if (!pipeline || this.compiling) {
      this.commands.markUnrepeatable();
      return;
    }
    const [x, y, z = 1] = typeof workgroups === 'number' ? [Math.min(workgroups, maxWorkgroups), 1] : workgroups;
    this.commands.dispatch({
      name: shader.name,
      pipeline,
      regions,
      workgroups: [x, y, z],
      invocations: x * y * z * shader.threads,
      multiplyAdds,
    });
  }

  /** Runs an `elementwise` shader over `count` elements. */
  each(shader: Shader, count: number, work: Omit<Work, 'workgroups'>): void {
    const constants = { ...work.constants, COUNT: count };
    this.run(shader, { ...work, constants, workgroups: Math.ceil(count / shader.threads) });
  }

  private plain(tensor: TensorInfo): Plain {
    const { region, format } = this.stored(tensor);
    return { region, element: format };
  }

  /** Undefined: it is being compiled. */
  private pipeline(
    shader: Shader,
    bindings: Record<string, Binding>,
    constants: Constants,
  ): GPUComputePipeline | undefined {
    let key = shader.name;
    for (const name in bindings) key += ` ${bindings[name]!.element}${bindings[name]!.width}`;
    key += JSON.stringify(constants);
    const known = this.pipelines.get(key);
    if (known || this.compiling?.has(key)) return known;
    const { device } = this.gpu;
    const module = device.createShaderModule({ label: shader.name, code: wgsl(shader, bindings, constants) });
    const descriptor = { label: shader.name, layout: 'auto', compute: { module } } as const;
    const keep = (pipeline: GPUComputePipeline) => {
      this.pipelines.set(key, pipeline);
      return pipeline;
    };
    if (!this.compiling) return keep(device.createComputePipeline(descriptor));
    const failsAgain = () => {}; // the error is reported when it is run
    this.compiling.set(key, device.createComputePipelineAsync(descriptor).then(keep, failsAgain));
    return undefined;
  }

  override write(values: BackendValues, shape: number[], dtype: DataType): DataId {
    const tensor = { dataId: {}, shape, dtype };
    this.move(tensor.dataId, values, shape, dtype, 1);
    return tensor.dataId;
  }

  override move(dataId: DataId, values: BackendValues, shape: number[], dtype: DataType, refCount: number): void {
    if (!(values instanceof Float32Array) || dtype !== 'float32')
      throw new Error(`the webgpu backend stores float32 tensors, not ${dtype} [${shape}]`);
    const region = this.variables.take(values.byteLength);
    this.commands.write(region, values as Float32Array<ArrayBuffer>);
    this.tensors.set(dataId, { region, format: 'f32', size: values.length, scaled: false, refCount });
  }

  override async read(dataId: DataId): Promise<Float32Array> {
    const { region, format, size, scaled } = this.stored({ dataId });
    if (format === 'f32' && !scaled) return new Float32Array(await this.commands.read(region), 0, size);
    const values = this.scratch('f32', size, (plain) => {
      const reads = { x: { of: { region, element: format } }, ...this.scaleOf({ dataId }) };
      this.each(widen, size, { reads, writes: { y: { of: plain } } });
      return this.commands.read(plain.region);
    });
    return new Float32Array(await values);
  }

  override readSync(): never {
    throw new Error('the webgpu backend reads tensors asynchronously: data() instead of dataSync()');
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.tensors.has(dataId)) return true;
    const stored = this.tensors.get(dataId);
    stored.refCount--;
    if (!force && stored.refCount > 0) return false;
    if ('make' in stored) this.release(stored.inputs);
    else stored.region.release();
    this.tensors.delete(dataId);
    return true;
  }

  /** Releases references that `retain` returned, even if tfjs has disposed of the tensor in the meantime. */
  private release(tensors: TensorInfo[]): void {
    for (const { dataId } of tensors) if (this.disposeData(dataId)) engine().removeDataId(dataId, this);
  }

  override numDataIds(): number {
    return this.tensors.numDataIds();
  }

  override refCount(dataId: DataId): number {
    return this.tensors.has(dataId) ? this.tensors.get(dataId).refCount : 0;
  }

  override incRef(dataId: DataId): void {
    this.tensors.get(dataId).refCount++;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override dispose(): void {
    this.gpu.device.destroy();
  }

  /** A new tensor with the contents of a region. */
  hold(shape: number[], stored: Omit<Stored, 'size' | 'refCount'>): TensorInfo {
    const dataId = {};
    this.tensors.set(dataId, { ...stored, size: util.sizeFromShape(shape), refCount: 1 });
    return { dataId, shape, dtype: 'float32' };
  }
}
