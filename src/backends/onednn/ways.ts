import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ClrError } from '../../errors.js';
import { makeFolders } from '../../system/atomic.js';
import { type Activation, type Addon, addonPath } from './addon.js';

/** The ways to compute a convolution, in the order of `Way` in native/convolution.h. */
export const ways = ['direct', 'winograd', 'dot'] as const;
export type Way = (typeof ways)[number];

const passes = {
  forward: 'convForward',
  'input gradient': 'convBackwardInput',
  'filter gradient': 'convBackwardFilter',
} as const;
type Pass = keyof typeof passes;

interface WaysOptions {
  /** What choices depend on: processor, versions, threads, precision. */
  machine: string;
  /** Where choices are stored; undefined: none is made, each convolution is computed its standard way. */
  cacheDirectory?: string | undefined;
  /** The choices of the run being resumed. */
  recorded?: Readonly<Record<string, string>> | undefined;
}

/**
 * Chooses the way to compute each convolution that several ways suit: the fastest, measured when a pass of that shape
 * first occurs. A choice holds for every later process on this machine, since the bits depend on it.
 * CLR_CONVOLUTION overrides it where that way suits.
 */
export class Ways {
  /** All choices in use, by name of the convolution. */
  readonly chosen: Record<string, Way>;
  private readonly forced = forcedWay();
  private readonly kept?: KeptChoices;

  constructor(
    private readonly addon: Addon,
    { machine, cacheDirectory, recorded = {} }: WaysOptions,
  ) {
    this.chosen = Object.fromEntries(Object.entries(recorded).filter(isChoice));
    if (cacheDirectory !== undefined) this.kept = new KeptChoices(cacheDirectory, machine);
  }

  /** `shape`: native/convolution.h's ConvolutionShape. Writes y, x or filter, whichever the pass computes. */
  convolve(pass: Pass, shape: Int32Array, x: Activation, filter: Float32Array, y: Activation): void {
    const compute = (way: Way) => this.addon[passes[pass]](ways.indexOf(way), shape, x, filter, y);
    const bf16 = x instanceof Uint16Array;
    const suited = ways.filter((_, number) => this.addon.convSuits(number, shape, bf16));
    compute(suited.length > 1 ? this.choice(nameOf(pass, shape), suited, compute) : suited[0]!);
  }

  /** Of the ways that suit, the last is the fastest on most processors. */
  private choice(name: string, suited: Way[], compute: (way: Way) => void): Way {
    const measure = () => this.kept?.choice(name, () => fastest(suited, compute));
    const candidates = [this.forced, this.chosen[name]].filter((way) => way && suited.includes(way));
    const way = candidates[0] ?? measure() ?? suited.at(-1)!;
    this.chosen[name] = way;
    return way;
  }
}

function forcedWay(): Way | undefined {
  const requested = process.env.CLR_CONVOLUTION || undefined;
  if (requested === undefined || isWay(requested)) return requested;
  throw new ClrError(
    'usage',
    `CLR_CONVOLUTION=${requested} is not a convolution algorithm`,
    `known: ${ways.join(', ')}`,
  );
}

const isWay = (text: unknown): text is Way => ways.includes(text as Way);
const isChoice = (entry: [string, unknown]): entry is [string, Way] => isWay(entry[1]);

/** E.g. "forward 128x32x32x16 by 3x3x16, pad 1 1 1 1". There is a choice only for stride 1. */
function nameOf(pass: Pass, [n, h, w, from, , , to, rows, columns, , , ...pad]: Int32Array): string {
  return `${pass} ${n}x${h}x${w}x${from} by ${rows}x${columns}x${to}, pad ${pad.join(' ')}`;
}

/** The last way, or another that is clearly faster. All ways write their result to the same place. */
function fastest(suited: Way[], compute: (way: Way) => void): Way {
  const standard = suited.at(-1)!;
  const work = (way: Way) => () => compute(way);
  return suited.find((way) => way !== standard && isFaster(work(way), work(standard))) ?? standard;
}

/**
 * Whether `one` takes 5 % less time than `other` in ten rounds before it fails to in two. On a shared processor times
 * vary tenfold; of two that are equally fast, one is taken to be faster in less than one case in a hundred.
 */
export function isFaster(one: () => void, other: () => void, now: () => number = () => performance.now()): boolean {
  const time = (work: () => void) => {
    const started = now();
    work();
    return now() - started;
  };
  one(); // makes primitives and scratch memory
  other();
  let failures = 0;
  for (let wins = 0; wins < 10 && failures < 2; ) {
    if (time(one) < 0.95 * time(other)) wins++;
    else failures++;
  }
  return failures < 2;
}

/**
 * The choices of all processes, one per line, in a file of the cache that is only appended to. The first line for a
 * convolution counts, so processes that measure at the same time (say, the runs of a sweep) all end up with it.
 */
class KeptChoices {
  private readonly file: string;
  private readonly machine: string;

  constructor(
    private readonly directory: string,
    machine: string,
  ) {
    this.file = path.join(directory, 'convolutions.jsonl');
    this.machine = `${machine}, addon ${createHash('sha256').update(readFileSync(addonPath)).digest('hex').slice(0, 12)}`;
  }

  /** Undefined if the choice cannot be stored. */
  choice(convolution: string, measure: () => Way): Way | undefined {
    const { machine } = this;
    const known = this.read(convolution);
    if (known) return known;
    const line = JSON.stringify({ machine, convolution, way: measure() });
    try {
      makeFolders(this.directory);
      appendFileSync(this.file, `\n${line}`); // newline first: a process may have been killed in mid-line
    } catch {
      return undefined; // other processes could not know of it
    }
    return this.read(convolution);
  }

  private read(convolution: string): Way | undefined {
    if (!existsSync(this.file)) return undefined;
    for (const line of readFileSync(this.file, 'utf8').split('\n')) {
      const kept = parsed(line);
      if (kept?.machine === this.machine && kept.convolution === convolution && isWay(kept.way)) return kept.way;
    }
    return undefined;
  }
}

function parsed(line: string): { machine?: unknown; convolution?: unknown; way?: unknown } | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // half a line
  }
}
