import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { type BackendValues, type DataId, type DataType, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { HostMemory } from '../../ops/kernel.js';
import type { Activation, Addon } from './addon.js';
import { Pool } from './pool.js';
import { type Held, Stored } from './stored.js';
import type { Ways } from './ways.js';

/**
 * tfjs's CPU backend with memory from the addon: 64-byte aligned, recycled by size. If `bf16` is set, float32 tensors
 * may be held as bfloat16 (a Uint16Array); reading them returns float32.
 */
export class OnednnBackend extends MathBackendCPU implements HostMemory {
  readonly pool: Pool;
  /** Whether activations are stored in bfloat16. */
  bf16 = false;
  /** How it computes convolutions; set each time the backend is activated. */
  ways!: Ways;
  private nextId = 0;

  constructor(readonly addon: Addon) {
    super();
    this.pool = new Pool(addon);
  }

  /** A float32 tensor with uninitialised values. */
  allocate(shape: number[], dtype: DataType = 'float32'): TensorInfo {
    return this.hold({ kind: 'plain', values: this.pool.floats(util.sizeFromShape(shape)) }, shape, dtype);
  }

  /** An uninitialised tensor in the precision of activations. */
  allocateActivation(shape: number[]): TensorInfo {
    if (!this.bf16) return this.allocate(shape);
    return this.hold({ kind: 'bfloat16', values: this.pool.halves(util.sizeFromShape(shape)) }, shape, 'float32');
  }

  /** a + b, of the same shape and precision, computed when it is first read. */
  sum(a: TensorInfo, b: TensorInfo): TensorInfo {
    const terms: [Stored, Stored] = [this.stored(a), this.stored(b)];
    for (const term of terms) term.computed();
    return this.hold({ kind: 'sum', terms }, a.shape, 'float32');
  }

  view(tensor: TensorInfo): Float32Array {
    return this.stored(tensor).float32();
  }

  /** The values in the precision of activations; a tensor in the other precision is converted permanently. */
  activation(tensor: TensorInfo): Activation {
    return this.bf16 ? this.stored(tensor).bfloat16() : this.view(tensor);
  }

  /** A new reference to the tensor, for a kernel to change; a copy if anything else may read its memory. */
  writable(tensor: TensorInfo): TensorInfo {
    if (!this.stored(tensor).isShared) {
      this.incRef(tensor.dataId);
      return { dataId: tensor.dataId, shape: tensor.shape, dtype: tensor.dtype };
    }
    const copy = this.allocate(tensor.shape);
    this.view(copy).set(this.view(tensor));
    return copy;
  }

  stored({ dataId }: { dataId: DataId }): Stored {
    return this.data.get(dataId) as unknown as Stored;
  }

  override write(values: BackendValues, shape: number[], dtype: DataType): DataId {
    return this.hold({ kind: 'plain', values: this.unpooled(values) }, shape, dtype).dataId;
  }

  override move(dataId: DataId, values: BackendValues, _shape: number[], dtype: DataType, refCount: number): void {
    const stored = new Stored(dtype, { kind: 'plain', values }, this);
    stored.refCount = refCount;
    this.data.set(dataId, stored as never);
  }

  /** A copy, since the values must outlive the tensor's memory. */
  override readSync(dataId: DataId): BackendValues {
    return this.unpooled(super.readSync(dataId));
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const stored = this.data.has(dataId) ? this.stored({ dataId }) : undefined;
    const gone = super.disposeData(dataId, force);
    if (gone) stored?.dispose();
    return gone;
  }

  private hold(held: Held, shape: number[], dtype: DataType): TensorInfo {
    const dataId = { id: this.nextId++ };
    this.data.set(dataId, new Stored(dtype, held, this) as never);
    return { dataId, shape, dtype };
  }

  /** Copied if it is the pool's memory, which may be recycled: tfjs's Slice, for one, returns part of its input. */
  private unpooled(values: BackendValues): BackendValues {
    return ArrayBuffer.isView(values) && this.pool.owns(values) ? (values as Float32Array).slice() : values;
  }
}
