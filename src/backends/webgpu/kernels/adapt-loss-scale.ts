import { defaultThreads, type Operand, type WebgpuBackend } from '../backend.js';
import type { Shader } from '../shader.js';

/** Updates without an overflow after which the loss scale doubles. */
const growthInterval = 2000;
/** An upper bound: gradients that are all zero would double it for ever. */
const maxLossScale = 2 ** 24;

/** In a shader that reads `lossScale`: whether this update is skipped. */
export const isSkipped = 'lossScale_at(2) != 0 && lossScale_at(0) > 1';

/** Tests the exponent's bits: a compiler may take `x != x` for false. All threads that write write the same value. */
const notFinite: Shader = {
  name: 'LossScale/check',
  threads: defaultThreads,
  body: () => `
@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) group: vec3u) {
  let entry = group.x * ROW;
  for (var j = thread; j < table_at(entry + 1); j += THREADS) {
    let bits = bitcast<u32>(gradients_at(table_at(entry + 2) + j));
    if ((bits & 0x7f800000u) == 0x7f800000u) { lossScale_put(2, 1); }
  }
}`,
};

const adapt: Shader = {
  name: 'LossScale/adapt',
  threads: 1,
  body: () => `
@compute @workgroup_size(THREADS)
fn main() {
  let value = lossScale_at(0);
  let good = lossScale_at(1) + 1;
  if (lossScale_at(2) != 0) {
    lossScale_put(0, max(1, value / 2));
    lossScale_put(1, 0);
  } else if (good >= INTERVAL) {
    lossScale_put(0, min(MAX_SCALE, 2 * value));
    lossScale_put(1, 0);
  } else {
    lossScale_put(1, good);
  }
  lossScale_put(2, 0);
}`,
};

/** Runs before a float16 update; a row of the table begins with index, length and start of a stretch of gradients. */
export function checkGradients(
  backend: WebgpuBackend,
  reads: Record<'gradients' | 'table', Operand>,
  row: number,
  rows: number,
) {
  if (backend.activationFormat !== 'f16') return;
  const writes = { lossScale: { of: backend.lossScale.memory } };
  backend.run(notFinite, { reads, writes, constants: { ROW: row }, workgroups: rows });
}

/** Runs after a float16 update. */
export function adaptLossScale(backend: WebgpuBackend): void {
  if (backend.activationFormat !== 'f16') return;
  const constants = { INTERVAL: { f32: growthInterval }, MAX_SCALE: { f32: maxLossScale } };
  backend.run(adapt, { writes: { lossScale: { of: backend.lossScale.memory } }, constants, workgroups: 1 });
}
