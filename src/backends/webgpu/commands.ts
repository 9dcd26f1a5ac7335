/// <reference types="@webgpu/types" />
import { Pool, type Range } from './memory.js';

/** One dispatch, as it was issued. */
export interface Dispatch {
  /** The kernel's name, followed by a slash and the stage if it has several. */
  name: string;
  pipeline: GPUComputePipeline;
  /** In the order of the bindings. */
  regions: Range[];
  /** The bind group of `regions`, once made. */
  bindGroup?: GPUBindGroup;
  workgroups: [x: number, y: number, z: number];
  /** Total number of threads. */
  invocations: number;
  multiplyAdds: number;
}

/** Called with each dispatch; if it returns timestamp writes, the dispatch runs in its own pass and is timed. */
export type Observer = (dispatch: Dispatch) => GPUComputePassTimestampWrites | undefined;

type Start = Pick<Range, 'buffer' | 'offset'>;

/** Dispatches between two submits: the GPU starts on a step's first ones while later ones are still being encoded. */
const submitEvery = 64;
/** Bind groups kept for reuse: several times what the steps of a large net need. */
const keptBindGroups = 20_000;

/** Encodes and submits the GPU's work, in order. */
export class Commands {
  observer?: Observer;
  /** How often bind groups were forgotten: those of an earlier generation are useless. */
  generation = 0;
  private recorded?: Dispatch[] | undefined;
  private readonly staging: Pool;
  /** The first error on the GPU, which reports errors late. */
  private failure?: Error;
  private encoder?: GPUCommandEncoder;
  private pass?: GPUComputePassEncoder;
  private pending = 0;
  private readonly bindGroups = new Map<string, GPUBindGroup>();
  private readonly ids = new WeakMap<object, number>();
  private nextId = 0;

  constructor(readonly device: GPUDevice) {
    this.staging = new Pool(device, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    device.onuncapturederror = ({ error }) => this.fail(error.message, error);
    void device.lost.then(({ message }) => this.fail(`the device was lost: ${message}`));
  }

  dispatch(dispatch: Dispatch): void {
    this.recorded?.push(dispatch);
    this.encodeDispatch(dispatch);
    if (++this.pending >= submitEvery) this.submit();
  }

  /** Does `work`; `dispatches`: those it issued; undefined if it did anything else, which may differ the next time. */
  record<T>(work: () => T): { result: T; dispatches?: Dispatch[] | undefined } {
    this.recorded = [];
    try {
      return { result: work(), dispatches: this.recorded };
    } finally {
      this.recorded = undefined;
    }
  }

  /** Makes what is being recorded unfit for a replay. */
  markUnrepeatable(): void {
    this.recorded = undefined;
  }

  /** Replays what was recorded: encoded in one go, so that one submit suffices. */
  repeat(dispatches: Dispatch[]): void {
    for (const dispatch of dispatches) this.encodeDispatch(dispatch);
    this.submit();
  }

  private encodeDispatch(dispatch: Dispatch): void {
    const timestampWrites = this.observer?.(dispatch);
    if (timestampWrites) this.endPass();
    this.pass ??= this.encode().beginComputePass({ ...(timestampWrites && { timestampWrites }) });
    this.pass.setPipeline(dispatch.pipeline);
    dispatch.bindGroup ??= this.bindGroup(dispatch);
    this.pass.setBindGroup(0, dispatch.bindGroup);
    this.pass.dispatchWorkgroups(...dispatch.workgroups);
    if (timestampWrites) this.endPass();
  }

  copy(from: Range, to: Start): void {
    this.markUnrepeatable();
    this.endPass();
    this.encode().copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, from.size);
  }

  /** Writes bytes (a multiple of 4) to a region, after all work issued so far. */
  write(region: Start, bytes: ArrayBufferView<ArrayBuffer>): void {
    this.markUnrepeatable();
    this.submit();
    this.device.queue.writeBuffer(region.buffer, region.offset, bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The bytes of a region as they are after all work issued so far and before any later work. */
  async read(range: Range): Promise<ArrayBuffer> {
    const { size } = range;
    const staging = this.staging.take(size);
    this.copy(range, staging);
    this.submit();
    try {
      await staging.buffer.mapAsync(GPUMapMode.READ, 0, size).catch((error: Error) => this.fail(error.message, error));
      if (this.failure) throw this.failure;
      return staging.buffer.getMappedRange(0, size).slice(0);
    } finally {
      if (staging.buffer.mapState === 'mapped') staging.buffer.unmap();
      staging.release();
    }
  }

  /** Submits what has been encoded. */
  submit(): void {
    if (!this.encoder) return;
    this.endPass();
    this.device.queue.submit([this.encoder.finish()]);
    this.encoder = undefined;
    this.pending = 0;
  }

  /** Resolves a set of timestamps into a buffer, in nanoseconds. */
  resolve(querySet: GPUQuerySet, count: number, to: GPUBuffer): void {
    this.endPass();
    this.encode().resolveQuerySet(querySet, 0, count, to, 0);
  }

  /** To be called when a buffer is destroyed, since bind groups hold on to their buffers. */
  forgetBindGroups(): void {
    this.bindGroups.clear();
    this.generation++;
  }

  private fail(message: string, cause?: object): void {
    const memory = cause instanceof GPUOutOfMemoryError; // other backends throw a RangeError then
    this.failure ??= new (memory ? RangeError : Error)(`GPU: ${message.trim().split('\n')[0]}`, { cause });
  }

  private encode(): GPUCommandEncoder {
    this.encoder ??= this.device.createCommandEncoder();
    return this.encoder;
  }

  private endPass(): void {
    this.pass?.end();
    this.pass = undefined;
  }

  private bindGroup({ pipeline, regions }: Dispatch): GPUBindGroup {
    let key = String(this.id(pipeline));
    for (const { buffer, offset, size } of regions) key += ` ${this.id(buffer)} ${offset} ${size}`;
    const known = this.bindGroups.get(key);
    if (known) return known;
    if (this.bindGroups.size >= keptBindGroups) this.forgetBindGroups();
    const bindGroup = this.device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: regions.map(({ buffer, offset, size }, binding) => ({ binding, resource: { buffer, offset, size } })),
    });
    this.bindGroups.set(key, bindGroup);
    return bindGroup;
  }

  private id(object: object): number {
    const known = this.ids.get(object);
    if (known !== undefined) return known;
    this.ids.set(object, this.nextId);
    return this.nextId++;
  }
}
