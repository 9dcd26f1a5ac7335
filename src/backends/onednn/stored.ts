import type { BackendValues, DataType } from '@tensorflow/tfjs-core';
import type { Activation, Addon } from './addon.js';
import type { Pool } from './pool.js';

/**
 * What a dataId stands for: values in float32 or (activations alone) in bfloat16, or a sum that nobody has asked for yet.
 * tfjs's own CPU kernels know `dtype`, `refCount` and `values`, which is never bfloat16.
 */
export class Stored {
  refCount = 1;
  /** [2, C]: slope and offset where these values are relu(slope x + offset), so that batch norm's gradient need not read them. */
  line?: Float32Array;
  /** Sums that this is a term of; its memory is not recycled before theirs. */
  private holders = 0;
  private disposed = false;

  constructor(
    readonly dtype: DataType,
    private held: BackendValues | Uint16Array | [Stored, Stored],
    private readonly memory: { pool: Pool; addon: Addon },
  ) {
    if (isSum(held)) for (const term of held) term.holders++;
  }

  get isHalf(): boolean {
    return this.held instanceof Uint16Array;
  }

  /** Whether anything but one tensor may look at this memory, or it is not the pool's to write in. */
  get isShared(): boolean {
    return this.refCount > 1 || this.holders > 0 || !this.memory.pool.owns(this.float32());
  }

  get values(): BackendValues {
    return this.isHalf || isSum(this.held) ? this.float32() : (this.held as BackendValues);
  }

  /** The float32 values themselves; bfloat16 is widened, for good. */
  float32(): Float32Array {
    const values = this.computed();
    if (!(values instanceof Uint16Array)) return values as Float32Array;
    const floats = this.memory.pool.floats(values.length);
    this.memory.addon.widen(values, floats);
    return this.replace(floats);
  }

  /** The values in bfloat16; float32 is narrowed, for good. */
  bfloat16(): Uint16Array {
    const values = this.computed();
    if (values instanceof Uint16Array) return values;
    const halves = this.memory.pool.halves((values as Float32Array).length);
    this.memory.addon.narrow(values as Float32Array, halves);
    return this.replace(halves);
  }

  /** The terms of a sum that is not computed yet, else nothing. */
  get terms(): [Activation, Activation] | undefined {
    return isSum(this.held) ? [this.held[0].held as Activation, this.held[1].held as Activation] : undefined;
  }

  /** The tensor is gone: gives the memory back, at once or when the last sum lets go of it. */
  dispose(): void {
    this.disposed = true;
    if (this.holders === 0) this.release();
  }

  private computed(): BackendValues | Uint16Array {
    const { terms, memory } = this;
    if (!terms) return this.held as BackendValues | Uint16Array;
    const [a, b] = terms;
    const sum = a instanceof Uint16Array ? memory.pool.halves(a.length) : memory.pool.floats(a.length);
    memory.addon.add(a, b, sum);
    return this.replace(sum);
  }

  private replace<T extends Activation>(values: T): T {
    this.release();
    this.held = values;
    return values;
  }

  private release(): void {
    if (ArrayBuffer.isView(this.held)) this.memory.pool.recycle(this.held);
    if (!isSum(this.held)) return;
    for (const term of this.held) {
      term.holders--;
      if (term.disposed && term.holders === 0) term.release();
    }
  }
}

function isSum(held: unknown): held is [Stored, Stored] {
  return Array.isArray(held) && held[0] instanceof Stored;
}
