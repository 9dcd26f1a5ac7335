import type { Addon } from './addon.js';

/** Memory for tensors: a freed buffer serves the next tensor of about its size, so training allocates nothing. */
export class Pool {
  /** Free buffers, by size in bytes. */
  private readonly idle = new Map<number, ArrayBuffer[]>();
  private readonly owned = new WeakSet<ArrayBufferLike>();
  /** Number of buffers ever made, and their total bytes. */
  allocations = 0;
  bytes = 0;

  constructor(private readonly addon: Pick<Addon, 'allocate'>) {}

  floats(count: number): Float32Array {
    return new Float32Array(this.take(count * 4), 0, count);
  }

  halves(count: number): Uint16Array {
    return new Uint16Array(this.take(count * 2), 0, count);
  }

  owns(values: ArrayBufferView): boolean {
    return this.owned.has(values.buffer);
  }

  /** Ignores memory that is not the pool's. */
  recycle(values: ArrayBufferView): void {
    const buffer = values.buffer as ArrayBuffer;
    if (!this.owned.has(buffer)) return;
    const sameSize = this.idle.get(buffer.byteLength);
    if (sameSize) sameSize.push(buffer);
    else this.idle.set(buffer.byteLength, [buffer]);
  }

  private take(bytes: number): ArrayBuffer {
    const size = Math.max(64, Math.ceil(bytes / 64) * 64);
    return this.idle.get(size)?.pop() ?? this.findLarger(size) ?? this.make(size);
  }

  /** The smallest idle buffer that holds `size` bytes and wastes less than half: a partial batch fits a whole one's. */
  private findLarger(size: number): ArrayBuffer | undefined {
    let best = 2 * size;
    for (const [candidate, buffers] of this.idle)
      if (candidate > size && candidate < best && buffers.length > 0) best = candidate;
    return best < 2 * size ? this.idle.get(best)?.pop() : undefined;
  }

  private make(size: number): ArrayBuffer {
    const buffer = this.addon.allocate(size);
    this.owned.add(buffer);
    this.allocations++;
    this.bytes += size;
    return buffer;
  }
}
