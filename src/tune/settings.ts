import { loadConfig } from '../config/load.js';
import type { ExperimentConfig } from '../config/schema.js';
import type { Stage } from './record.js';

/** The settings that are tuned. */
export interface Settings {
  max_lr: number;
  weight_decay: number;
  max_momentum: number;
  /** Momentum at the highest LR; equal to `max_momentum` if it is constant. */
  min_momentum: number;
  /** Percent of the run in which the LR falls below where it began. */
  tail: number;
}

const cycle = { max_momentum: 0.95, min_momentum: 0.85 }; // of arXiv:1803.09820
const shortTail = 10;

/**
 * Where the recipe starts: at the config's highest LR and weight decay, and at its momentum unless that is to be tuned,
 * which starts from the paper's cycle.
 */
export function startOf({ schedule, optimizer }: ExperimentConfig, stages: readonly Stage[]): Settings {
  const { max_lr, lr, momentum, ...rest } = schedule as Record<string, unknown>;
  const numberOr = (value: unknown, otherwise: number) => (typeof value === 'number' ? value : otherwise);
  const tuned = stages.includes('momentum');
  const before = {
    max_momentum: numberOr(momentum, numberOr(rest.max_momentum, cycle.max_momentum)),
    min_momentum: numberOr(momentum, numberOr(rest.min_momentum, cycle.min_momentum)),
  };
  return {
    max_lr: numberOr(max_lr, numberOr(lr, 0.1)),
    weight_decay: numberOr(optimizer.weight_decay, 0),
    ...(tuned ? cycle : before),
    tail: shortTail,
  };
}

/** The 1cycle schedule of the settings: from a tenth of the highest LR up to it, back, a tail down to a thousandth. */
export function scheduleOf({ max_lr, max_momentum, min_momentum, tail }: Settings): Record<string, unknown> {
  const momentum = max_momentum === min_momentum ? { momentum: max_momentum } : { max_momentum, min_momentum };
  return { type: 'clr-beta', max_lr, div: 10, pct: tail, ...momentum };
}

/** The config with these settings, for `epochs` epochs. */
export function configWith(file: string, name: string, settings: Settings, epochs: number): ExperimentConfig {
  const schedule = `schedule=${JSON.stringify(scheduleOf(settings))}`;
  return untuned(file, name, epochs, [schedule, `optimizer.weight_decay=${settings.weight_decay}`]);
}

/** The config unchanged, for `epochs` epochs; without what its source reports, which does not hold for that length. */
export function untuned(file: string, name: string, epochs: number, set: string[] = []): ExperimentConfig {
  const config = loadConfig(file, { set: [...set, `name=${JSON.stringify(name)}`, `epochs=${epochs}`] });
  return { ...config, source: undefined, expected: undefined };
}

/** The config without `dataset.holdout`: trained on all images, validated on test images that no choice has seen. */
export function onTestImages({ dataset: { holdout: _, ...dataset }, ...config }: ExperimentConfig): ExperimentConfig {
  return { ...config, dataset };
}

/** "0.95-0.85", or "0.9". */
export function momentumWords({ max_momentum, min_momentum }: Settings): string {
  return max_momentum === min_momentum ? String(max_momentum) : `${max_momentum}-${min_momentum}`;
}

/**
 * The momentum of a schedule that is not tuned, in the same words: "0.85-0.95" if it rises with the LR, "0.9-0" if it
 * decays (demon). Undefined if the schedule has none of these.
 */
export function momentumOf(schedule: Record<string, unknown>): string | undefined {
  const { momentum, max_momentum, min_momentum } = schedule;
  if (typeof momentum === 'number') return String(momentum);
  if (momentum === 'cyclic') return `${max_momentum}-${min_momentum}`;
  if (momentum === 'anti-cyclic') return `${min_momentum}-${max_momentum}`;
  const { demon } = Object(momentum);
  return typeof demon === 'number' ? `${demon}-0` : undefined;
}

/** Rounded to `precision` significant digits. */
export function digits(value: number, precision = 2): number {
  return Number(value.toPrecision(precision));
}
