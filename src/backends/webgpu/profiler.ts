/// <reference types="@webgpu/types" />
import { ClrError } from '../../errors.js';
import type { DeviceProfile, KernelTime } from '../backend.js';
import { defaultThreads, type WebgpuBackend } from './backend.js';
import type { Dispatch } from './commands.js';
import { elementwise, type Shader } from './shader.js';

/**
 * Times each kernel from now on until the returned function is called, which also measures the device's highest rates.
 * Throws ClrError('backend') if the device cannot measure times.
 */
export function profile(backend: WebgpuBackend): () => Promise<DeviceProfile> {
  const { device, name } = backend.gpu;
  if (!device.features.has('timestamp-query'))
    throw new ClrError('backend', `${name} cannot measure how long its kernels take`, 'omit --profile');
  const stop = record(backend);
  return async () => {
    const kernels = new Map<string, KernelTime>();
    for (const { dispatch, ms } of await stop()) count(kernels, dispatch, ms);
    return { kernels: [...kernels.values()], ceilings: await ceilings(backend) };
  };
}

function count(kernels: Map<string, KernelTime>, { name, regions, multiplyAdds }: Dispatch, ms: number): void {
  const { calls = 0, flop = 0, bytes = 0, ms: before = 0 } = kernels.get(name) ?? {};
  const moved = regions.reduce((sum, { size }) => sum + size, 0);
  kernels.set(name, {
    kernel: name,
    ms: before + ms,
    calls: calls + 1,
    flop: flop + 2 * multiplyAdds,
    bytes: bytes + moved,
  });
}

/** A query set holds 4,096 timestamps: two per dispatch. */
const dispatchesPerSet = 2048;

/** Records when each dispatch begins and ends, until the returned function is called. */
function record(backend: WebgpuBackend): () => Promise<{ dispatch: Dispatch; ms: number }[]> {
  const sets: { querySet: GPUQuerySet; dispatches: Dispatch[] }[] = [];
  backend.commands.observer = (dispatch) => {
    if ((sets.at(-1)?.dispatches.length ?? dispatchesPerSet) === dispatchesPerSet) {
      const querySet = backend.gpu.device.createQuerySet({ type: 'timestamp', count: 2 * dispatchesPerSet });
      sets.push({ querySet, dispatches: [] });
    }
    const { querySet, dispatches } = sets.at(-1)!;
    const beginningOfPassWriteIndex = 2 * (dispatches.push(dispatch) - 1);
    return { querySet, beginningOfPassWriteIndex, endOfPassWriteIndex: beginningOfPassWriteIndex + 1 };
  };
  return async () => {
    backend.commands.observer = undefined;
    const recorded: { dispatch: Dispatch; ms: number }[] = [];
    for (const { querySet, dispatches } of sets) {
      const times = await timestamps(backend, querySet, 2 * dispatches.length);
      dispatches.forEach((dispatch, i) => {
        recorded.push({ dispatch, ms: Number(times[2 * i + 1]! - times[2 * i]!) / 1e6 });
      });
    }
    return recorded;
  };
}

/** Nanoseconds. */
async function timestamps(backend: WebgpuBackend, querySet: GPUQuerySet, count: number): Promise<BigUint64Array> {
  const { QUERY_RESOLVE, COPY_SRC } = GPUBufferUsage;
  const buffer = backend.gpu.device.createBuffer({ size: 8 * count, usage: QUERY_RESOLVE | COPY_SRC });
  backend.commands.resolve(querySet, count, buffer);
  const times = await backend.commands.read({ buffer, offset: 0, size: 8 * count });
  buffer.destroy();
  querySet.destroy();
  return new BigUint64Array(times);
}

const copy: Shader = { name: 'copy', threads: defaultThreads, body: elementwise('y_put(i, x_at(i));') };
const multiplyAdd: Shader = {
  name: 'multiply-add',
  threads: defaultThreads,
  body: elementwise(`
    var a = vec4<f32>(f32(i));
    var b = a + 1;
    var c = a + 2;
    var d = a + 3;
    for (var k = 0u; k < ROUNDS; k++) {
      ${['a', 'b', 'c', 'd'].map((v) => `${v} = fma(${v}, vec4<f32>(0.999), vec4<f32>(0.5));`).join(' ')}
    }
    y_put(i, a + b + c + d);`),
};
const rounds = 1024;

/** The best of ten measurements: a copy of 128 MiB, and float32 multiply-adds in registers. */
async function ceilings(backend: WebgpuBackend): Promise<DeviceProfile['ceilings']> {
  const vectors = 2 ** 23;
  const threads = backend.gpu.software ? 2 ** 10 : 2 ** 20;
  const stop = record(backend);
  backend.scratch('f32', 4 * vectors, (x) =>
    backend.scratch('f32', 4 * vectors, (y) => {
      for (let repeat = 0; repeat < 10; repeat++) {
        backend.each(copy, vectors, { reads: { x: { of: x, width: 4 } }, writes: { y: { of: y, width: 4 } } });
        backend.each(multiplyAdd, threads, { writes: { y: { of: y, width: 4 } }, constants: { ROUNDS: rounds } });
      }
    }),
  );
  const recorded = await stop();
  const best = (name: string) =>
    Math.min(...recorded.filter(({ dispatch }) => dispatch.name === name).map(({ ms }) => ms));
  return {
    gb_per_second: (2 * 16 * vectors) / best('copy') / 1e6,
    tflops: (threads * rounds * 4 * 4 * 2) / best('multiply-add') / 1e9,
  };
}
