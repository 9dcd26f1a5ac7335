import { z } from 'zod';
import { lockHolder } from '../system/lock.js';
import { readJsonAs } from './read-run.js';

/** How a run stands; `interrupted` also where its process is gone without a word. */
export type RunStatus = z.output<typeof statusSchema>;

const statusSchema = z.enum(['running', 'completed', 'interrupted', 'stopped', 'diverged', 'failed']);
const summarySchema = z.looseObject({ status: statusSchema });

/** By summary.json, which a run that was killed leaves at `running`; before there is one, by whether a process has the folder. */
export function runStatus(directory: string): RunStatus {
  const status = recordedStatus(directory) ?? 'running';
  return status === 'running' && lockHolder(directory) === undefined ? 'interrupted' : status;
}

/** What summary.json says; undefined where there is none, or none that can be read. */
export function recordedStatus(directory: string): RunStatus | undefined {
  try {
    return readJsonAs(summarySchema, directory, 'summary.json').status;
  } catch {
    return undefined;
  }
}
