import { takesThreads } from '../backends/index.js';
import { usableProcessors } from '../system/processors.js';
import type { SweepPlan } from './plan.js';

/** Number of runs at the same time; `auto`: as many as processors and memory allow. */
export type Jobs = number | 'auto';

const roomForRun = 4e9; // bytes: ResNet-56 takes 0.8 GB at batch size 128, 3 GB at 512

/**
 * The number of runs to train at the same time, and the threads of each; undefined: as the config says. `auto` gives
 * each run on a processor one thread, or what its config asks for: on two cores, two runs with one thread did 1.1 to
 * 1.3 times the work of one run with two (cifar3, ResNet-20 and -56; float32 and bfloat16). Other backends get one run.
 */
export async function divideProcessors(
  plan: Pick<SweepPlan, 'arms'>,
  jobs: Jobs,
  left: number,
): Promise<{ jobs: number; threads?: number }> {
  if (jobs === 1) return { jobs };
  const backends = new Set(plan.arms.map(({ config }) => config.backend));
  const onProcessor = (await Promise.all([...backends].map(takesThreads))).every(Boolean);
  if (jobs !== 'auto') return { jobs, ...(onProcessor && { threads: threadsEach(jobs) }) };
  if (!onProcessor) return { jobs: 1 };
  const configured = Math.max(0, ...plan.arms.map(({ config }) => config.threads ?? 0));
  const room = Math.floor(process.availableMemory() / roomForRun);
  const affordable = Math.max(1, Math.min(Math.floor(usableProcessors() / Math.max(1, configured)), room, left));
  return { jobs: affordable, ...(affordable > 1 && configured === 0 && { threads: threadsEach(affordable) }) };
}

const threadsEach = (jobs: number) => Math.max(1, Math.floor(usableProcessors() / jobs));
