/// <reference types="@webgpu/types" />
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { AdamUpdate } from '../../../ops/adam-update.js';
import { splitInto } from '../../../ops/kernel.js';
import type { SgdUpdate } from '../../../ops/sgd-update.js';
import { defaultThreads, type Plain, type WebgpuBackend } from '../backend.js';
import type { Shader } from '../shader.js';
import { adaptLossScale, checkGradients, isSkipped } from './adapt-loss-scale.js';
import { kernel } from './kernel.js';

/** Values updated per workgroup. */
const share = 4 * defaultThreads;

/**
 * One dispatch updates all parameters: they and the optimizer's state are in one arena, their gradients in another. A
 * table gives each workgroup a stretch: index of the parameter, number of values, then where it starts in each tensor.
 */
const update = (name: string, states: string[], body: string): Shader => ({
  name,
  threads: defaultThreads,
  body: () => `
@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) group: vec3u) {
  if (${isSkipped}) { return; }
  let entry = group.x * ${3 + 1 + states.length};
  let parameter = table_at(entry);
  let count = table_at(entry + 1);
  for (var j = thread; j < count; j += THREADS) {
    let at = table_at(entry + 3) + j;
    let p = variables_at(at);
    let g = gradients_at(table_at(entry + 2) + j);
    ${states.map((state, s) => `let at_${state} = table_at(entry + ${4 + s}) + j; let ${state} = variables_at(at_${state});`).join('\n    ')}
    ${body}
  }
}`,
});

/** rates: LR, momentum and weight decay of each parameter. */
const sgd = update(
  'SgdUpdate',
  ['v'],
  `let lr = rates_at(3 * parameter);
    let momentum = rates_at(3 * parameter + 1);
    let decay = rates_at(3 * parameter + 2);
    let l2 = select(0, decay, L2);
    let step = select(1, lr, INSIDE) * (g + l2 * p);
    let velocity = momentum * v + step;
    let change = select(velocity, step + momentum * velocity, NESTEROV);
    variables_put(at_v, velocity);
    variables_put(at, p - select(lr, 1, INSIDE) * change - select(lr * decay, 0, L2) * p);`,
);

/** rates: beta1, beta2, epsilon, log beta1, log beta2, 1 - beta1, 1 - beta2; LR and weight decay of each parameter. */
const adam = update(
  'AdamUpdate',
  ['m', 'v'],
  `let lr = rates_at(7 + 2 * parameter);
    let beta1 = rates_at(0);
    let beta2 = rates_at(1);
    let decay = rates_at(8 + 2 * parameter);
    let t = variables_at(STEPS) + 1;
    let gradient = g + select(0, decay, L2) * p;
    let first = beta1 * m + rates_at(5) * gradient;
    let second = beta2 * v + rates_at(6) * gradient * gradient;
    let size = lr / one_minus_exp(t * rates_at(3));
    let correction = sqrt(one_minus_exp(t * rates_at(4)));
    variables_put(at_m, first);
    variables_put(at_v, second);
    variables_put(at, select(1 - lr * decay, 1, L2) * p - size * first / (sqrt(second) / correction + rates_at(2)));`,
);

/** 1 - exp(u) for u < 0; near 0 by its series, since 1 - 0.999 has lost half its digits. */
const adamShader: Shader = {
  ...adam,
  body: (constants) => `
fn one_minus_exp(u: f32) -> f32 {
  if (u < -0.5) { return 1 - exp(u); }
  return -u * (1 + u / 2 * (1 + u / 3 * (1 + u / 4 * (1 + u / 5 * (1 + u / 6 * (1 + u / 7))))));
}
${adam.body(constants)}`,
};

const countStep: Shader = {
  name: 'AdamUpdate/step',
  threads: 1,
  body: () => `
@compute @workgroup_size(THREADS)
fn main() {
  if (${isSkipped}) { return; }
  variables_put(STEPS, variables_at(STEPS) + 1);
}`,
};

export const updateKernels = [
  kernel('SgdUpdate', (inputs: TensorInfo[], attributes: SgdUpdate, backend) => {
    const { lr, momentum, weightDecay, nesterov, weightDecayMode, lrPlacement } = attributes;
    const [parameters, gradients, velocities] = splitInto(3, inputs);
    const [p, v] = [writables(parameters, backend), writables(velocities, backend)];
    const rates = momentum.flatMap((m, k) => [lr[k]!, m, weightDecay[k]!]);
    run(backend, sgd, gradients, [p, v], rates, {
      L2: weightDecayMode === 'l2',
      INSIDE: lrPlacement === 'inside',
      NESTEROV: nesterov,
    });
    adaptLossScale(backend);
    return [...p, ...v];
  }),

  kernel('AdamUpdate', (inputs: TensorInfo[], attributes: AdamUpdate, backend) => {
    const { lr, beta1, beta2, epsilon, weightDecay, weightDecayMode } = attributes;
    const steps = backend.writable(inputs.at(-1)!);
    const [parameters, gradients, first, second] = splitInto(4, inputs.slice(0, -1));
    const p = writables(parameters, backend);
    const [m, v] = [writables(first, backend), writables(second, backend)];
    const constants = { L2: weightDecayMode === 'l2', STEPS: backend.stored(steps).region.offset / 4 };
    const common = [beta1, beta2, epsilon, Math.log(beta1), Math.log(beta2), 1 - beta1, 1 - beta2];
    const rates = [...common, ...lr.flatMap((rate, k) => [rate, weightDecay[k]!])];
    run(backend, adamShader, gradients, [p, m, v], rates, constants);
    const reads = { lossScale: { of: backend.lossScale.memory } };
    backend.run(countStep, { reads, writes: { variables: variables(backend) }, constants, workgroups: 1 });
    adaptLossScale(backend);
    return [...p, ...m, ...v, steps];
  }),
];

function run(
  backend: WebgpuBackend,
  shader: Shader,
  gradients: TensorInfo[],
  states: TensorInfo[][],
  rates: number[],
  constants: Record<string, boolean | number>,
): void {
  const gathered = gradients.map((g) => backend.inArena(g, backend.gradients));
  const table = tableOf(backend, [gathered, ...states]);
  const groups = table.length / (2 + 1 + states.length);
  backend.scratch('u32', table.length, (tableMemory) =>
    backend.scratch('f32', rates.length, (ratesMemory) => {
      backend.commands.write(tableMemory.region, table);
      backend.commands.write(ratesMemory.region, Float32Array.from(rates));
      const reads = { gradients: { of: whole(backend.gradients.buffer) }, table: { of: tableMemory } };
      checkGradients(backend, reads, table.length / groups, groups);
      backend.run(shader, {
        reads: { ...reads, rates: { of: ratesMemory }, lossScale: { of: backend.lossScale.memory } },
        writes: { variables: variables(backend) },
        constants,
        workgroups: groups,
        multiplyAdds: 3 * gradients.reduce((sum, g) => sum + util.sizeFromShape(g.shape), 0),
      });
    }),
  );
  for (const g of gathered) backend.disposeData(g.dataId);
}

/** For each stretch of each parameter: its index, number of values, and where it starts in each of `tensors`. */
export function tableOf(backend: WebgpuBackend, tensors: TensorInfo[][]): Uint32Array<ArrayBuffer> {
  const rows: number[] = [];
  tensors[0]!.forEach(({ shape }, k) => {
    const size = util.sizeFromShape(shape);
    const starts = tensors.map((list) => backend.stored(list[k]!).region.offset / 4);
    for (let done = 0; done < size; done += share)
      rows.push(k, Math.min(share, size - done), ...starts.map((start) => start + done));
  });
  return Uint32Array.from(rows);
}

const writables = (tensors: TensorInfo[], backend: WebgpuBackend) => tensors.map((t) => backend.writable(t));

/** A whole buffer as an operand, for a shader that finds its values through a table. */
export const whole = (buffer: GPUBuffer): Plain => ({
  region: { buffer, offset: 0, size: buffer.size },
  element: 'f32',
});
const variables = (backend: WebgpuBackend) => ({ of: whole(backend.variables.buffer) });
