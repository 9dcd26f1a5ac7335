/// <reference types="@webgpu/types" />

/** A range of GPU memory. */
export interface Range {
  readonly buffer: GPUBuffer;
  /** Bytes from the buffer's start. */
  readonly offset: number;
  /** Bytes, a multiple of 4. */
  readonly size: number;
}

/** A range; whoever takes it must release it. Its buffer may change when an arena grows. */
export class Region implements Range {
  constructor(
    private readonly home: { buffer: GPUBuffer },
    private readonly place: Place,
    private readonly unused: Place[],
    readonly offset: number,
    readonly size: number,
  ) {}

  get buffer(): GPUBuffer {
    return this.home.buffer;
  }

  /** Whether nobody holds it. */
  get free(): boolean {
    return this.place.free;
  }

  release(): void {
    give(this.unused, this.place);
  }

  /** Takes it again; it must be free. */
  retake(): void {
    this.unused.splice(this.unused.indexOf(this.place), 1);
    this.place.free = false;
  }
}

/** Regions start at multiples of this, in bytes, which any WebGPU device can bind. */
const alignment = 256;
const aligned = (bytes: number) => Math.max(alignment, Math.ceil(bytes / alignment) * alignment);

interface Place {
  size: number;
  /** Order of creation (pool), or offset (arena). */
  rank: number;
  free: boolean;
}

/** Smaller and older places come first: which one is taken depends only on what is free, so that steps repeat. */
function give(unused: Place[], place: Place): void {
  const at = unused.findIndex(({ size, rank }) => size > place.size || (size === place.size && rank > place.rank));
  unused.splice(at < 0 ? unused.length : at, 0, place);
  place.free = true;
}

/** The first place that fits, unless it wastes more than `maxWaste` bytes. */
function find<T extends Place>(unused: T[], size: number, maxWaste: number): T | undefined {
  const at = unused.findIndex((place) => place.size >= size);
  if (at < 0 || unused[at]!.size > size + maxWaste) return undefined;
  const [place] = unused.splice(at, 1);
  place!.free = false;
  return place;
}

/** The size that a region of `bytes` is bound with. */
const bound = (bytes: number) => Math.ceil(bytes / 4) * 4;

/** Buffers that are recycled: after its first steps a training loop makes no new ones. */
export class Pool {
  private readonly unused: (Place & { buffer: GPUBuffer })[] = [];
  private created = 0;

  constructor(
    private readonly device: GPUDevice,
    private readonly usage: GPUBufferUsageFlags = storage(),
  ) {}

  /** The smallest free buffer that fits and is at most twice as large, or a new one. */
  take(bytes: number): Region {
    const size = aligned(bytes);
    const place = find(this.unused, size, size) ?? this.make(size);
    return new Region(place, place, this.unused, 0, bound(bytes));
  }

  private make(size: number) {
    return { size, rank: this.created++, free: false, buffer: this.device.createBuffer({ size, usage: this.usage }) };
  }
}

/**
 * Many small tensors in one buffer, so that one dispatch can work on all of them: WebGPU binds only a few buffers at a
 * time, and a ResNet-56 has 170 parameters. Grows by copying itself.
 */
export class Arena {
  buffer: GPUBuffer;
  private end = 0;
  private readonly unused: Place[] = []; // ranked by offset

  constructor(
    private readonly device: GPUDevice,
    /** Copies `bytes` after all work issued so far, and before `from` is destroyed. */
    private readonly copy: (from: GPUBuffer, to: GPUBuffer, bytes: number) => void,
  ) {
    this.buffer = this.make(2 ** 22);
  }

  take(bytes: number): Region {
    const size = aligned(bytes);
    const place = find(this.unused, size, 0) ?? { size, rank: this.extend(size), free: false };
    return new Region(this, place, this.unused, place.rank, bound(bytes));
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
