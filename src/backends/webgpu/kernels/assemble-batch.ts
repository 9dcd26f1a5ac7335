/// <reference types="@webgpu/types" />
import { type AssembleBatch, planWidth } from '../../../ops/assemble-batch.js';
import { defaultThreads, type Plain, type WebgpuBackend } from '../backend.js';
import { elementwise, type Shader } from '../shader.js';
import { kernel, operands } from './kernel.js';

/** A data set's bytes on the device, in pieces of the largest size that can be bound. */
interface Resident {
  pieces: Plain[];
  /** Bytes of each but the last. */
  pieceBytes: number;
}
const resident = new WeakMap<WebgpuBackend, WeakMap<Uint8Array, Resident>>();
const meanImages = new WeakMap<WebgpuBackend, WeakMap<Float32Array, Plain>>();

export const assembleBatchKernel = kernel('AssembleBatch', (_inputs: object, batch: AssembleBatch, backend) => {
  const { images, imageShape, plan, pad, padMode, mean, deviation, meanImage } = batch;
  const [height, width, channels] = imageShape;
  const { pieces, pieceBytes } = onDevice(backend, images);
  const x = backend.allocateActivation([plan.length / planWidth, height, width, channels]);
  backend.scratch('u32', plan.length, (planMemory) => {
    backend.commands.write(planMemory.region, plan as Int32Array<ArrayBuffer>);
    backend.each(
      shader(padMode, pieces.length, meanImage !== undefined),
      (plan.length / planWidth) * height * width * channels,
      {
        reads: {
          ...Object.fromEntries(pieces.map((of, i) => [`images${i}`, { of }])),
          plan: { of: planMemory },
          ...(meanImage && { meanImage: { of: meanOnDevice(backend, meanImage) } }),
        },
        writes: operands({ x }),
        constants: {
          HEIGHT: height,
          WIDTH: width,
          CHANNELS: channels,
          PAD: pad,
          PIECE: pieceBytes,
          MEAN: { f32: mean },
          DEVIATION: { f32: deviation },
        },
      },
    );
  });
  return [x];
});

function onDevice(backend: WebgpuBackend, images: Uint8Array): Resident {
  const known = resident.get(backend) ?? new WeakMap<Uint8Array, Resident>();
  resident.set(backend, known);
  const present = known.get(images) ?? upload(backend, images);
  known.set(images, present);
  return present;
}

function meanOnDevice(backend: WebgpuBackend, meanImage: Float32Array): Plain {
  const known = meanImages.get(backend) ?? new WeakMap<Float32Array, Plain>();
  meanImages.set(backend, known);
  const present = known.get(meanImage);
  if (present) return present;
  const region = backend.pool.take(meanImage.byteLength);
  backend.commands.write(region, meanImage as Float32Array<ArrayBuffer>);
  const plain: Plain = { region, element: 'f32' };
  known.set(meanImage, plain);
  return plain;
}

function upload(backend: WebgpuBackend, images: Uint8Array): Resident {
  const pieceBytes = Math.floor(backend.gpu.device.limits.maxStorageBufferBindingSize / 256) * 256;
  const pieces: Plain[] = [];
  for (let start = 0; start < images.length; start += pieceBytes) {
    const piece = images.subarray(start, start + pieceBytes);
    const whole = new Uint8Array(Math.ceil(piece.length / 4) * 4);
    whole.set(piece);
    const region = backend.pool.take(whole.length);
    backend.commands.write(region, whole);
    pieces.push({ region, element: 'u32' });
  }
  return { pieces, pieceBytes };
}

/** `source(i, size)`: the image's pixel that fills pixel i of the padded image; -1 for black. */
const padding: Record<AssembleBatch['padMode'], string> = {
  zero: 'return -1;',
  reflect: 'return select(2 * size - 2 - i, -i, i < 0);',
  symmetric: 'return select(2 * size - 1 - i, -i - 1, i < 0);',
};

function shader(padMode: AssembleBatch['padMode'], pieces: number, meanImage: boolean): Shader {
  const entry = elementwise(`
    let c = i % CHANNELS;
    let column = i32(i / CHANNELS % WIDTH);
    let row = i32(i / CHANNELS / WIDTH % HEIGHT);
    let image = i / CHANNELS / WIDTH / HEIGHT * ${planWidth};
    let flipped = select(column, i32(WIDTH) - 1 - column, plan_at(image + 3) != 0);
    let from_row = source(row + i32(plan_at(image + 1)) - i32(PAD), i32(HEIGHT));
    let from_column = source(flipped + i32(plan_at(image + 2)) - i32(PAD), i32(WIDTH));
    var value = 0f;
    var subtracted = 0f;
    if (from_row >= 0 && from_column >= 0) {
      value = f32(byte(((plan_at(image) * HEIGHT + u32(from_row)) * WIDTH + u32(from_column)) * CHANNELS + c));
      ${meanImage ? 'subtracted = meanImage_at((u32(from_row) * WIDTH + u32(from_column)) * CHANNELS + c);' : ''}
    }
    x_put(i, (value / 255 - MEAN[c]) / DEVIATION[c] - subtracted);`);
  const choose = Array.from({ length: pieces }, (_, p) => `case ${p}u: { word = images${p}_at(i % PIECE / 4); }`);
  return {
    name: `AssembleBatch/${padMode}`,
    threads: defaultThreads,
    body: () => `
fn source(i: i32, size: i32) -> i32 {
  if (i >= 0 && i < size) { return i; }
  ${padding[padMode]}
}
fn byte(i: u32) -> u32 {
  var word = 0u;
  switch (i / PIECE) { ${choose.join(' ')} default: { } }
  return (word >> (8 * (i % 4))) & 255;
}
${entry()}`,
  };
}
