import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { schedules } from '../schedules/index.js';
import { readSweep } from '../sweep/plan.js';
import { scheduleRows } from '../training/schedule-table.js';
import { loadConfig } from './load.js';
import { runLength } from './schema.js';

const folder = 'configs';
const experiments = readdirSync(folder).filter((file) => file.endsWith('.json') && !file.endsWith('schema.json'));
const cpuScale = path.join(folder, 'override', 'cpu-scale.json');

test.each(readdirSync(path.join(folder, 'sweeps')))(
  'sweeps/%s loads, and the schedules of its arms can be created',
  (file) => {
    const { arms } = readSweep(path.join(folder, 'sweeps', file));
    expect(arms.length).toBeGreaterThan(1);
    for (const { config } of arms) expect([...scheduleRows(config)].length).toBeGreaterThan(0);
  },
);

const peak = (rows: { lr: number }[]) => rows.reduce((most, { lr }) => Math.max(most, lr), 0);

test.each(experiments)(
  '%s loads, names its source, and has a positive LR and a possible momentum at every iteration',
  (file) => {
    const config = loadConfig(path.join(folder, file));
    expect(config.source).toBeTruthy();
    const wrong = [...scheduleRows(config)].filter(
      ({ lr, momentum }) => !(lr > 0 && Number.isFinite(lr) && momentum >= 0 && momentum <= 1),
    );
    expect(wrong).toEqual([]);
  },
);

test.each(experiments.filter((file) => file.startsWith('rn56-')))(
  '%s keeps the shape of its schedule at CPU scale',
  (file) => {
    const full = loadConfig(path.join(folder, file));
    const small = loadConfig(path.join(folder, file), { files: [cpuScale] });
    const { depth: _, ...model } = full.model;
    expect(small).toMatchObject({ epochs: 12, batch_size: 256, model: { ...model, blocks: [1, 1, 1] } });
    expect(small.model).not.toHaveProperty('depth'); // replaced by blocks
    const lengths = [runLength(full, 50_000), runLength(small, 10_000)] as const;
    const [large, little] = [schedules.create(full.schedule, lengths[0]), schedules.create(small.schedule, lengths[1])];
    const tolerance = 0.01 * peak([...scheduleRows(full)]);
    for (const share of [0, 0.1, 0.25, 0.6, 0.8, 0.99]) {
      const [x, y] = [large(share * lengths[0].iterations), little(share * lengths[1].iterations)];
      expect(Math.abs(x.lr - y.lr)).toBeLessThan(tolerance);
      expect(Math.abs(x.momentum - y.momentum)).toBeLessThan(0.002);
    }
  },
);
