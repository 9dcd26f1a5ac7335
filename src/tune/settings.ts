import { loadConfig } from '../config/load.js';
import type { ExperimentConfig } from '../config/schema.js';

/** What is tuned. */
export interface Settings {
  max_lr: number;
  weight_decay: number;
  max_momentum: number;
  /** At the highest LR; that of `max_momentum`: it is constant. */
  min_momentum: number;
  /** Percent of the run in which the LR falls below where it began. */
  tail: number;
}

/** Where nothing has been decided: the paper's cycle (arXiv:1803.09820), the config's weight decay and highest LR. */
export function settingsOf({ schedule, optimizer }: ExperimentConfig): Settings {
  const { max_lr, lr } = schedule as { max_lr?: number; lr?: number };
  const weight_decay = (optimizer.weight_decay as number | undefined) ?? 0;
  return { max_lr: max_lr ?? lr ?? 0.1, weight_decay, max_momentum: 0.95, min_momentum: 0.85, tail: 10 };
}

/** The 1cycle schedule that they describe: from a tenth of the highest LR up to it, back, and the tail down to a thousandth. */
export function scheduleOf({ max_lr, max_momentum, min_momentum, tail }: Settings): Record<string, unknown> {
  const momentum = max_momentum === min_momentum ? { momentum: max_momentum } : { max_momentum, min_momentum };
  return { type: 'clr-beta', max_lr, div: 10, pct: tail, ...momentum };
}

/** The config with these settings, for so many epochs. */
export function configWith(file: string, name: string, settings: Settings, epochs: number): ExperimentConfig {
  const schedule = `schedule=${JSON.stringify(scheduleOf(settings))}`;
  return untuned(file, name, epochs, [schedule, `optimizer.weight_decay=${settings.weight_decay}`]);
}

/** The config as it is, for so many epochs; what its source reports is not what it should reach. */
export function untuned(file: string, name: string, epochs: number, set: string[] = []): ExperimentConfig {
  const config = loadConfig(file, { set: [...set, `name=${JSON.stringify(name)}`, `epochs=${epochs}`] });
  return { ...config, source: undefined, expected: undefined };
}

/** "0.95-0.85", or "0.9". */
export function momentumWords({ max_momentum, min_momentum }: Settings): string {
  return max_momentum === min_momentum ? String(max_momentum) : `${max_momentum}-${min_momentum}`;
}

/** So many significant digits. */
export function digits(value: number, precision = 2): number {
  return Number(value.toPrecision(precision));
}
