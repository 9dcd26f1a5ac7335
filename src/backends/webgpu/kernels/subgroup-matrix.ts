/// <reference types="@webgpu/types" />
import type { Gpu } from '../gpu.js';
import type { Shader } from '../shader.js';
import { type Operands, type Tile, threadsOf } from './matrix-product.js';

/** Rows, columns and depth that a subgroup multiplies at once on matrix units, in float16 with float32 sums. */
const side = 16;

/** Info on an adapter with matrix units; dawn's own, not yet in the types of WebGPU. */
interface MatrixInfo {
  subgroupMinSize: number;
  subgroupMaxSize: number;
  subgroupMatrixConfigs?: Iterable<
    Record<'M' | 'N' | 'K', number> & Record<'componentType' | 'resultComponentType', string>
  >;
}

/** The subgroups that multiply matrices; `fixed`: the shader has to ask for that size, since the device has several. */
export interface Subgroups {
  size: number;
  fixed: boolean;
}

/** The subgroups of a device that multiplies 16 x 16 float16 matrices with float32 sums; undefined: it does not. */
export function matrixSubgroups({ device: { features }, info }: Pick<Gpu, 'device' | 'info'>): Subgroups | undefined {
  if (!features.has('chromium-experimental-subgroup-matrix') || !features.has('shader-f16')) return undefined;
  const { subgroupMinSize: min, subgroupMaxSize: max, subgroupMatrixConfigs = [] } = info as unknown as MatrixInfo;
  const fits = [...subgroupMatrixConfigs].some(
    ({ M, N, K, componentType, resultComponentType }) =>
      M === side && N === side && K === side && componentType === 'f16' && resultComponentType === 'f32',
  );
  if (!fits) return undefined;
  if (min === max) return { size: max, fixed: false };
  if (!features.has('subgroup-size-control' as GPUFeatureName)) return undefined;
  return { size: Math.max(min, Math.min(32, max)), fixed: true };
}

/**
 * `matrixProduct` on matrix units, with the same tile and operands: A and B are rounded to float16. Each subgroup keeps
 * its share of the 16 x 16 pieces of the tile, and stores them by way of the memory that the threads share.
 */
export function subgroupMatrixProduct(name: string, tile: Tile, operands: Operands, subgroups: Subgroups): Shader {
  const { rows, columns } = tile;
  const threads = threadsOf(tile);
  const count = threads / subgroups.size;
  const pieces = ((rows / side) * (columns / side)) / count;
  if (!Number.isInteger(pieces))
    throw new Error(`a tile of ${rows} x ${columns} has no whole pieces for ${count} subgroups`);
  const own = Array.from({ length: pieces }, (_, p) => p);
  const straight = operands.aAlong === 'rows'; // A is stored as [depth][rows], else as [rows][depth]
  const left = straight
    ? `subgroupMatrixLoad<Left, col_major>(&a_tile, piece_row(p) * ${side}, ROWS)`
    : `subgroupMatrixLoad<Left, row_major>(&a_tile, piece_row(p) * ${side} * DEPTH, DEPTH)`;
  return {
    name: `${name} matrix`,
    threads,
    extensions: [
      ...['f16', 'subgroups', 'chromium_experimental_subgroup_matrix'],
      ...(subgroups.fixed ? ['subgroup_size_control'] : []),
    ],
    body: () => `
${operands.functions()}
alias Left = subgroup_matrix_left<f16, ${side}, ${side}>;
alias Right = subgroup_matrix_right<f16, ${side}, ${side}>;
alias Result = subgroup_matrix_result<f32, ${side}, ${side}>;
const ROWS = ${rows}u;
const COLUMNS = ${columns}u;
const DEPTH = ${side}u;
fn piece_row(p: u32) -> u32 { return p / (COLUMNS / ${side}); }
fn piece_column(p: u32) -> u32 { return p % (COLUMNS / ${side}); }
var<workgroup> a_tile: array<f16, ${rows * side}>;
var<workgroup> b_tile: array<f16, ${side * columns}>; // [DEPTH][COLUMNS]
var<workgroup> c_tile: array<f32, ${count * side * side}>; // a piece of each subgroup
@compute @workgroup_size(THREADS)${subgroups.fixed ? ` @subgroup_size(${subgroups.size})` : ''}
fn main(
  @builtin(local_invocation_index) thread: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let first_row = group.x * ROWS;
  let first_column = group.y * COLUMNS;
  ${own.map((o) => `var c${o} = Result();`).join(' ')}
  for (var start = depth_start(group.z); start < depth_end(group.z); start += DEPTH) {
    for (var i = thread; i < ${(rows * side) / 4}u; i += THREADS) {
      let at = i * 4;
      let a = load_a(${straight ? 'first_row + at % ROWS, start + at / ROWS' : 'first_row + at / DEPTH, start + at % DEPTH'});
      for (var j = 0u; j < 4; j++) { a_tile[at + j] = f16(a[j]); }
    }
    for (var i = thread; i < ${(side * columns) / 4}u; i += THREADS) {
      let at = i * 4;
      let b = load_b(start + at / COLUMNS, first_column + at % COLUMNS);
      for (var j = 0u; j < 4; j++) { b_tile[at + j] = f16(b[j]); }
    }
    workgroupBarrier();
    ${own
      .map(
        (o) => `{
      let p = subgroup * ${pieces} + ${o};
      let b = subgroupMatrixLoad<Right, row_major>(&b_tile, piece_column(p) * ${side}, COLUMNS);
      c${o} = subgroupMatrixMultiplyAccumulate(${left}, b, c${o});
    }`,
      )
      .join('\n    ')}
    workgroupBarrier();
  }
  ${own
    .map(
      (o) => `{
    let p = subgroup * ${pieces} + ${o};
    subgroupMatrixStore<row_major>(&c_tile, subgroup * ${side * side}, c${o}, ${side});
    workgroupBarrier();
    for (var i = lane * 4; i < ${side * side}; i += ${subgroups.size} * 4) {
      let at = subgroup * ${side * side} + i;
      store(first_row + piece_row(p) * ${side} + i / ${side}, first_column + piece_column(p) * ${side} + i % ${side}, group.z,
        vec4<f32>(c_tile[at], c_tile[at + 1], c_tile[at + 2], c_tile[at + 3]));
    }
    workgroupBarrier();
  }`,
    )
    .join('\n  ')}
}`,
  };
}
