import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { requireShape, type Shape4D } from '../../../ops/kernel.js';
import type { WebgpuBackend } from '../backend.js';
import type { Constants, Shader } from '../shader.js';
import { sumOfParts } from './filter-sums.js';
import { kernel, operands, requireSameScale, typeOf, widthOf } from './kernel.js';
import { matrixProduct, type Operands, type Tile } from './matrix-product.js';
import { subgroupMatrixProduct } from './subgroup-matrix.js';

interface Attributes {
  strides: [number, number] | number;
  pad: 'valid' | 'same' | number;
  dataFormat?: 'NHWC' | 'NCHW';
  dilations?: [number, number] | number;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** The sizes of a convolution; `from` and `to` are channels. */
interface Sizes {
  images: number;
  height: number;
  width: number;
  from: number;
  outHeight: number;
  outWidth: number;
  to: number;
  taps: number;
  filterWidth: number;
  stride: number;
  top: number;
  left: number;
}

function sizesOf(x: number[], filter: number[], attributes: Attributes): Sizes {
  const { strides, pad, dilations = 1, dimRoundingMode, dataFormat = 'NHWC' } = attributes;
  if (dataFormat !== 'NHWC') throw new Error(`the webgpu backend convolves NHWC, not ${dataFormat}`);
  const info = backend_util.computeConv2DInfo(
    x as Shape4D,
    filter as Shape4D,
    strides,
    dilations,
    pad,
    dimRoundingMode,
  );
  if (info.strideHeight !== info.strideWidth || info.dilationHeight !== 1 || info.dilationWidth !== 1)
    throw new Error('the webgpu backend convolves with one stride for both axes and without dilation');
  return {
    images: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    from: info.inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    to: info.outChannels,
    taps: info.filterHeight * info.filterWidth,
    filterWidth: info.filterWidth,
    stride: info.strideHeight,
    top: info.padInfo.top,
    left: info.padInfo.left,
  };
}

/** The sizes by the names that the shaders use. */
function constantsOf(s: Sizes): Constants {
  return {
    HEIGHT: s.height,
    WIDTH: s.width,
    FROM: s.from,
    OUT_HEIGHT: s.outHeight,
    OUT_WIDTH: s.outWidth,
    TO: s.to,
    TAPS: s.taps,
    FILTER_WIDTH: s.filterWidth,
    STRIDE: s.stride,
    TOP: s.top,
    LEFT: s.left,
    PIXELS: s.images * s.height * s.width,
    OUT_PIXELS: s.images * s.outHeight * s.outWidth,
  };
}

/** Output pixels x channels, over the taps. Its shared memory stays below the 16 KiB that WebGPU guarantees. */
function pixelTile(channels: number): Tile {
  if (channels <= 16) return { rows: 256, columns: 16, depth: 8, split: 1 };
  if (channels <= 32) return { rows: 128, columns: 32, depth: 16, split: 1 };
  return { rows: 128, columns: 64, depth: 16, split: 1 };
}

/** Rows of the filter (tap and input channel) x output channels, over the pixels. */
function filterTile(channels: number): Tile {
  if (channels <= 16) return { rows: 64, columns: 16, depth: 32, split: 4 };
  if (channels <= 32) return { rows: 64, columns: 32, depth: 32, split: 2 };
  return { rows: 64, columns: 64, depth: 32, split: 1 };
}

/** Partial sums of a filter's gradient, at most: 8 MiB. */
const maxPartialSums = 2 ** 21;

/** WGSL: `name(...)`, a vec4: `value(0)` itself if `width` is 4, else the scalars value(0) to value(3). */
function vector(name: string, parameters: string, width: 1 | 4, value: (j: number) => string): string {
  const values = width === 4 ? value(0) : `vec4<f32>(${[0, 1, 2, 3].map(value).join(', ')})`;
  return `fn ${name}(${parameters}) -> vec4<f32> { return ${values}; }`;
}

/** WGSL: `store` for a tensor [rows, columns]; `plus`: WGSL added to the value at index `at`. */
function store(name: string, rows: string, columns: string, width: 1 | 4, { first = '0', plus = '' } = {}): string {
  const put = (at: string, value: string) => `let at = ${at}; ${name}_put(at, ${value}${plus});`;
  const each = `for (var j = 0u; j < min(4, ${columns} - column); j++) { ${put('i + j', 'v[j]')} }`;
  return `fn store(row: u32, column: u32, part: u32, v: vec4<f32>) {
  if (row >= ${rows} || column >= ${columns}) { return; }
  let i = ${first} + row * ${columns} + column;
  ${width === 4 ? put('i / 4', 'v') : each}
}`;
}

/** WGSL: `x_at_tap(pixel, tap, channel)`, the input under a tap of the filter at an output pixel. */
const underTap = (width: 1 | 4) => `
fn x_at_tap(pixel: u32, tap: u32, channel: u32) -> ${typeOf(width)} {
  let row = i32(pixel / OUT_WIDTH % OUT_HEIGHT * STRIDE + tap / FILTER_WIDTH) - i32(TOP);
  let column = i32(pixel % OUT_WIDTH * STRIDE + tap % FILTER_WIDTH) - i32(LEFT);
  if (pixel >= OUT_PIXELS || tap >= TAPS || row < 0 || row >= i32(HEIGHT) || column < 0 || column >= i32(WIDTH)) {
    return ${typeOf(width)}(0);
  }
  let image = pixel / (OUT_WIDTH * OUT_HEIGHT);
  return x_at((((image * HEIGHT + u32(row)) * WIDTH + u32(column)) * FROM + channel) / ${width});
}`;

/** y [output pixels, to] = x under the taps [output pixels, taps x from] filter [taps x from, to]. */
function forward(x: 1 | 4, y: 1 | 4): Operands {
  return {
    aAlong: 'depth',
    functions: () => `
fn depth_start(z: u32) -> u32 { return 0; }
fn depth_end(z: u32) -> u32 { return TAPS * FROM; }
${underTap(x)}
${vector('load_a', 'row: u32, k: u32', x, (j) => `x_at_tap(row, (k + ${j}) / FROM, (k + ${j}) % FROM)`)}
fn weight(k: u32, column: u32) -> ${typeOf(y)} {
  if (k >= TAPS * FROM || column >= TO) { return ${typeOf(y)}(0); }
  return weights_at((k * TO + column) / ${y});
}
${vector('load_b', 'k: u32, column: u32', y, (j) => `weight(k, column + ${j})`)}
${store('y', 'OUT_PIXELS', 'TO', y)}`,
  };
}

/** dx [pixels, from] = dy over the taps [pixels, taps x to] filter [taps x to, from], channels swapped; + `addend`. */
function inputGradient(dy: 1 | 4, dx: 1 | 4, adds: boolean): Operands {
  return {
    aAlong: 'depth',
    functions: () => `
fn depth_start(z: u32) -> u32 { return 0; }
fn depth_end(z: u32) -> u32 { return TAPS * TO; }
fn dy_at_tap(pixel: u32, tap: u32, channel: u32) -> ${typeOf(dy)} {
  let row = i32(pixel / WIDTH % HEIGHT + TOP) - i32(tap / FILTER_WIDTH);
  let column = i32(pixel % WIDTH + LEFT) - i32(tap % FILTER_WIDTH);
  let between = row % i32(STRIDE) != 0 || column % i32(STRIDE) != 0;
  if (pixel >= PIXELS || tap >= TAPS || row < 0 || column < 0 || between) { return ${typeOf(dy)}(0); }
  let out_row = u32(row) / STRIDE;
  let out_column = u32(column) / STRIDE;
  if (out_row >= OUT_HEIGHT || out_column >= OUT_WIDTH) { return ${typeOf(dy)}(0); }
  let image = pixel / (WIDTH * HEIGHT);
  return dy_at((((image * OUT_HEIGHT + out_row) * OUT_WIDTH + out_column) * TO + channel) / ${dy});
}
${vector('load_a', 'row: u32, k: u32', dy, (j) => `dy_at_tap(row, (k + ${j}) / TO, (k + ${j}) % TO)`)}
fn weight(k: u32, column: u32) -> f32 {
  if (k >= TAPS * TO || column >= FROM) { return 0; }
  return weights_at((k / TO * FROM + column) * TO + k % TO);
}
${vector('load_b', 'k: u32, column: u32', 1, (j) => `weight(k, column + ${j})`)}
${store('dx', 'PIXELS', 'FROM', dx, { plus: adds ? ' + addend_at(at)' : '' })}`,
  };
}

/** dFilter [taps x from, to] = (x under the taps)' [taps x from, output pixels] dy [output pixels, to], in parts. */
function filterGradient(x: 1 | 4, dy: 1 | 4): Operands {
  return {
    aAlong: 'rows',
    functions: () => `
fn depth_start(z: u32) -> u32 { return z * SHARE; }
fn depth_end(z: u32) -> u32 { return min((z + 1) * SHARE, OUT_PIXELS); }
${underTap(x)}
${vector('load_a', 'row: u32, k: u32', x, (j) => `x_at_tap(k, (row + ${j}) / FROM, (row + ${j}) % FROM)`)}
fn gradient(k: u32, column: u32) -> ${typeOf(dy)} {
  if (k >= OUT_PIXELS || column >= TO) { return ${typeOf(dy)}(0); }
  return dy_at((k * TO + column) / ${dy});
}
${vector('load_b', 'k: u32, column: u32', dy, (j) => `gradient(k, column + ${j})`)}
${store('parts', 'TAPS * FROM', 'TO', dy, { first: 'part * TAPS * FROM * TO' })}`,
  };
}

/** On matrix units if the backend uses them. */
function product(backend: WebgpuBackend, name: string, tile: Tile, operands: Operands): Shader {
  const full = `${name} ${tile.columns}`;
  if (backend.subgroups) return subgroupMatrixProduct(full, tile, operands, backend.subgroups);
  return matrixProduct(full, tile, operands);
}

export const convolutionKernels = [
  kernel('Conv2D', ({ x, filter }: Record<'x' | 'filter', TensorInfo>, attributes: Attributes, backend) => {
    const sizes = sizesOf(x.shape, filter.shape, attributes);
    const [narrow, wide] = [widthOf(sizes.from), widthOf(sizes.to)];
    const tile = pixelTile(sizes.to);
    const y = backend.allocateActivation([sizes.images, sizes.outHeight, sizes.outWidth, sizes.to]);
    backend.run(product(backend, 'Conv2D', tile, forward(narrow, wide)), {
      reads: { x: { of: x, width: narrow }, weights: { of: filter, width: wide } },
      writes: operands({ y }, wide),
      ...workOf(sizes, tile, sizes.images * sizes.outHeight * sizes.outWidth, sizes.to),
    });
    return y;
  }),

  /** Postponed, so that the gradient of a shortcut can be added as it is written. */
  kernel(
    'Conv2DBackpropInput',
    (
      { dy, filter }: Record<'dy' | 'filter', TensorInfo>,
      { inputShape, ...attributes }: Attributes & { inputShape: number[] },
      backend,
    ) => {
      const sizes = sizesOf(inputShape, filter.shape, attributes);
      requireShape([sizes.images, sizes.outHeight, sizes.outWidth, sizes.to], { dy });
      const [narrow, wide] = [widthOf(sizes.from), widthOf(sizes.to)];
      const tile = pixelTile(sizes.from);
      const { scaled } = backend.stored(dy);
      return backend.postpone(inputShape, [dy, filter], (addend) => {
        if (addend) requireSameScale(scaled, backend.stored(addend).scaled);
        const name = `Conv2DBackpropInput${addend ? '+Add' : ''}`;
        const dx = backend.allocateActivation(inputShape, scaled);
        backend.run(product(backend, name, tile, inputGradient(wide, narrow, !!addend)), {
          reads: { dy: { of: dy, width: wide }, weights: { of: filter }, ...operands({ addend }, narrow) },
          writes: operands({ dx }, narrow),
          ...workOf(sizes, tile, sizes.images * sizes.height * sizes.width, sizes.from),
        });
        return dx;
      });
    },
  ),

  kernel(
    'Conv2DBackpropFilter',
    (
      { x, dy }: Record<'x' | 'dy', TensorInfo>,
      { filterShape, ...attributes }: Attributes & { filterShape: number[] },
      backend,
    ) => {
      const sizes = sizesOf(x.shape, filterShape, attributes);
      requireShape([sizes.images, sizes.outHeight, sizes.outWidth, sizes.to], { dy });
      const [narrow, wide] = [widthOf(sizes.from), widthOf(sizes.to)];
      const tile = filterTile(sizes.to);
      const weights = util.sizeFromShape(filterShape);
      const split = backend.subgroups ? 1 : tile.split;
      const { share, groups } = shares(sizes, tile.depth, weights * split);
      const count = groups * split;
      const [region, { scaled }] = [backend.pool.take(4 * count * weights), backend.stored(dy)];
      const parts = backend.hold([count, ...filterShape], { region, format: 'f32', scaled });
      const work = workOf(sizes, tile, weights / sizes.to, sizes.to, groups);
      backend.run(product(backend, 'Conv2DBackpropFilter/parts', tile, filterGradient(narrow, wide)), {
        ...work,
        reads: { x: { of: x, width: narrow }, dy: { of: dy, width: wide } },
        writes: operands({ parts }, wide),
        constants: { ...work.constants, SHARE: share },
      });
      return sumOfParts(backend, parts);
    },
  ),
];

/** Workgroups and constants of a product with that many rows and columns. */
function workOf(sizes: Sizes, tile: Tile, rows: number, columns: number, groups = 1) {
  return {
    constants: constantsOf(sizes),
    workgroups: [Math.ceil(rows / tile.rows), Math.ceil(columns / tile.columns), groups] as [number, number, number],
    multiplyAdds: sizes.images * sizes.outHeight * sizes.outWidth * sizes.to * sizes.taps * sizes.from,
  };
}

/** How many output pixels a workgroup takes, and the resulting number of workgroups, if each leaves `sums` sums. */
function shares({ images, outHeight, outWidth }: Sizes, depth: number, sums: number) {
  const steps = Math.ceil((images * outHeight * outWidth) / depth);
  const maxGroups = Math.max(1, Math.floor(maxPartialSums / sums));
  const share = Math.ceil(steps / Math.min(maxGroups, Math.ceil(steps / 8))) * depth;
  return { share, groups: Math.ceil((steps * depth) / share) };
}
