import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { normOffset } from '../../../ops/clip-by-global-norm.js';
import { defaultThreads } from '../backend.js';
import type { Shader } from '../shader.js';
import { kernel } from './kernel.js';
import { tableOf, whole } from './update.js';
import { workgroupSum } from './workgroup-sum.js';

/** The sum of squares of each stretch of a gradient. */
const squares: Shader = {
  name: 'ClipByGlobalNorm/squares',
  threads: defaultThreads,
  body: () => `
${workgroupSum('sums', 'f32')}
@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) group: vec3u) {
  var sum = 0f;
  for (var j = thread; j < table_at(3 * group.x + 1); j += THREADS) {
    let g = gradients_at(table_at(3 * group.x + 2) + j);
    sum += g * g;
  }
  sums_of(thread, sum, 1);
  if (thread == 0) { partial_put(group.x, sums[0]); }
}`,
};

/** One thread suffices: the table of a ResNet-56 has about a thousand stretches. */
const factor: Shader = {
  name: 'ClipByGlobalNorm/factor',
  threads: 1,
  body: () => `
@compute @workgroup_size(THREADS)
fn main() {
  var sum = 0f;
  for (var group = 0u; group < GROUPS; group++) { sum += partial_at(group); }
  factor_put(0, min(1, MAX_NORM / (sqrt(sum) + OFFSET)));
}`,
};

const scale: Shader = {
  name: 'ClipByGlobalNorm/scale',
  threads: defaultThreads,
  body: () => `
@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) group: vec3u) {
  for (var j = thread; j < table_at(3 * group.x + 1); j += THREADS) {
    let at = table_at(3 * group.x + 2) + j;
    gradients_put(at, factor_at(0) * gradients_at(at));
  }
}`,
};

/** In place: all gradients are in one arena. */
export const clipKernel = kernel(
  'ClipByGlobalNorm',
  (given: TensorInfo[], { maxNorm }: { maxNorm: number }, backend) => {
    const gradients = given.map((g) => backend.inArena(g, backend.gradients, backend.stored(g).refCount > 1));
    const table = tableOf(backend, [gradients]);
    const groups = table.length / 3;
    const arena = { of: whole(backend.gradients.buffer) };
    const multiplyAdds = gradients.reduce((sum, g) => sum + util.sizeFromShape(g.shape), 0);
    backend.scratch('u32', table.length, (tableMemory) =>
      backend.scratch('f32', groups, (partialMemory) =>
        backend.scratch('f32', 1, (factorMemory) => {
          const [stretches, partial, one] = [tableMemory, partialMemory, factorMemory].map((of) => ({ of }));
          backend.commands.write(tableMemory.region, table);
          const sums = { reads: { gradients: arena, table: stretches! }, writes: { partial: partial! } };
          backend.run(squares, { ...sums, workgroups: groups, multiplyAdds });
          const constants = { GROUPS: groups, MAX_NORM: { f32: maxNorm }, OFFSET: { f32: normOffset } };
          backend.run(factor, { reads: { partial: partial! }, writes: { factor: one! }, constants, workgroups: 1 });
          const reads = { table: stretches!, factor: one! };
          backend.run(scale, { reads, writes: { gradients: arena }, workgroups: groups, multiplyAdds });
        }),
      ),
    );
    return gradients;
  },
);
