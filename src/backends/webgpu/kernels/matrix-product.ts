import type { Shader } from '../shader.js';

/**
 * How a workgroup goes about C [rows, columns] = A [rows, depth] B [depth, columns]: it computes a tile of it, loading as
 * much of A and B as a stretch of the depth needs into the memory that its threads share; each thread keeps eight rows of
 * four columns in registers.
 */
export interface Tile {
  /** Of C, for a workgroup. */
  rows: number;
  columns: number;
  /** Of the depth, at a time. */
  depth: number;
  /** Threads that each take every `split`-th step of the depth for the same part of the tile, and do not add up. */
  split: number;
}

/** Of C, for a thread. */
const threadRows = 8;
const threadColumns = 4;

export function threadsOf({ rows, columns, split }: Tile): number {
  return (rows / threadRows) * (columns / threadColumns) * split;
}

/** Where a product takes its matrices from, and where it leaves the result. */
export interface Operands {
  /** Which way the vectors of A lie. */
  aAlong: 'depth' | 'rows';
  /**
   * WGSL, put together only when a pipeline is made: `load_a(row, k) -> vec4<f32>`, four values of A along `aAlong`, and `load_b(k, column) -> vec4<f32>`, four along the
   * columns, with zeros outside; `store(row, column, part, vec4<f32>)`, four columns of C. `k` goes from `depth_start(group)`
   * to `depth_end(group)`.
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

/** A's vectors lie along the depth: four of them are turned into four along the rows. */
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
