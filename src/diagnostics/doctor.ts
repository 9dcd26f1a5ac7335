import { existsSync } from 'node:fs';
import os from 'node:os';
import { probeBackends } from '../backends/index.js';
import { renderPng } from '../charts/render.js';
import { cifar10Download, cifar10Layout } from '../datasets/cifar10.js';
import { downloadPath } from '../datasets/download.js';
import { openSource } from '../datasets/source.js';
import type { ClrError } from '../errors.js';

export interface Finding {
  subject: string;
  ok: boolean;
  detail: string;
  remedy?: string;
  /** What the part's library wrote to stderr. */
  messages?: string[];
}

/** Checks all that a run needs on this machine. */
export async function examine({
  data,
  cacheDirectory,
}: {
  data: string | undefined;
  cacheDirectory: string;
}): Promise<Finding[]> {
  const node = {
    subject: 'Node.js',
    ok: true, // bin/clr.js has checked the version
    detail: `${process.version} on ${os.type()} ${os.arch()}, ${os.availableParallelism()} cores`,
  };
  return [node, ...(await backendFindings()), dataFinding(data, cacheDirectory), await chartFinding()];
}

async function backendFindings(): Promise<Finding[]> {
  return (await probeBackends()).map(({ name, availability }) => {
    const subject = `backend ${name}`;
    const { messages } = availability;
    const more = messages?.length ? { messages } : {};
    if (!availability.usable)
      return { subject, ok: false, detail: availability.reason, remedy: availability.remedy, ...more };
    const { device, slow, onlyAs } = availability;
    const limit = slow ?? (onlyAs && `used only with --device ${onlyAs}`);
    return { subject, ok: true, detail: limit ? `${device} (${limit})` : device, ...more };
  });
}

/** The data that was named, or else what an earlier run downloaded. */
function dataFinding(data: string | undefined, cacheDirectory: string): Finding {
  const subject = 'CIFAR-10';
  const path = data ?? downloadPath(cifar10Download, cacheDirectory);
  if (data === undefined && !existsSync(path)) {
    const remedy = 'give its path by --data or CLR_DATA; otherwise the first run downloads it';
    return { subject, ok: false, detail: `no path given, and no download in ${cacheDirectory}`, remedy };
  }
  try {
    openSource(path, cifar10Layout);
    return { subject, ok: true, detail: path };
  } catch (error) {
    return {
      subject,
      ok: false,
      detail: (error as Error).message,
      remedy: (error as ClrError).hint ?? 'correct the path',
    };
  }
}

async function chartFinding(): Promise<Finding> {
  const subject = 'charts';
  const spec = { data: { values: [{}] }, mark: { type: 'text', text: 'clr' } } as never;
  try {
    const png = await renderPng(spec);
    return { subject, ok: png.length > 0, detail: 'drawn with the font that comes with clr' };
  } catch (error) {
    return { subject, ok: false, detail: (error as Error).message, remedy: 'npm rebuild sharp' };
  }
}
