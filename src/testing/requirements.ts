import { existsSync } from 'node:fs';
import { probeBackends } from '../backends/index.js';
import { chromiumPath, noBrowser } from './browser.js';
import { findPython } from './python.js';
import { noSlurm } from './slurm.js';

/** What tests are skipped without: its name in CLR_REQUIRE, and why it is not available (undefined: it is). */
const requirements: Record<string, () => Promise<string | undefined> | string | undefined> = {
  onednn: () => whyUnusable('onednn'),
  webgpu: () => whyUnusable('webgpu'),
  tensorflow: () => whyUnusable('tensorflow'),
  pytorch: () => (findPython(['torch', 'scipy', 'fastai']) ? undefined : 'no Python here has it (sh scripts/venv.sh)'),
  browser: () => noBrowser && `${noBrowser} (CLR_CHROMIUM names another than ${chromiumPath})`,
  slurm: () => noSlurm,
  data: () => (existsSync(process.env.CLR_TEST_DATA ?? '') ? undefined : 'CLR_TEST_DATA names no CIFAR-10 archive'),
};

/** Runs before the first test: throws if something that CLR_REQUIRE names is missing, as its tests would be skipped. */
export default async function checkRequirements(): Promise<void> {
  for (const name of (process.env.CLR_REQUIRE ?? '').split(',').filter(Boolean)) {
    const check = requirements[name];
    if (!check) throw new Error(`CLR_REQUIRE: ${name} is none of ${Object.keys(requirements).join(', ')}`);
    const missing = await check();
    if (missing) throw new Error(`CLR_REQUIRE names ${name}, which the tests cannot use: ${missing}`);
  }
}

async function whyUnusable(backend: string): Promise<string | undefined> {
  const { availability } = (await probeBackends()).find(({ name }) => name === backend)!;
  return availability.usable ? undefined : availability.reason;
}
