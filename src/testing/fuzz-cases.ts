import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { loadConfig } from '../config/load.js';
import { archiveFiles } from '../datasets/archive.js';
import { cifar10Layout } from '../datasets/cifar10.js';
import { ClrError } from '../errors.js';
import { metricsColumns } from '../runs/columns.js';
import { readJson, readTable } from '../runs/read-run.js';
import { plausibleAssignments, plausibleConfigs, resolve } from './config-cases.js';
import { fc } from './random-tests.js';

/** A reader of files that others wrote, and its inputs: `read` may throw nothing but ClrError. */
export interface FuzzTarget {
  name: string;
  /** Contents of the file that is read. */
  cases: fc.Arbitrary<Uint8Array | string>;
  read(file: string, content: Uint8Array | string): unknown;
}

/** The least shares of the cases that must be accepted and refused: with fewer, little is tested. */
export const minShares = { accepted: 0.3, refused: 0.2 };

const seconds = 10; // the most that one case may take; the usual one takes a millisecond or two

/** Runs `count` random cases in `directory`. Fails with the smallest that crashes, takes too long or leaves a file. */
export async function fuzz({ name, cases, read }: FuzzTarget, directory: string, count: number) {
  const outcomes = { accepted: 0, refused: 0, slowest: 0 };
  const file = path.join(directory, name.replaceAll(/\W+/g, '-'));
  mkdirSync(directory, { recursive: true });
  const property = fc.asyncProperty(cases, async (content) => {
    writeFileSync(file, content);
    const started = performance.now();
    try {
      await read(file, content);
      outcomes.accepted++;
    } catch (error) {
      outcomes.refused++;
      if (!(error instanceof ClrError)) throw error;
      if (![1, 2, 3, 4, 5].includes(error.exitCode)) throw new Error(`exit code ${error.exitCode}`, { cause: error });
    }
    const took = (performance.now() - started) / 1000;
    outcomes.slowest = Math.max(outcomes.slowest, took);
    if (took > seconds) throw new Error(`took ${took} s`);
  });
  await fc.assert(property, { numRuns: count, endOnFailure: false });
  rmSync(file);
  return outcomes;
}

const config = {
  epochs: 3,
  batch_size: 8,
  dataset: { type: 'synthetic', train_size: 64 },
  augmentation: { flip: true, crop: { pad: 4 } },
  schedule: {
    type: 'phases',
    phases: [
      { share: 0.5, lr: [0.1, 1] },
      { lr: 0.1, momentum: 0.9 },
    ],
  },
  expected: { val_acc: 90 },
};
const awkward = [
  ...['__proto__', 'constructor', 'toString', '', '\u001b[31m', '<script>', '1e400', '.nan', '-0', '2001-01-01', '~'],
  ...[
    '&a',
    '*a',
    '<<',
    '!!js/function',
    '!!binary',
    '---',
    '...',
    '? ',
    '- ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    '#',
    '\t',
    '\r\n',
  ],
  ...[
    '\uFEFF',
    '\u0000',
    '\u202e',
    '\ud800',
    '"',
    "'",
    '|',
    '>',
    '%YAML 9.9',
    'extends',
    'type',
    '..',
    '9'.repeat(400),
  ],
];
const word = fc.oneof(
  fc.constantFrom(...awkward),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.integer().map(String),
);
const keys = [
  'schedule',
  'epochs',
  'type',
  'lr',
  'dataset',
  'batch_size',
  'model',
  'depth',
  'phases',
  'extends',
  'name',
];
const tree = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.jsonValue(),
    word,
    tie('map'),
    fc.array(tie('value'), { maxLength: 4 }),
  ),
  map: fc.dictionary(fc.oneof(fc.constantFrom(...keys), word), tie('value'), { maxKeys: 5 }),
}));
/** A valid text with a few pieces cut out, replaced or inserted. */
const damagedText = (valid: string, pieces: fc.Arbitrary<string>) =>
  fc
    .array(fc.tuple(fc.nat(valid.length), fc.nat(8), pieces), { minLength: 1, maxLength: 5 })
    .map((edits) => edits.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), valid));
const yaml = `epochs: 3\nschedule:\n  type: clr-beta\n  max_lr: &lr 0.4\naugmentation: {flip: true}\nmax_loss: *lr\nname: a\n`;
const configText = fc.oneof(
  { weight: 6, arbitrary: plausibleConfigs },
  damagedText(JSON.stringify(config), word),
  damagedText(yaml, word),
  tree.map.map((map) => JSON.stringify(map)),
  fc.array(word, { maxLength: 30 }).map((words) => words.join('')),
  fc
    .tuple(fc.constantFrom('[', '{a: ', '- ', '? ', '"', '*a ', '&a ', '\n ', ' '), fc.nat(5_000))
    .map(([s, n]) => s.repeat(n / s.length)),
);

const columns = Object.keys(metricsColumns);
const cell = fc.oneof(fc.double().map(String), fc.integer().map(String), word, fc.constant(''));
const table = fc.array(fc.array(cell, { minLength: 8, maxLength: 11 }), { maxLength: 6 });
const goodTable = `${columns.join()}\n1,98,0.1,0.9,2,20,2,21,1.5,900\n2,196,0.2,0.9,1.5,30,NaN,31,1.5,900\n`;

const integer = fc.maxSafeNat().map(String);
const real = fc.double().map((value) => (Object.is(value, -0) ? '-0' : String(value)));
const validRow = fc.tuple(...Object.values(metricsColumns).map(({ type }) => (type === 'integer' ? integer : real)));
const tableText = fc.oneof(
  { weight: 2, arbitrary: fc.array(validRow, { maxLength: 6 }).map((rows) => `${[columns, ...rows].join('\n')}\n`) },
  damagedText(goodTable, word),
  table.map((rows) => [columns, ...rows].map((r) => r.join()).join('\n')),
);
const names = fc.constantFrom(
  'train/cat/a.png',
  'test/cat/b.png',
  '../x',
  '/etc/x',
  'data_batch_1.bin',
  'train/cat/',
  'x\u001b[31m',
);
const good = fc.record({
  path: fc.constantFrom('train/cat/a.png', 'test/cat/b.png', 'data_batch_1.bin', 'readme.txt'),
  type: fc.constant('File'),
  body: fc.uint8Array({ maxLength: 600 }),
});
const odd = fc.record({
  path: fc.oneof(names, fc.string({ maxLength: 60 })),
  type: fc.constantFrom('File', 'Directory', 'SymbolicLink', 'Link', 'CharacterDevice', 'FIFO', 'NextFileHasLongPath'),
  body: fc.uint8Array({ maxLength: 600 }),
  size: fc.oneof(fc.nat(600), fc.nat(), fc.constant(2 ** 40)),
});
interface Member {
  path: string;
  type: string;
  body: Uint8Array;
  /** The size in the header. */
  size?: number;
}
const member: fc.Arbitrary<Member> = fc.oneof({ weight: 3, arbitrary: good }, odd);

/** A tar file of the members, whatever their headers say. */
function tar(members: Member[]): Buffer {
  const blocks = members.map(({ path: name, type, body, size = body.length }) => {
    const header = new Header({
      path: name,
      size,
      type: type as 'File',
      mode: 0o644,
      mtime: new Date(0),
      linkpath: type.endsWith('Link') ? 'x' : '',
    });
    header.encode();
    const padded = Buffer.alloc(Math.ceil(body.length / 512) * 512);
    padded.set(body);
    return Buffer.concat([header.block!, padded]);
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

const share = fc.double({ min: 0, max: 1, noNaN: true });
const flips = fc.oneof(fc.constant([]), fc.array(fc.tuple(share, fc.nat(255)), { maxLength: 4 }));
const validArchive = fc
  .tuple(fc.uniqueArray(good, { selector: (member) => member.path }), fc.boolean())
  .map(([members, compressed]) => (compressed ? gzipSync(tar(members)) : tar(members)));
const archive = fc
  .tuple(fc.array(member, { maxLength: 4 }), fc.boolean(), flips, share)
  .map(([members, compressed, changes, kept]) => {
    const packed = compressed ? gzipSync(tar(members)) : tar(members);
    for (const [at, value] of changes) packed[Math.floor(at * (packed.length - 1))] = value;
    return packed.subarray(0, kept > 0.3 ? packed.length : Math.floor(3 * kept * packed.length));
  });

export const fuzzTargets: FuzzTarget[] = [
  {
    name: 'configs',
    cases: configText,
    read: (file) => resolve(loadConfig(file)),
  },
  {
    name: '--set',
    cases: fc.oneof(
      { weight: 3, arbitrary: plausibleAssignments },
      fc
        .tuple(fc.constantFrom(...keys, 'schedule.lr', 'optimizer.weight_decay', 'augmentation.crop.pad'), word)
        .map((pair) => pair.join('=')),
      damagedText('schedule.phases=[{share: 0.5, lr: [0.1, 1]}, {lr: 0.1}]', word),
      word,
    ),
    read: (file, assignment) => {
      writeFileSync(file, JSON.stringify(config));
      loadConfig(file, { set: [assignment as string] });
    },
  },
  {
    name: 'CSV tables',
    cases: tableText,
    read: (file) => readTable(file, metricsColumns),
  },
  {
    name: 'JSON files',
    cases: fc.oneof(damagedText(JSON.stringify(config), word), fc.json(), fc.uint8Array({ maxLength: 200 })),
    read: (file) => readJson(path.dirname(file), path.basename(file)),
  },
  {
    name: 'archives',
    cases: fc.oneof({ weight: 3, arbitrary: validArchive }, { weight: 4, arbitrary: archive }),
    read: async (file) => {
      for await (const { bytes: content } of archiveFiles(file, cifar10Layout)) await content();
    },
  },
];
