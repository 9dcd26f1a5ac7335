/// <reference types="@webgpu/types" />

/** A stretch of GPU memory; whoever takes it releases it. Its buffer may change while an arena grows. */
export interface Region {
  readonly buffer: GPUBuffer;
  /** Bytes from the buffer's start. */
  readonly offset: number;
  /** Bytes, a multiple of 4. */
  readonly size: number;
  release(): void;
}

/** Whatever regions may be bound at: the least that WebGPU guarantees. */
const alignment = 256;
const aligned = (bytes: number) => Math.max(alignment, Math.ceil(bytes / alignment) * alignment);

/** Buffers that are recycled: after its first steps a training loop makes no new ones. */
export class Pool {
  /** Bytes in all buffers, in use or not. */
  bytes = 0;
  private readonly free: GPUBuffer[] = [];

  constructor(
    private readonly device: GPUDevice,
    private readonly usage: GPUBufferUsageFlags = storage(),
  ) {}

  /** The smallest free buffer that fits and is at most twice as large, or a new one. */
  take(bytes: number): Region {
    const size = aligned(bytes);
    let best = -1;
    this.free.forEach((buffer, i) => {
      const fits = buffer.size >= size && buffer.size <= 2 * size;
      if (fits && (best < 0 || buffer.size <= this.free[best]!.size)) best = i;
    });
    const buffer = best < 0 ? this.make(size) : this.free.splice(best, 1)[0]!;
    return { buffer, offset: 0, size: Math.ceil(bytes / 4) * 4, release: () => void this.free.push(buffer) };
  }

  private make(size: number): GPUBuffer {
    this.bytes += size;
    return this.device.createBuffer({ size, usage: this.usage });
  }
}

/**
 * Many small tensors in one buffer, so that one dispatch can work on all of them: WebGPU binds a few buffers at a time, and
 * a ResNet-56 has 170 parameters. Grows by copying itself.
 */
export class Arena {
  buffer: GPUBuffer;
  private end = 0;
  private readonly free = new Map<number, number[]>(); // offsets by size

  constructor(
    private readonly device: GPUDevice,
    /** Copies so many bytes, at once and after all that the GPU has been asked for; `from` is destroyed then. */
    private readonly replace: (from: GPUBuffer, to: GPUBuffer, bytes: number) => void,
  ) {
    this.buffer = this.make(2 ** 22);
  }

  take(bytes: number): Region {
    const size = aligned(bytes);
    const offsets = this.free.get(size) ?? [];
    this.free.set(size, offsets);
    const offset = offsets.pop() ?? this.extend(size);
    const arena = this;
    return {
      get buffer() {
        return arena.buffer;
      },
      offset,
      size: Math.ceil(bytes / 4) * 4,
      release: () => void offsets.push(offset),
    };
  }

  private extend(size: number): number {
    const offset = this.end;
    this.end += size;
    if (this.end > this.buffer.size) {
      const grown = this.make(2 ** Math.ceil(Math.log2(this.end)));
      this.replace(this.buffer, grown, offset);
      this.buffer.destroy();
      this.buffer = grown;
    }
    return offset;
  }

  private make(size: number): GPUBuffer {
    return this.device.createBuffer({ size, usage: storage() });
  }
}

function storage(): GPUBufferUsageFlags {
  return GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
}
