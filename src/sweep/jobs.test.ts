import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ExperimentConfig } from '../config/schema.js';
import { usableProcessors } from '../system/processors.js';
import { divideProcessors } from './jobs.js';

vi.mock('../system/processors.js', () => ({ usableProcessors: vi.fn(() => 8) }));

const planOf = (...configs: Partial<ExperimentConfig>[]) => ({
  arms: configs.map((config, i) => ({
    name: `arm ${i}`,
    config: { backend: 'onednn', ...config } as ExperimentConfig,
  })),
});

describe('the runs of a sweep at the same time', () => {
  afterEach(() => vi.restoreAllMocks());
  const plenty = () => vi.spyOn(process, 'availableMemory').mockReturnValue(1e12);

  it('are one for each processor, with one thread', async () => {
    plenty();
    expect(await divideProcessors(planOf({}), 'auto', 100)).toEqual({ jobs: 8, threads: 1 });
  });

  it('share the processors where there are fewer runs', async () => {
    plenty();
    expect(await divideProcessors(planOf({}), 'auto', 3)).toEqual({ jobs: 3, threads: 2 });
    expect(await divideProcessors(planOf({}), 'auto', 1)).toEqual({ jobs: 1 });
    expect(await divideProcessors(planOf({}), 'auto', 0)).toEqual({ jobs: 1 });
  });

  it('are no more than the memory has room for', async () => {
    vi.spyOn(process, 'availableMemory').mockReturnValue(9e9);
    expect(await divideProcessors(planOf({}), 'auto', 100)).toEqual({ jobs: 2, threads: 4 });
    vi.spyOn(process, 'availableMemory').mockReturnValue(1e9);
    expect(await divideProcessors(planOf({}), 'auto', 100)).toEqual({ jobs: 1 });
  });

  it('keep the threads that a config asks for', async () => {
    plenty();
    expect(await divideProcessors(planOf({}, { threads: 3 }), 'auto', 100)).toEqual({ jobs: 2 });
  });

  it('are one on a backend that does not run on several threads', async () => {
    plenty();
    expect(await divideProcessors(planOf({}, { backend: 'wasm' }), 'auto', 100)).toEqual({ jobs: 1 });
  });

  it('are as many as asked for, each with its share of the processors', async () => {
    expect(await divideProcessors(planOf({}), 4, 1)).toEqual({ jobs: 4, threads: 2 });
    expect(await divideProcessors(planOf({}), 16, 1)).toEqual({ jobs: 16, threads: 1 });
    expect(await divideProcessors(planOf({}), 1, 1)).toEqual({ jobs: 1 });
    expect(await divideProcessors(planOf({ backend: 'wasm' }), 4, 1)).toEqual({ jobs: 4 });
    expect(usableProcessors).toHaveBeenCalled();
  });
});
