import { z } from 'zod';
import { lockHolder } from '../system/lock.js';
import { readJsonAs } from './read-run.js';

/** The status of a run; `interrupted` also if its process disappeared without recording its end. */
export type RunStatus = z.output<typeof statusSchema>;

const statusSchema = z.enum(['running', 'completed', 'interrupted', 'stopped', 'diverged', 'failed']);
const summarySchema = z.looseObject({ status: statusSchema });

/** From summary.json; if it says `running`, or does not exist yet, the run is interrupted unless a process holds it. */
export function runStatus(directory: string): RunStatus {
  const status = recordedStatus(directory) ?? 'running';
  return status === 'running' && lockHolder(directory) === undefined ? 'interrupted' : status;
}

/** The status in summary.json; undefined if it is missing or cannot be read. */
export function recordedStatus(directory: string): RunStatus | undefined {
  try {
    return readJsonAs(summarySchema, directory, 'summary.json').status;
  } catch {
    return undefined;
  }
}
