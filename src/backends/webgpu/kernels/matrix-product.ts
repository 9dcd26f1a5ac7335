import type { Shader } from '../shader.js';

/**
 * How a workgroup computes its tile of C [rows, columns] = A [rows, depth] B [depth, columns]: stretch by stretch of
 * the depth, it loads what it needs of A and B into the memory that its threads share; each thread keeps eight rows of
 * four columns in registers.
 */
export interface Tile {
  /** Size of a workgroup's tile of C. */
  rows: number;
  columns: number;
  /** Length of a stretch of the depth. */
  depth: number;
  /** Threads that share a part of the tile: each takes every `split`-th step of the depth and keeps its own sums. */
  split: number;
}

/** A thread's part of C. */
const threadRows = 8;
const threadColumns = 4;

export function threadsOf({ rows, columns, split }: Tile): number {
  return (rows / threadRows) * (columns / threadColumns) * split;
}

/** Where a product takes its matrices from, and where it leaves the result. */
export interface Operands {
  /** The direction of A's vectors. */
  aAlong: 'depth' | 'rows';
  /**
   * WGSL, built only when a pipeline is made: `load_a(row, k) -> vec4<f32>`, four values of A along `aAlong`, and
   * `load_b(k, column) -> vec4<f32>`, four along the columns, with zeros outside;
   * `store(row, column, part, vec4<f32>)`, four columns of C. `k` goes from `depth_start(group)` to `depth_end(group)`.
   */
  functions(): string;
}

/** The shader of a tiled matrix product. */
export function matrixProduct(name: string, tile: Tile, { aAlong, functions }: Operands): Shader {
  const threads = threadsOf(tile);
  const { rows, columns, depth, split } = tile;
  const accumulators = Array.from({ length: threadRows }, (_, r) => r);
  return {
    name,
    threads,
    body: () => `
${functions()}
const ROWS = ${rows}u;
const COLUMNS = ${columns}u;
const DEPTH = ${depth}u;
var<workgroup> a_tile: array<vec4<f32>, ${(depth * rows) / 4}>; // [DEPTH][ROWS / 4]
var<workgroup> b_tile: array<vec4<f32>, ${(depth * columns) / 4}>; // [DEPTH][COLUMNS / 4]
@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) group: vec3u) {
  let first_row = group.x * ROWS;
  let first_column = group.y * COLUMNS;
  let part = thread / ${threads / split}u;
  let place = thread % ${threads / split}u;
  let row = place / ${columns / threadColumns}u * 2; // in vectors
  let column = place % ${columns / threadColumns}u;
  ${accumulators.map((r) => `var c${r} = vec4<f32>(0);`).join(' ')}
  for (var start = depth_start(group.z); start < depth_end(group.z); start += DEPTH) {
    ${aAlong === 'depth' ? loadTransposed(rows, depth) : loadStraight(rows, depth)}
    for (var i = thread; i < ${(depth * columns) / 4}u; i += THREADS) {
      b_tile[i] = load_b(start + i / (COLUMNS / 4), first_column + i % (COLUMNS / 4) * 4);
    }
    workgroupBarrier();
    for (var k = part; k < DEPTH; k += ${split}u) {
      let low = a_tile[k * (ROWS / 4) + row];
      let high = a_tile[k * (ROWS / 4) + row + 1];
      let b = b_tile[k * (COLUMNS / 4) + column];
      ${accumulators.map((r) => `c${r} = fma(vec4<f32>(${r < 4 ? 'low' : 'high'}.${'xyzw'[r % 4]}), b, c${r});`).join('\n      ')}
    }
    workgroupBarrier();
  }
  ${accumulators.map((r) => `store(first_row + row * 4 + ${r}, first_column + column * 4, group.z * ${split}u + part, c${r});`).join('\n  ')}
}`,
  };
}

/** A's vectors run along the depth: four of them are transposed into four along the rows. */
function loadTransposed(rows: number, depth: number): string {
  return `for (var i = thread; i < ${(depth / 4) * (rows / 4)}u; i += THREADS) {
      let quad = i % (ROWS / 4);
      let k = i / (ROWS / 4) * 4;
      let a = mat4x4<f32>(${[0, 1, 2, 3].map((r) => `load_a(first_row + quad * 4 + ${r}, start + k)`).join(', ')});
      let t = transpose(a);
      for (var j = 0u; j < 4; j++) { a_tile[(k + j) * (ROWS / 4) + quad] = t[j]; }
    }`;
}

function loadStraight(rows: number, depth: number): string {
  return `for (var i = thread; i < ${(depth * rows) / 4}u; i += THREADS) {
      a_tile[i] = load_a(first_row + i % (ROWS / 4) * 4, start + i / (ROWS / 4));
    }`;
}
