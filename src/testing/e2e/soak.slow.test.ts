import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { randomStream } from '../../random.js';
import { type Started, startClr } from '../clr-process.js';
import { type Disk, Ext4Disk, mayMount, mayMountExt4, mountTmpfs } from '../mounts.js';
import { countRows, fingerprint } from '../run-files.js';

/** Before a release: CLR_SOAK_MINUTES=60. */
const minutes = Number(process.env.CLR_SOAK_MINUTES ?? 1);
const seed = Number(process.env.CLR_TEST_SEED ?? Date.now() % 1_000_000);
const random = randomStream(seed, 'shuffle');

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-soak-'));
const file = path.join(scratch, 'sweep.json');
const base = {
  epochs: 3,
  batch_size: 8,
  dataset: { type: 'synthetic', train_size: 64, val_size: 40 },
  augmentation: { flip: true, crop: { pad: 4 } },
  model: { type: 'resnet', depth: 8 },
  schedule: { type: 'clr-beta', max_lr: 0.05 },
  backend: 'wasm',
  checkpoint: { every_iterations: 3 },
};
const arms = { sgd: {}, adamw: { optimizer: { type: 'adamw' }, 'schedule.max_lr': 0.005 } };
const runs = Object.keys(arms).flatMap((arm) => [1, 2, 3].map((n) => path.join(arm, `seed-${n}`)));
const whole = path.join(scratch, 'whole');
const counts: Record<string, number> = {};
const count = (what: string) => {
  counts[what] = (counts[what] ?? 0) + 1;
};
afterAll(() => rmSync(scratch, { recursive: true }));

const sweep = (out: string) => startClr(['sweep', file, '--out', out, '--jobs', '2']);

/** The processes that train into the sweep's folder, by the names of their locks. */
function trainers(out: string): number[] {
  if (!existsSync(out)) return [];
  const files = readdirSync(out, { recursive: true, encoding: 'utf8' });
  return files.flatMap((name) => /seed-\d+[\\/]lock-.*-(\d+)-\d+$/.exec(name)?.slice(1).map(Number) ?? []);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // it has already ended
  }
}

async function ended(pids: number[]): Promise<void> {
  while (pids.some((pid) => existsSync(`/proc/${pid}/fd/0`))) await sleep(50);
}

const fillerOf = (disk: Disk) => path.join(disk.directory, 'filler');

/** What happens to a running sweep; after each, the disk is writable again and no process is stopped. */
const disturbances: Record<string, (started: Started, out: string, disk: Disk) => Promise<void>> = {
  async 'SIGKILL to all'(started, out) {
    for (const pid of [started.child.pid!, ...trainers(out)]) signal(pid, 'SIGKILL');
  },
  async 'SIGKILL to the sweep alone'(started) {
    started.child.kill('SIGKILL');
  },
  async 'SIGKILL to a run'(_started, out) {
    for (const pid of trainers(out).slice(0, 1)) signal(pid, 'SIGKILL');
  },
  async 'SIGSTOP to all'(started, out) {
    const pids = [started.child.pid!, ...trainers(out)];
    for (const pid of pids) signal(pid, 'SIGSTOP');
    await sleep(random.integer(100, 3000));
    for (const pid of pids) signal(pid, 'SIGCONT');
  },
  async 'SIGINT, SIGTERM or SIGHUP'(started) {
    started.child.kill((['SIGINT', 'SIGTERM', 'SIGHUP'] as const)[random.integer(0, 2)]);
    await started.ended;
  },
  async 'disk full'(_started, _out, disk) {
    for (const size of [1 << 20, 1 << 12]) {
      try {
        for (;;) appendFileSync(fillerOf(disk), Buffer.alloc(size));
      } catch {
        // no room is left for a piece of this size
      }
    }
    await sleep(random.integer(500, 5000));
    rmSync(fillerOf(disk), { force: true });
  },
  async 'read-only disk'(started, out, disk) {
    const pids = trainers(out);
    (disk as Ext4Disk).becomeReadOnly();
    await started.ended; // running processes notice it at their next write
    await ended(pids);
    (disk as Ext4Disk).repair();
    rmSync(fillerOf(disk), { force: true }); // if it was removed just before, it is back
  },
};

/** One sweep, disturbed at random moments and started again until all of its runs are done. */
async function round(disk: Disk): Promise<void> {
  const out = path.join(disk.directory, 'out');
  const names = Object.keys(disturbances).filter((name) => disk instanceof Ext4Disk || name !== 'read-only disk');
  for (let attempt = 0; ; attempt++) {
    const started = sweep(out);
    let over = false;
    void started.ended.then(() => {
      over = true;
    });
    for (let quiet = attempt > 8; !quiet && !over; quiet = random.uniform() < 0.4) {
      await Promise.race([started.ended, sleep(random.integer(300, 8000))]);
      const name = names[random.integer(0, names.length - 1)]!;
      if (over) break;
      await disturbances[name]!(started, out, disk);
      count(name);
    }
    const { code, stderr } = await started.ended;
    await ended(trainers(out));
    count(`sweep ended with ${code}`);
    if (code === 0) break;
    expect(attempt, stderr).toBeLessThan(30);
  }
  for (const run of runs) expect(fingerprint(path.join(out, run)), run).toEqual(fingerprint(path.join(whole, run)));
  count('sweeps');
}

interface Sample {
  mib: number;
  files: number;
}

/** Memory and open files of an endless run that is stopped and continued, until `over`. */
async function longRun(over: () => boolean): Promise<Sample[]> {
  const config = path.join(scratch, 'long.json');
  writeFileSync(config, JSON.stringify({ ...base, epochs: 100_000, schedule: { type: 'constant', lr: 0.01 } }));
  const { child, ended: end } = startClr(['run', config, '--run-dir', path.join(scratch, 'long')]);
  const samples: Sample[] = [];
  while (!over() && child.exitCode === null) {
    await sleep(random.integer(1000, 5000));
    if (random.uniform() < 0.3) {
      child.kill('SIGSTOP');
      await sleep(random.integer(100, 2000));
      child.kill('SIGCONT');
    }
    const kib = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]);
    if (countRows(path.join(scratch, 'long/iterations.csv')) > 100)
      samples.push({ mib: kib / 1024, files: readdirSync(`/proc/${child.pid}/fd`).length });
  }
  child.kill('SIGINT');
  expect(await end).toMatchObject({ code: 130 });
  return samples;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

beforeAll(async () => {
  writeFileSync(path.join(scratch, 'base.json'), JSON.stringify(base));
  writeFileSync(file, JSON.stringify({ name: 'soak', base: 'base.json', seeds: 3, arms }));
  expect(await sweep(whole).ended).toMatchObject({ code: 0 });
}, 600_000);

it.skipIf(!mayMount)(
  `${minutes} minutes of signals, full and read-only disks: every run ends as one that nothing happened to${mayMount ? '' : ' (skipped: only root may mount a disk)'}`,
  async () => {
    const deadline = Date.now() + minutes * 60_000;
    let over = false;
    const long = longRun(() => over);
    try {
      do {
        const disk = mayMountExt4 && random.uniform() < 0.5 ? new Ext4Disk() : mountTmpfs('48m');
        try {
          await round(disk);
        } finally {
          disk.unmount();
        }
      } while (Date.now() < deadline);
    } finally {
      over = true;
      const samples = await long;
      const files = new Set(samples.map((sample) => sample.files));
      const quarters = [0, 1, 2, 3].map((n) => {
        const part = samples.slice((n * samples.length) >> 2, ((n + 1) * samples.length) >> 2);
        return median(part.map(({ mib }) => mib));
      });
      const updates = countRows(path.join(scratch, 'long/iterations.csv'));
      console.log(`seed ${seed} (CLR_TEST_SEED repeats it)\n${JSON.stringify(counts, null, 2)}`);
      console.log(`long run: ${updates} updates, MiB in each quarter ${quarters}, open files ${[...files]}`);
      const grown = quarters[3]! - quarters[1]!; // the first quarter warms up
      if (samples.length > 100) expect(grown, 'MiB more').toBeLessThan(16);
      expect(Math.max(...files) - Math.min(...files)).toBeLessThanOrEqual(2); // a file is being written, or not
    }
  },
  2 * 3_600_000,
);
