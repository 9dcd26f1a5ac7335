import type { ExperimentConfig } from '../../config/schema.js';
import type { TuneRecord } from '../record.js';
import type { Settings } from '../settings.js';

/** What the page is about. */
export interface Tuned {
  directory: string;
  config: ExperimentConfig;
  record: TuneRecord;
  settings: Settings;
  /** The config with these settings. */
  tuned: ExperimentConfig;
}
