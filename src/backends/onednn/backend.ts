import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { type BackendValues, type DataId, type DataType, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { HostMemory } from '../../ops/kernel.js';
import type { Activation, Addon } from './addon.js';
import { Pool } from './pool.js';

/** What a dataId stands for. tfjs's own CPU kernels know `values`, which is never bfloat16. */
class Stored {
  refCount = 1;
  constructor(
    readonly dtype: DataType,
    public held: BackendValues | Uint16Array,
    private readonly widen: (values: Uint16Array) => Float32Array,
  ) {}

  get values(): BackendValues {
    if (this.held instanceof Uint16Array) this.held = this.widen(this.held);
    return this.held;
  }
}

/**
 * tfjs's CPU backend with memory of the addon's: 64-byte aligned, recycled by size. float32 tensors may be held as
 * bfloat16 (a Uint16Array) when `bf16` is set; whoever reads them gets float32.
 */
export class OnednnBackend extends MathBackendCPU implements HostMemory {
  readonly pool: Pool;
  /** Whether activations are stored in bfloat16. */
  bf16 = false;

  constructor(readonly addon: Addon) {
    super();
    this.pool = new Pool(addon);
  }

  /** A float32 tensor whose values are not set. */
  allocate(shape: number[], dtype: DataType = 'float32'): TensorInfo {
    return this.hold(this.pool.floats(util.sizeFromShape(shape)), shape, dtype);
  }

  /** The same in the precision of activations. */
  allocateActivation(shape: number[]): TensorInfo {
    return this.bf16 ? this.hold(this.pool.halves(util.sizeFromShape(shape)), shape, 'float32') : this.allocate(shape);
  }

  view(tensor: TensorInfo): Float32Array {
    return this.stored(tensor.dataId).values as Float32Array;
  }

  /** The values in the precision of activations: a tensor in the other one is converted, for good. */
  activation(tensor: TensorInfo): Activation {
    const stored = this.stored(tensor.dataId);
    if (!this.bf16) return stored.values as Float32Array;
    if (!(stored.held instanceof Uint16Array)) {
      const values = stored.held as Float32Array;
      const halves = this.pool.halves(values.length);
      this.addon.narrow(values, halves);
      this.pool.recycle(values);
      stored.held = halves;
    }
    return stored.held;
  }

  /** The tensor once more, for a kernel to change; a copy where anything else may look at its memory. */
  writable(tensor: TensorInfo): TensorInfo {
    const values = this.view(tensor);
    if (this.refCount(tensor.dataId) === 1 && this.pool.owns(values)) {
      this.incRef(tensor.dataId);
      return { dataId: tensor.dataId, shape: tensor.shape, dtype: tensor.dtype };
    }
    const copy = this.allocate(tensor.shape);
    this.view(copy).set(values);
    return copy;
  }

  /** Whether the tensor is held in bfloat16. */
  isHalf(tensor: TensorInfo): boolean {
    return this.stored(tensor.dataId).held instanceof Uint16Array;
  }

  override write(values: BackendValues, _shape: number[], dtype: DataType): DataId {
    // tfjs's Slice hands on a part of its input's memory, which may be recycled under it
    const own = ArrayBuffer.isView(values) && this.pool.owns(values) ? (values as Float32Array).slice() : values;
    return this.hold(own, [], dtype).dataId;
  }

  override move(dataId: DataId, values: BackendValues, _shape: number[], dtype: DataType, refCount: number): void {
    const stored = this.store(values, dtype);
    stored.refCount = refCount;
    this.data.set(dataId, stored as never);
  }

  /** A copy: what is read must outlive the tensor's memory. */
  override readSync(dataId: DataId): BackendValues {
    const values = super.readSync(dataId);
    return ArrayBuffer.isView(values) && this.pool.owns(values) ? (values as Float32Array).slice() : values;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const stored = this.data.has(dataId) ? this.stored(dataId) : undefined;
    const gone = super.disposeData(dataId, force);
    if (gone && stored && ArrayBuffer.isView(stored.held)) this.pool.recycle(stored.held);
    return gone;
  }

  private hold(values: BackendValues | Uint16Array, shape: number[], dtype: DataType): TensorInfo {
    const dataId = { id: this.nextId++ };
    this.data.set(dataId, this.store(values, dtype) as never);
    return { dataId, shape, dtype };
  }
  private nextId = 0;

  private store(values: BackendValues | Uint16Array, dtype: DataType): Stored {
    return new Stored(dtype, values, (halves) => {
      const floats = this.pool.floats(halves.length);
      this.addon.widen(halves, floats);
      this.pool.recycle(halves);
      return floats;
    });
  }

  private stored(dataId: DataId): Stored {
    return this.data.get(dataId) as unknown as Stored;
  }
}
