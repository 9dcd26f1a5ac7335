/// <reference types="@webgpu/types" />

/** A range of GPU memory; the caller that takes it releases it. Its buffer may change when an arena grows. */
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

/** Something free, the smaller and older first: what is taken depends on what is free alone, so that steps repeat themselves. */
interface Free {
  size: number;
  /** Order of making, or place. */
  rank: number;
}

function give<T extends Free>(free: T[], item: T): void {
  const at = free.findIndex(({ size, rank }) => size > item.size || (size === item.size && rank > item.rank));
  free.splice(at < 0 ? free.length : at, 0, item);
}

/** The first that fits and wastes no more than `most` bytes. */
function find<T extends Free>(free: T[], size: number, most: number): T | undefined {
  const at = free.findIndex((item) => item.size >= size);
  return at >= 0 && free[at]!.size <= size + most ? free.splice(at, 1)[0] : undefined;
}

/** Buffers that are recycled: after its first steps a training loop makes no new ones. */
export class Pool {
  private readonly free: (Free & { buffer: GPUBuffer })[] = [];
  private made = 0;

  constructor(
    private readonly device: GPUDevice,
    private readonly usage: GPUBufferUsageFlags = storage(),
  ) {}

  /** The smallest free buffer that fits and is at most twice as large, or a new one. */
  take(bytes: number): Region {
    const size = aligned(bytes);
    const item = find(this.free, size, size) ?? this.make(size);
    return { buffer: item.buffer, offset: 0, size: Math.ceil(bytes / 4) * 4, release: () => give(this.free, item) };
  }

  private make(size: number) {
    return { size, rank: this.made++, buffer: this.device.createBuffer({ size, usage: this.usage }) };
  }
}

/**
 * Many small tensors in one buffer, so that one dispatch can work on all of them: WebGPU binds a few buffers at a time, and
 * a ResNet-56 has 170 parameters. Grows by copying itself.
 */
export class Arena {
  buffer: GPUBuffer;
  private end = 0;
  private readonly free: Free[] = []; // ranked by offset

  constructor(
    private readonly device: GPUDevice,
    /** Copies so many bytes after all that the GPU has been asked for, and before `from` is destroyed. */
    private readonly copy: (from: GPUBuffer, to: GPUBuffer, bytes: number) => void,
  ) {
    this.buffer = this.make(2 ** 22);
  }

  take(bytes: number): Region {
    const size = aligned(bytes);
    const item = find(this.free, size, 0) ?? { size, rank: this.extend(size) };
    const arena = this;
    return {
      get buffer() {
        return arena.buffer;
      },
      offset: item.rank,
      size: Math.ceil(bytes / 4) * 4,
      release: () => give(this.free, item),
    };
  }

  private extend(size: number): number {
    const offset = this.end;
    this.end += size;
    if (this.end > this.buffer.size) {
      const grown = this.make(2 ** Math.ceil(Math.log2(this.end)));
      this.copy(this.buffer, grown, offset);
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
