import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** How a process ended. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  child: ChildProcess;
  ended: Promise<Ended>;
}

export interface Surroundings {
  cwd?: string;
  env?: Record<string, string>;
  /** Options of node itself. */
  node?: string[];
}

const program = fileURLToPath(new URL('../../bin/clr.js', import.meta.url));

/** Starts the built program, as a user does. */
export function startClr(args: string[], { cwd, env, node = [] }: Surroundings = {}): Started {
  const child = spawn(process.execPath, [...node, program, ...args], {
    cwd,
    env: { ...process.env, CI: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, ...output }));
  });
  return { child, ended };
}

export function runClr(args: string[], surroundings?: Surroundings): Promise<Ended> {
  return startClr(args, surroundings).ended;
}

/** Checks every two milliseconds; false if the process ends first. */
export async function waitFor(condition: () => boolean, { child }: Started): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    if (condition()) return true;
    await sleep(2);
  }
  return false;
}
