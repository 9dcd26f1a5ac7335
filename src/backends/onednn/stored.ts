import type { BackendValues, DataType } from '@tensorflow/tfjs-core';
import type { Activation, Addon } from './addon.js';
import type { Pool } from './pool.js';

/** `plain`: whatever tfjs put there, usually float32. */
type Values = { kind: 'plain'; values: BackendValues } | { kind: 'bfloat16'; values: Uint16Array };
/** The terms have values of the same precision, which are added when the sum is first read. */
export type Held = Values | { kind: 'sum'; terms: [Stored, Stored] };

/**
 * The data behind a dataId: values in float32 or (activations only) bfloat16, or a sum that is computed when it is
 * read. tfjs's own CPU kernels use `dtype`, `refCount` and `values`, which is never bfloat16.
 */
export class Stored {
  refCount = 1;
  /** [2, C]: slope and offset if the values are relu(slope x + offset), so batch norm's gradient need not read them. */
  line?: Float32Array;
  /** Pending sums that have this as a term; its memory is not recycled while there are any. */
  private holders = 0;
  private disposed = false;

  constructor(
    readonly dtype: DataType,
    private held: Held,
    private readonly memory: { pool: Pool; addon: Addon },
  ) {
    if (held.kind === 'sum') for (const term of held.terms) term.holders++;
  }

  get isHalf(): boolean {
    return this.held.kind === 'sum' ? this.held.terms[0].isHalf : this.held.kind === 'bfloat16';
  }

  /** Whether anything besides one tensor may read this memory, or it is not the pool's and must not be written. */
  get isShared(): boolean {
    return this.refCount > 1 || this.holders > 0 || !this.memory.pool.owns(this.float32());
  }

  get values(): BackendValues {
    return this.held.kind === 'plain' ? this.held.values : this.float32();
  }

  /** The float32 values themselves; bfloat16 is widened permanently. */
  float32(): Float32Array {
    const held = this.computed();
    if (held.kind === 'plain') return held.values as Float32Array;
    const floats = this.memory.pool.floats(held.values.length);
    this.memory.addon.widen(held.values, floats);
    this.replace({ kind: 'plain', values: floats });
    return floats;
  }

  /** The values in bfloat16; float32 is narrowed permanently. */
  bfloat16(): Uint16Array {
    const held = this.computed();
    if (held.kind === 'bfloat16') return held.values;
    const floats = held.values as Float32Array;
    const halves = this.memory.pool.halves(floats.length);
    this.memory.addon.narrow(floats, halves);
    this.replace({ kind: 'bfloat16', values: halves });
    return halves;
  }

  /** The values of a pending sum's terms; undefined if there is no pending sum. */
  get terms(): [Activation, Activation] | undefined {
    if (this.held.kind !== 'sum') return undefined;
    return this.held.terms.map((term) => term.computed().values) as [Activation, Activation];
  }

  /** Called when the tensor is gone: returns its memory at once, or when the last pending sum lets go of it. */
  dispose(): void {
    this.disposed = true;
    if (this.holders === 0) this.release();
  }

  /** The values in the precision that they are held in; a pending sum is computed and kept. */
  computed(): Values {
    if (this.held.kind !== 'sum') return this.held;
    const [a, b] = this.terms!;
    const { pool, addon } = this.memory;
    const sum = a instanceof Uint16Array ? pool.halves(a.length) : pool.floats(a.length);
    addon.add(a, b, sum);
    return this.replace(
      sum instanceof Uint16Array ? { kind: 'bfloat16', values: sum } : { kind: 'plain', values: sum },
    );
  }

  private replace<T extends Values>(held: T): T {
    this.release();
    this.held = held;
    return held;
  }

  private release(): void {
    const { held } = this;
    if (held.kind === 'sum') for (const term of held.terms) term.removeHolder();
    else if (ArrayBuffer.isView(held.values)) this.memory.pool.recycle(held.values);
  }

  private removeHolder(): void {
    this.holders--;
    if (this.disposed && this.holders === 0) this.release();
  }
}
