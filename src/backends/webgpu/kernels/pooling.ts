import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { DownsamplePad } from '../../../ops/downsample-pad.js';
import type { Shape4D } from '../../../ops/kernel.js';
import { defaultThreads } from '../backend.js';
import { elementwise, type Shader } from '../shader.js';
import { kernel, operands, typeOf, widthOf } from './kernel.js';

const pool: Shader = {
  name: 'GlobalAveragePool',
  threads: defaultThreads,
  body: elementwise(`
    let first = (i / CHANNELS) * PIXELS * CHANNELS + i % CHANNELS;
    var sum = V(0);
    for (var pixel = 0u; pixel < PIXELS; pixel++) { sum += x_at(first + pixel * CHANNELS); }
    y_put(i, sum / f32(PIXELS));`),
};

const poolGradient: Shader = {
  name: 'GlobalAveragePoolGrad',
  threads: defaultThreads,
  body: elementwise(
    'dx_put(i, dy_at(i / (PIXELS * CHANNELS) * CHANNELS + i % CHANNELS) * (lossScale_at(0) / f32(PIXELS)));',
  ),
};

const downsample: Shader = {
  name: 'DownsamplePad',
  threads: defaultThreads,
  body: elementwise(`
    let c = i % OUT_CHANNELS;
    let top = 2 * (i / OUT_CHANNELS / OUT_WIDTH % OUT_HEIGHT);
    let left = 2 * (i / OUT_CHANNELS % OUT_WIDTH);
    let image = i / OUT_CHANNELS / OUT_WIDTH / OUT_HEIGHT;
    var sum = 0f;
    var count = 0f;
    if (c >= OFFSET && c < OFFSET + CHANNELS) {
      for (var row = top; row < min(top + WINDOW, HEIGHT); row++) {
        for (var column = left; column < min(left + WINDOW, WIDTH); column++) {
          sum += x_at(((image * HEIGHT + row) * WIDTH + column) * CHANNELS + c - OFFSET);
          count += 1;
        }
      }
    }
    y_put(i, sum / max(count, 1));`),
};

/** In each direction an input pixel is in at most two windows: the last to reach it and, of size 3, the one before. */
const downsampleGradient: Shader = {
  name: 'DownsamplePadGrad',
  threads: defaultThreads,
  body: elementwise(`
    let c = i % CHANNELS;
    let column = i / CHANNELS % WIDTH;
    let row = i / CHANNELS / WIDTH % HEIGHT;
    let image = i / CHANNELS / WIDTH / HEIGHT;
    var sum = 0f;
    for (var down = 0u; down < 2; down++) {
      for (var right = 0u; right < 2; right++) {
        if (down > row / 2 || right > column / 2) { continue; }
        let smallRow = row / 2 - down;
        let smallColumn = column / 2 - right;
        if (2 * smallRow + WINDOW <= row || 2 * smallColumn + WINDOW <= column) { continue; }
        let rows = min(WINDOW, HEIGHT - 2 * smallRow);
        let columns = min(WINDOW, WIDTH - 2 * smallColumn);
        let small = ((image * OUT_HEIGHT + smallRow) * OUT_WIDTH + smallColumn) * OUT_CHANNELS + c + OFFSET;
        sum += dy_at(small) / f32(rows * columns);
      }
    }
    dx_put(i, sum);`),
};

function downsampleConstants([, height, width, channels]: number[], { window, channels: to, offset }: DownsamplePad) {
  return {
    WINDOW: window,
    HEIGHT: height!,
    WIDTH: width!,
    CHANNELS: channels!,
    OUT_HEIGHT: Math.ceil(height! / 2),
    OUT_WIDTH: Math.ceil(width! / 2),
    OUT_CHANNELS: to,
    OFFSET: offset,
  };
}

export const poolingKernels = [
  kernel('GlobalAveragePool', ({ x }: { x: TensorInfo }, _attributes, backend) => {
    const [images, height, width, channels] = x.shape as Shape4D;
    const vector = widthOf(channels);
    const y = backend.allocate([images, channels]);
    backend.each(pool, (images * channels) / vector, {
      reads: operands({ x }, vector),
      writes: operands({ y }, vector),
      constants: { PIXELS: height * width, CHANNELS: channels / vector, V: typeOf(vector) },
      multiplyAdds: util.sizeFromShape(x.shape),
    });
    return [y];
  }),

  /** Gradients become float16 here: from here on they are stored times the loss scale. */
  kernel(
    'GlobalAveragePoolGrad',
    ({ dy }: { dy: TensorInfo }, { height, width }: { height: number; width: number }, backend) => {
      const [images, channels] = dy.shape as [number, number];
      const vector = widthOf(channels);
      const pixels = height * width;
      const dx = backend.allocateActivation([images, height, width, channels], backend.activationFormat === 'f16');
      backend.each(poolGradient, (images * pixels * channels) / vector, {
        reads: { ...operands({ dy }, vector), ...backend.enteringScale(dy, dx) },
        writes: operands({ dx }, vector),
        constants: { PIXELS: pixels, CHANNELS: channels / vector },
        multiplyAdds: images * pixels * channels,
      });
      return [dx];
    },
  ),

  kernel('DownsamplePad', ({ x }: { x: TensorInfo }, options: DownsamplePad, backend) => {
    const [images, height, width] = x.shape as [number, number, number];
    const y = backend.allocateActivation([images, Math.ceil(height / 2), Math.ceil(width / 2), options.channels]);
    const constants = downsampleConstants(x.shape, options);
    backend.each(downsample, util.sizeFromShape(y.shape), {
      reads: operands({ x }),
      writes: operands({ y }),
      constants,
    });
    return [y];
  }),

  kernel(
    'DownsamplePadGrad',
    ({ dy }: { dy: TensorInfo }, { inputShape, ...options }: DownsamplePad & { inputShape: number[] }, backend) => {
      const dx = backend.allocateActivation(inputShape, backend.stored(dy).scaled);
      const work = {
        reads: operands({ dy }),
        writes: operands({ dx }),
        constants: downsampleConstants(inputShape, options),
      };
      backend.each(downsampleGradient, util.sizeFromShape(inputShape), work);
      return [dx];
    },
  ),
];
