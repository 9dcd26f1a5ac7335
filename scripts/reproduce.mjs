/**
 * reproduce.mjs [SECTION...]: repeats sections of results/README.md; without one, lists them with their cost. CLR_DATA
 * names the images. After an interruption, call it again to resume: run folders are in reproduced/ (CLR_RUNS).
 */
import { spawnSync } from 'node:child_process';
import process from 'node:process';

const runs = process.env.CLR_RUNS ?? 'reproduced';
const sweep = (file, name, ...flags) => ['sweep', `configs/sweeps/${file}.yaml`, '--out', `${runs}/${name}`, ...flags];

const bf16 = ['--set', 'precision=bf16'];
const decided = [...bf16, '--until', 'decided', '--jobs', 'auto'];
const fullLength = ['rn56-1cycle', 'rn56-1cycle-constant-momentum', 'rn56-1cycle-constant-lr'];
const train = (config) => ['run', config, '--precision', 'bf16', '--run-dir', `${runs}/${config}`, '--or-resume'];

const finder = (...flags) => ['lrfind', ...flags, '--seeds', '3', '--runs', `${runs}/lrfind`];
const net = (...settings) => ['--batch-size', '128', ...settings.flatMap((setting) => ['--set', `model.${setting}`])];
const finderNets = [
  ['rn56-1cycle'],
  net(),
  net('bn_placement=pre-activation'),
  net('bn_placement=post-conv'),
  net('init=he-normal'),
  net('init=he-normal', 'bn_placement=post-conv'),
  ['rn56-paper-clr-momentum-0.90'],
];

const tune = (config, name, budget) => [
  'tune',
  config,
  '--budget',
  budget,
  '--precision',
  'bf16',
  '--out',
  `${runs}/${name}`,
];

/** Commands, and hours on two Zen 4 cores with native bfloat16, from measured steps; an upper bound for `decided`. */
const sections = {
  'table-1': {
    hours: 2.5,
    commands: [
      sweep('paper-table-1-cifar3', 'table-1', ...bf16, '--jobs', '2'),
      ['compare', `${runs}/table-1`, '--published'],
    ],
  },
  'table-1-readings': {
    hours: 0.6,
    commands: [
      sweep('paper-table-1-cifar3-readings', 'table-1-readings', ...bf16, '--jobs', '2'),
      ['compare', `${runs}/table-1-readings`, '--published'],
    ],
  },
  'table-1-momentum': {
    hours: 7.5,
    commands: [sweep('cifar3-momentum', 'table-1-momentum', ...decided), ['compare', `${runs}/table-1-momentum`]],
  },
  figures: {
    hours: 4.5,
    commands: ['weight-decay', 'lr-range-weight-decay', 'lr-range-batch-size', 'batch-size'].flatMap((question) => [
      sweep(`cifar3-${question}`, question, ...bf16, '--jobs', '2'),
      ['compare', `${runs}/${question}`],
    ]),
  },
  'half-cycle': {
    hours: 7,
    commands: [sweep('rn56-half-cycle', 'half-cycle', ...bf16), ['compare', `${runs}/half-cycle`]],
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
  'tune-cifar3': {
    hours: 1.2,
    commands: [
      tune('cifar3-untuned', 'tune-cifar3', '1h'),
      ['run', `${runs}/tune-cifar3/tuned.json`, '--epochs', '25', '--seeds', '201,202,203,204', '--precision', 'bf16'],
    ],
  },
  'tune-rn20': { hours: 0.75, commands: [tune('rn20-untuned', 'tune-rn20', '45m')] },
  lrfind: {
    hours: 1.2,
    commands: [
      finder('--start', '0.1', '--end', '2', '--linear'),
      finder('--start', '0.1', '--end', '12', '--linear'),
      finder('--start', '1e-3', '--end', '30', '--validate'),
      ...finderNets.map((net) => finder(...net, '--momentum', '0.9', '--start', '0.1', '--end', '2', '--linear')),
    ],
  },
  'rn56-1cycle': {
    hours: 10,
    commands: [...fullLength.map(train), ['compare', ...fullLength.map((config) => `${runs}/${config}`)]],
  },
  'rn20-momentum': {
    hours: 22,
    commands: [sweep('rn20-momentum', 'rn20-momentum', ...decided), ['compare', `${runs}/rn20-momentum`]],
  },
  'rn20-tail': {
    hours: 17,
    commands: [sweep('rn20-tail', 'rn20-tail', ...decided), ['compare', `${runs}/rn20-tail`]],
  },
  'rn20-bn-placement': {
    hours: 17,
    commands: [sweep('rn20-bn-placement', 'rn20-bn-placement', ...decided), ['compare', `${runs}/rn20-bn-placement`]],
  },
};

const requested = process.argv.slice(2);
const unknown = requested.find((name) => !(name in sections));
if (unknown !== undefined || requested.length === 0) {
  if (unknown !== undefined) console.error(`there is no section "${unknown}"`);
  for (const [name, { hours }] of Object.entries(sections)) console.error(`${name.padEnd(18)} about ${hours} h`);
  process.exit(unknown === undefined ? 0 : 2);
}
for (const command of requested.flatMap((name) => sections[name].commands)) {
  console.error(`$ clr ${command.join(' ')}`);
  const env = { ...process.env, CLR_RUNS: runs };
  const { status } = spawnSync(process.execPath, ['bin/clr.js', ...command], { stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}
