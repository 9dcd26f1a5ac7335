import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { defaultThreads, maxWorkgroups, type Operand, type WebgpuBackend } from '../backend.js';
import type { Constants, Shader } from '../shader.js';
import { workgroupSum } from './workgroup-sum.js';

/** A filter's gradient that is postponed, and its parts [count, ...shape]. */
interface Waiting {
  gradient: TensorInfo;
  parts: TensorInfo;
  sum?: TensorInfo;
}

/** Gradients that wait for more, by the memory of their loss scale: one dispatch sums as many as a shader can bind. */
const waitingByScale = new WeakMap<object, Waiting[]>();

/** The gradient as the sum of `parts` [count, ...shape], divided by their loss scale. Takes over `parts`. */
export function sumOfParts(backend: WebgpuBackend, parts: TensorInfo): TensorInfo {
  const { lossScale } = backend.scaleOf(parts);
  const waiting = waitingByScale.get(lossScale.of) ?? [];
  waitingByScale.set(lossScale.of, waiting);
  const gradient = backend.postpone(parts.shape.slice(1), [parts], () => {
    if (!own.sum) {
      const all = waiting.splice(0).filter((one) => backend.refCount(one.parts.dataId) > 0); // not disposed of
      addUp(backend, all, lossScale);
      for (const one of all) if (one !== own) backend.stored(one.gradient);
    }
    return own.sum!;
  });
  const own: Waiting = { gradient, parts };
  waiting.push(own);
  backend.disposeData(parts.dataId); // freed once the gradient has been needed
  const bindings = backend.gpu.device.limits.maxStorageBuffersPerShaderStage;
  if (waiting.length >= Math.floor((bindings - 2) / 2)) backend.stored(gradient); // the two: loss scale and `stray`
  return gradient;
}

/** Sets `sum` of each. */
function addUp(backend: WebgpuBackend, all: Waiting[], lossScale: Operand): void {
  const reads: Record<string, Operand> = { lossScale };
  const writes: Record<string, Operand> = {};
  const constants: Constants = {};
  for (const [k, one] of all.entries()) {
    one.sum = backend.allocate(one.gradient.shape, backend.gradients);
    reads[`parts${k}`] = { of: one.parts };
    writes[`sum${k}`] = { of: one.sum };
    constants[`PARTS${k}`] = one.parts.shape[0]!;
    constants[`WEIGHTS${k}`] = util.sizeFromShape(one.gradient.shape);
  }
  const weights = Math.max(...all.map(({ gradient }) => util.sizeFromShape(gradient.shape)));
  backend.run(addParts(all.length), {
    reads,
    writes,
    constants,
    workgroups: [Math.min(maxWorkgroups, Math.ceil(weights / 16)), 1, all.length],
    multiplyAdds: all.reduce((sum, { parts }) => sum + util.sizeFromShape(parts.shape), 0),
  });
}

/** Sixteen threads per weight; a workgroup takes the weights of the gradient `group.z`, sixteen at a time. */
const addParts = (count: number): Shader => ({
  name: 'Conv2DBackpropFilter/sum',
  threads: defaultThreads,
  body: () => `
${workgroupSum('sums', 'f32')}
@compute @workgroup_size(THREADS)
fn main(
  @builtin(local_invocation_index) thread: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  ${Array.from({ length: count }, (_, k) => addPartsOf(k)).join('\n  ')}
}`,
});

const addPartsOf = (k: number) => `if (group.z == ${k}) {
    for (var first = group.x * 16; first < WEIGHTS${k}; first += groups.x * 16) {
      let weight = first + thread % 16;
      var sum = 0f;
      if (weight < WEIGHTS${k}) {
        for (var part = thread / 16; part < PARTS${k}; part += THREADS / 16) { sum += parts${k}_at(part * WEIGHTS${k} + weight); }
      }
      sums_of(thread, sum, 16);
      if (thread < 16 && weight < WEIGHTS${k}) { sum${k}_put(weight, sums[thread] / lossScale_at(0)); }
      workgroupBarrier();
    }
  }`;
