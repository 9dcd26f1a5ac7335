import type { ActiveBackend, BackendOptions } from '../backends/backend.js';
import { useBackend } from '../backends/index.js';
import { type Case, compute, kernelCases, relativeError, type Values } from '../backends/kernel-cases.js';
import type { Finding } from './doctor.js';

/** How far a kernel's output may be from the reference: the largest difference, as a share of the largest value. */
const tolerances: Record<ActiveBackend['precision'], number> = { f32: 1e-4, tf32: 1e-2, bf16: 2e-2, f16: 2e-2 };

/** A finding for each kernel of a backend: whether, on this device, it agrees with the reference of the cpu backend. */
export async function checkKernels(name: string, options: BackendOptions): Promise<Finding[]> {
  await useBackend('cpu', { precision: 'f32' });
  const expected: Values[][] = [];
  for (const kernelCase of kernelCases) expected.push(await compute(kernelCase));
  const active = await useBackend(name, { ...options, robust: true });
  active.lossScale?.write({ value: 1, goodSteps: 0 }); // the cases' gradients are not means over a batch
  await active.warmUp?.(async () => void (await Promise.allSettled(kernelCases.map(compute)))); // failures recur below
  const results = new Map<string, Result[]>();
  for (const [i, kernelCase] of kernelCases.entries()) {
    const [, kernel] = kernelCase;
    results.set(kernel, [...(results.get(kernel) ?? []), await compare(kernelCase, expected[i]!)]);
  }
  return [
    device(active),
    ...[...results].map(([kernel, found]) => finding(kernel, found, tolerances[active.precision])),
    ...(active.lossScale ? [await overflow()] : []),
  ];
}

/**
 * Checks, on the backend in use, that a sum too large for float16 becomes infinite: the loss scale would not notice it
 * otherwise. A device that rounds towards zero makes it 65504.
 */
export async function overflow(): Promise<Finding> {
  const terms = (...shape: number[]) => ({ shape, values: Float32Array.of(65_504, -65_504) });
  const [sum] = await compute(['overflow', 'BiasAdd', { x: terms(1, 1, 1, 2), bias: terms(2) }]);
  const [above, below] = sum!.values;
  const ok = above === Number.POSITIVE_INFINITY && below === Number.NEGATIVE_INFINITY;
  const verdict = ok ? '' : ': the loss scale would not notice an overflow';
  return { subject: 'overflow', ok, detail: `65504 + 65504 is ${above} in float16, its negative ${below}${verdict}` };
}

interface Result {
  what: string;
  error: number;
  problem?: string;
}

async function compare(kernelCase: Case, expected: Values[]): Promise<Result> {
  const [what] = kernelCase;
  try {
    const outputs = await compute(kernelCase);
    const errors = outputs.map(({ values }, i) => relativeError(values, expected[i]!.values));
    return { what, error: Math.max(...errors) };
  } catch (error) {
    return { what, error: Number.NaN, problem: (error as Error).message };
  }
}

function device({ name, device, precision }: ActiveBackend): Finding {
  return { subject: name, ok: true, detail: `${device}, ${precision}` };
}

function finding(kernel: string, results: Result[], tolerance: number): Finding {
  const bad = results.filter(({ error }) => !(error <= tolerance)); // NaN is bad too
  const worst = Math.max(...results.map(({ error }) => error)).toExponential(1);
  const names = bad.map(({ what, problem }) => (problem ? `${what} (${problem})` : what)).join('; ');
  const verdict = bad.length > 0 ? `; ${bad.length} disagree: ${names}` : '';
  const detail = `error at most ${worst} of ${tolerance} allowed, cases: ${results.length}${verdict}`;
  return { subject: kernel, ok: bad.length === 0, detail };
}
