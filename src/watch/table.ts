import { cells, said } from '../compare/cells.js';
import { compare } from '../compare/comparison.js';
import { html, list, table } from '../page/html.js';
import { readRuns } from '../runs/read-runs.js';

/** The table and the sentences of `clr compare`, of the runs that have something to compare; else why not. */
export function comparisonTable(folders: readonly string[]): string {
  const { runs, skipped } = readRuns(folders);
  if (runs.length === 0) return html`<p class="small">No run has finished yet.</p>`.source;
  const comparison = compare(runs, skipped, { metric: 'val_acc' });
  const { head, body } = cells(comparison);
  return html`${table(head, body)}${list(said(comparison).sentences)}`.source;
}
