import { randomStream } from '../random.js';
import { digits, momentumWords, type Settings } from './settings.js';

/** A decision by short runs of one cycle each: which arm has the best mean validation accuracy over the seeds. */
export interface Race {
  name: 'lr' | 'momentum' | 'wd' | 'tail';
  title: string;
  /** The setting that it tunes; tells whether the winner is at the edge of the values tried. */
  key: keyof Settings;
  /** The rule and its source, for the page. */
  rule: string;
  source: string;
  arms(current: Settings): { name: string; settings: Settings }[];
  chosen(settings: Settings): string;
}

const momenta = [0.9, 0.95, 0.97, 0.99];
const below = 0.1; // the lower momentum of a cycle

/** In this order; each starts from the values chosen so far. */
export const races: Race[] = [
  {
    name: 'lr',
    key: 'max_lr',
    title: 'Highest learning rate',
    rule: 'Range tests are short, and the shorter they are, the earlier accuracy stops rising. So short runs are trained at half, once, twice and four times the LR found there; the best mean accuracy decides. The cycle starts at a tenth of its highest LR.',
    source: 'arXiv:1803.09820, section 5 (minimum a tenth of the maximum)',
    arms: (current) => [1, 0.5, 2, 4].map((share) => withLr(current, digits(current.max_lr * share))),
    chosen: ({ max_lr }) => `LR ${digits(max_lr / 10)} to ${max_lr}`,
  },
  {
    name: 'momentum',
    key: 'max_momentum',
    title: 'Momentum',
    rule: 'Short runs at 0.99, 0.97, 0.95 and 0.9, constant and cycled (down by 0.1 while the LR rises, then back up); the best mean accuracy decides. A momentum range test (a run in which the momentum rises steadily) does not find the best value, so none is run.',
    source: 'arXiv:1803.09820, section 5 and figure 7b (where the range test of the momentum fails)',
    arms: (current) =>
      momenta.flatMap((max_momentum) =>
        [max_momentum, digits(max_momentum - below)].map((min_momentum) => {
          const settings = { ...current, max_momentum, min_momentum };
          return { name: `momentum ${momentumWords(settings)}`, settings };
        }),
      ),
    chosen: (settings) => `momentum ${momentumWords(settings)}`,
  },
  {
    name: 'wd',
    key: 'weight_decay',
    title: 'Weight decay',
    rule: 'Runs at w / 3.2, w, 3.2 w and 10 w, to one significant figure, where w is the weight decay from the range tests; the best mean accuracy decides. Larger values are included because range tests are short, and a net that is trained for longer usually needs more weight decay. For the same reason these are the longest runs of the search, and none is stopped early.',
    source: 'arXiv:1803.09820, section 5 and figure 11 (one significant figure)',
    arms: (current) => {
      const values = [0, -0.5, 0.5, 1].map((shift) => digits(current.weight_decay * 10 ** shift, 1));
      return [...new Set(values)].map((weight_decay) => ({
        name: `weight decay ${weight_decay}`,
        settings: { ...current, weight_decay },
      }));
    },
    chosen: ({ weight_decay }) => `weight decay ${weight_decay}`,
  },
  {
    name: 'tail',
    key: 'tail',
    title: 'Tail',
    rule: 'Short runs with a tail of 5, 10 and 20 percent of their length; the best mean accuracy decides. None is stopped early, since the tail comes last.',
    source: 'the experiments of arXiv:1803.09820 have tails of 3 to 14 percent',
    arms: (current) => [5, 10, 20].map((tail) => ({ name: `tail ${tail} percent`, settings: { ...current, tail } })),
    chosen: ({ tail }) => `a tail of ${tail} %`,
  },
];

function withLr(current: Settings, max_lr: number) {
  return { name: `max LR ${max_lr}`, settings: { ...current, max_lr } };
}

/** What the random search draws from; it knows as little about the net and the data as the recipe does. */
export const randomRule =
  'highest LR log-uniform from 0.0001 to 10, weight decay log-uniform from 0.000001 to 0.01, momentum 0.9, 0.95, 0.97 or 0.99, constant or cycled, tail 5, 10 or 20 %';

/** `trials` random settings, the same ones every time. */
export function randomSettings(trials: number): { name: string; settings: Settings }[] {
  const random = randomStream(1, 'search');
  const pick = <Item>(items: Item[]) => items[Math.floor(random.uniform() * items.length)]!;
  const logUniform = (low: number, high: number) => digits(low * (high / low) ** random.uniform());
  return Array.from({ length: trials }, (_, i) => {
    const max_momentum = pick(momenta);
    const min_momentum = pick([max_momentum, digits(max_momentum - below)]);
    const settings = {
      max_lr: logUniform(1e-4, 10),
      weight_decay: logUniform(1e-6, 1e-2),
      ...{ max_momentum, min_momentum, tail: pick([5, 10, 20]) },
    };
    return { name: `trial ${i + 1}`, settings };
  });
}
