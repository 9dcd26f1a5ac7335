/**
 * reproduce.mjs [SECTION...]: repeats sections of results/README.md; without one, lists them with their cost. CLR_DATA
 * names the images. What is interrupted is resumed when called again: its run folders are in reproduced/ (CLR_RUNS).
 */
import { spawnSync } from 'node:child_process';
import process from 'node:process';

const runs = process.env.CLR_RUNS ?? 'reproduced';
const sweep = (file, name, ...flags) => ['sweep', `configs/sweeps/${file}.yaml`, '--out', `${runs}/${name}`, ...flags];

/** Hours on two Zen 4 cores with native bfloat16. */
const sections = {
  'table-1': {
    hours: 4,
    commands: [
      sweep('paper-table-1-cifar3', 'table-1', '--set', 'precision=bf16', '--jobs', '2'),
      ['compare', `${runs}/table-1`, '--published'],
    ],
  },
  'until-decided': {
    hours: 0.4,
    commands: [
      sweep('until-decided', 'until-decided', '--until', 'decided', '--jobs', '2'),
      ['compare', `${runs}/until-decided`],
    ],
  },
  momentum: {
    hours: 0.3,
    commands: [sweep('momentum', 'momentum'), ['compare', `${runs}/momentum`, '--baseline', 'constant 0.9']],
  },
  lrfind: {
    hours: 0.4,
    commands: [
      ['lrfind', '--start', '0.1', '--end', '2', '--linear', '--seeds', '3'],
      ['lrfind', '--start', '0.1', '--end', '12', '--linear', '--seeds', '3'],
      ['lrfind', '--start', '1e-3', '--end', '30', '--validate', '--seeds', '3'],
    ],
  },
  'rn56-1cycle': {
    hours: 3.5,
    commands: [
      ['run', 'configs/rn56-1cycle.json', '--precision', 'bf16', '--run-dir', `${runs}/rn56-1cycle`, '--or-resume'],
    ],
  },
};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in sections));
if (unknown !== undefined || asked.length === 0) {
  if (unknown !== undefined) console.error(`there is no section "${unknown}"`);
  for (const [name, { hours }] of Object.entries(sections)) console.error(`${name.padEnd(16)} about ${hours} h`);
  process.exit(unknown === undefined ? 0 : 2);
}
for (const command of asked.flatMap((name) => sections[name].commands)) {
  console.error(`$ clr ${command.join(' ')}`);
  const env = { ...process.env, CLR_RUNS: runs };
  const { status } = spawnSync(process.execPath, ['bin/clr.js', ...command], { stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}
