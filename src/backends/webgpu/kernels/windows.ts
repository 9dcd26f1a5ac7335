import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { requireShape } from '../../../ops/kernel.js';
import type { LrnWithinChannel } from '../../../ops/lrn-within-channel.js';
import { type Pool2D, type PoolInputs, pooledShape } from '../../../ops/pool2d.js';
import { defaultThreads, type Plain, type WebgpuBackend } from '../backend.js';
import { type Constants, elementwise, type Shader } from '../shader.js';
import { biasGradient } from './batch-norm.js';
import { kernel, operands, typeOf, widthOf } from './kernel.js';

/** WGSL: the position of element `i` of [N, height, width, C]; `at`: the index of an input pixel's channel. */
const place = (height: string, width: string) => `
    let c = i % CHANNELS;
    let column = i / CHANNELS % ${width};
    let row = i / CHANNELS / ${width} % ${height};
    let image = i / CHANNELS / ${width} / ${height};`;
const at =
  'fn at(image: u32, row: u32, column: u32, c: u32) -> u32 { return ((image * HEIGHT + row) * WIDTH + column) * CHANNELS + c; }';

const poolShader = (name: string, body: string): Shader => ({
  name,
  threads: defaultThreads,
  body: ({ HAS_BIAS }) => `
struct Largest { value: V, place: V }
${at}
fn activated(x: V, c: u32) -> V {
  let sum = x${HAS_BIAS ? ' + bias_at(c)' : ''};
  return select(sum, V(0), (sum < V(0)) & (V(RELU) > V(0)));
}
fn bottom(i: u32) -> u32 { return min(i * STRIDE + WINDOW, HEIGHT); }
fn right(j: u32) -> u32 { return min(j * STRIDE + WINDOW, WIDTH); }
fn largest(image: u32, i: u32, j: u32, c: u32) -> Largest {
  var found = Largest(x_at(at(image, i * STRIDE, j * STRIDE, c)), V(0));
  for (var row = i * STRIDE; row < bottom(i); row++) {
    for (var column = j * STRIDE; column < right(j); column++) {
      let x = x_at(at(image, row, column, c));
      let here = V(f32((row - i * STRIDE) * WINDOW + column - j * STRIDE));
      found.place = select(found.place, here, x > found.value);
      found.value = select(found.value, x, (x > found.value) | (x != x));
    }
  }
  return found;
}
${elementwise(body)()}`,
});

const pool = poolShader(
  'Pool2D',
  `${place('ROWS', 'COLUMNS')}
    if (MAX) {
      y_put(i, activated(largest(image, row, column, c).value, c));
      continue;
    }
    var sum = V(0);
    for (var r = row * STRIDE; r < bottom(row); r++) {
      for (var q = column * STRIDE; q < right(column); q++) { sum += activated(x_at(at(image, r, q, c)), c); }
    }
    y_put(i, sum / f32((bottom(row) - row * STRIDE) * (right(column) - column * STRIDE)));`,
);

/** Each pixel gathers from the windows that it is in. */
const poolGradient = poolShader(
  'Pool2DGrad',
  `${place('HEIGHT', 'WIDTH')}
    var sum = V(0);
    for (var r = (max(row + STRIDE, WINDOW) - WINDOW) / STRIDE; r <= row / STRIDE && r < ROWS; r++) {
      for (var q = (max(column + STRIDE, WINDOW) - WINDOW) / STRIDE; q <= column / STRIDE && q < COLUMNS; q++) {
        let g = dy_at(((image * ROWS + r) * COLUMNS + q) * CHANNELS + c);
        if (MAX) {
          let here = V(f32((row - r * STRIDE) * WINDOW + column - q * STRIDE));
          sum += select(V(0), g, largest(image, r, q, c).place == here);
        } else {
          sum += g / f32((bottom(r) - r * STRIDE) * (right(q) - q * STRIDE));
        }
      }
    }
    let kept = (activated(x_at(i), c) > V(0)) | (V(RELU) == V(0));
    dx_put(i, select(V(0), sum, kept) * lossScale_at(0));`,
);

/** Loops over the pixels around (row, column); `visit` has the index of each one's element in `other`. */
const around = (visit: string) => `
    for (var r = max(row, REACH) - REACH; r <= min(row + REACH, HEIGHT - 1); r++) {
      for (var q = max(column, REACH) - REACH; q <= min(column + REACH, WIDTH - 1); q++) {
        let other = at(image, r, q, c);
        ${visit}
      }
    }`;

const lrnShader = (name: string, body: string): Shader => ({
  name,
  threads: defaultThreads,
  body: () => `${at}
${elementwise(`${place('HEIGHT', 'WIDTH')}${body}`)()}`,
});

const scaleHere = `
    var squares = V(0);${around('squares += x_at(other) * x_at(other);')}
    let s = 1 + ALPHA * squares;`;
const lrn = lrnShader('LrnWithinChannel', `${scaleHere}\n    y_put(i, x_at(i) * pow(s, V(-BETA)));`);
/** Writes s and the terms of the sum over the window. */
const lrnTerms = lrnShader(
  'LrnWithinChannelGrad/terms',
  `${scaleHere}
    s_put(i, s);
    terms_put(i, dy_at(i) * x_at(i) * pow(s, V(-BETA - 1)));`,
);
const lrnGradient = lrnShader(
  'LrnWithinChannelGrad',
  `
    var sum = V(0);${around('sum += terms_at(other);')}
    dx_put(i, dy_at(i) * pow(s_at(i), V(-BETA)) - 2 * ALPHA * BETA * x_at(i) * sum);`,
);

/** Ops over windows of pixels, and the change of shape between them and the last layer. */
export const windowKernels = [
  kernel('Pool2D', ({ x, bias }: PoolInputs, options: Pool2D, backend) => {
    requireShape(x.shape.slice(-1), { bias });
    const vector = widthOf(x.shape[3]!);
    const y = backend.allocateActivation(pooledShape(x.shape, options));
    backend.each(pool, util.sizeFromShape(y.shape) / vector, {
      reads: operands({ x, bias }, vector),
      writes: operands({ y }, vector),
      constants: poolConstants(x, bias, options),
      multiplyAdds: util.sizeFromShape(x.shape),
    });
    return [y];
  }),

  /** If dy is plain float32, gradients become float16 here: from here on they are stored times the loss scale. */
  kernel('Pool2DGrad', ({ dy, x, bias }: PoolInputs & { dy: TensorInfo }, options: Pool2D, backend) => {
    requireShape(x.shape.slice(-1), { bias });
    requireShape(pooledShape(x.shape, options), { dy });
    const vector = widthOf(x.shape[3]!);
    const { format, scaled } = backend.stored(dy);
    const dx = backend.allocateActivation(x.shape, scaled || (format === 'f32' && backend.activationFormat === 'f16'));
    backend.each(poolGradient, util.sizeFromShape(x.shape) / vector, {
      reads: { ...operands({ dy, x, bias }, vector), ...backend.enteringScale(dy, dx) },
      writes: operands({ dx }, vector),
      constants: poolConstants(x, bias, options),
      multiplyAdds: util.sizeFromShape(x.shape),
    });
    return bias ? [dx, biasGradient(dx, backend)] : [dx];
  }),

  kernel('LrnWithinChannel', ({ x }: { x: TensorInfo }, options: LrnWithinChannel, backend) => {
    const y = backend.allocateActivation(x.shape);
    runLrn(lrn, x, options, { reads: { x }, writes: { y } }, backend);
    return [y];
  }),

  kernel('LrnWithinChannelGrad', ({ dy, x }: Record<'dy' | 'x', TensorInfo>, options: LrnWithinChannel, backend) => {
    requireShape(x.shape, { dy });
    const dx = backend.allocateActivation(x.shape, backend.stored(dy).scaled);
    const count = util.sizeFromShape(x.shape);
    backend.scratch('f32', count, (s) =>
      backend.scratch('f32', count, (terms) => {
        runLrn(lrnTerms, x, options, { reads: { dy, x }, writes: { s, terms } }, backend);
        runLrn(lrnGradient, x, options, { reads: { dy, x, s, terms }, writes: { dx } }, backend);
      }),
    );
    return [dx];
  }),

  kernel('Reshape', ({ x }: { x: TensorInfo }, { shape }: { shape: number[] }, backend) => {
    if (util.sizeFromShape(shape) !== util.sizeFromShape(x.shape))
      throw new Error(`[${x.shape}] does not have the shape [${shape}]`);
    return { ...backend.retain(x), shape };
  }),
];

function poolConstants({ shape }: TensorInfo, bias: TensorInfo | undefined, options: Pool2D): Constants {
  const [, height, width, channels] = shape as [number, number, number, number];
  const [, rows, columns] = pooledShape(shape, options) as [number, number, number];
  const vector = widthOf(channels);
  return {
    ...{ HEIGHT: height, WIDTH: width, ROWS: rows, COLUMNS: columns, CHANNELS: channels / vector },
    ...{ WINDOW: options.window, STRIDE: options.stride, MAX: options.kind === 'max', HAS_BIAS: bias !== undefined },
    ...{ RELU: { f32: options.relu ? 1 : 0 }, V: typeOf(vector) },
  };
}

function runLrn(
  shader: Shader,
  { shape }: TensorInfo,
  { size, alpha, beta }: LrnWithinChannel,
  work: Record<'reads' | 'writes', Record<string, TensorInfo | Plain>>,
  backend: WebgpuBackend,
): void {
  const [, height, width, channels] = shape as [number, number, number, number];
  const vector = widthOf(channels);
  const sized = (tensors: Record<string, TensorInfo | Plain>) =>
    Object.fromEntries(Object.entries(tensors).map(([name, of]) => [name, { of, width: vector }]));
  backend.each(shader, util.sizeFromShape(shape) / vector, {
    reads: sized(work.reads),
    writes: sized(work.writes),
    constants: {
      ...{ HEIGHT: height, WIDTH: width, CHANNELS: channels / vector, REACH: (size - 1) / 2, V: typeOf(vector) },
      ...{ ALPHA: { f32: alpha / size ** 2 }, BETA: { f32: beta } },
    },
    multiplyAdds: size ** 2 * util.sizeFromShape(shape),
  });
}
