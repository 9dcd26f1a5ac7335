import { ClrError } from '../errors.js';
import { readJsonAs, readMetrics, readUpdates } from '../runs/read-run.js';
import { runStatus } from '../runs/status.js';
import { type HeadingConfig, headingSchema, modelOnData } from './heading.js';
import { type OverlaidRun, overlay } from './overlay.js';
import { writeChartFile } from './render.js';

const maxRuns = 20; // lines that can just be told apart

/**
 * Draws several runs in one chart, labelled by name. Throws ClrError('data') if one cannot be read, ClrError('usage')
 * if there are too many.
 */
export async function writeOverlay(
  file: string,
  directories: readonly string[],
  lrScale: 'linear' | 'log' | undefined,
): Promise<void> {
  if (directories.length > maxRuns)
    throw new ClrError(
      'usage',
      `${directories.length} runs are too many for one chart, which shows at most ${maxRuns}`,
      '`clr compare --chart` draws means over seeds, `clr watch` shows them all; --each draws the charts of each run',
    );
  const configs = directories.map((directory) => readJsonAs(headingSchema, directory, 'config.json'));
  const names = labels(configs, directories);
  const notes = new Set<string>();
  const runs = directories.map((directory, i): OverlaidRun => {
    const { updates, note } = readUpdates(directory);
    if (note) notes.add(note);
    const status = runStatus(directory);
    return {
      label: status === 'completed' ? names[i]! : `${names[i]} (${status})`,
      metrics: readMetrics(directory),
      iterations: updates,
    };
  });
  const nets = [...new Set(configs.map(modelOnData))];
  const title = `${directories.length} runs`;
  await writeChartFile(file, overlay(runs, { title, subtitle: [...nets.slice(0, 3), ...notes].join('; ') }, lrScale));
}

/** The runs' names; if these are not unique, with their seeds, or with seeds and folders. */
function labels(configs: readonly HeadingConfig[], directories: readonly string[]): string[] {
  const named = configs.map(({ name }) => name);
  const seeded = configs.map(({ name, seed }) => `${name}, seed ${seed}`);
  const distinct = [named, seeded].find((all) => new Set(all).size === all.length);
  return distinct ?? seeded.map((label, i) => `${label}, ${directories[i]}`);
}
