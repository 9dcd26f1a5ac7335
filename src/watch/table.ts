import { cells, notesOf } from '../compare/cells.js';
import { compareEach } from '../compare/comparison.js';
import { html, list, table } from '../page/html.js';
import { readRuns } from '../runs/read-runs.js';

/** The tables and sentences of `clr compare`, as HTML; a note if there is no run. */
export function comparisonTable(folders: readonly string[]): string {
  const { runs } = readRuns(folders);
  if (runs.length === 0) return html`<p class="small">There is no run yet.</p>`.source;
  const comparisons = compareEach(undefined, runs, {});
  return comparisons
    .map((comparison) => {
      const { head, body } = cells(comparison);
      const title = comparisons.length > 1 ? html`<h3>${comparison.title}</h3>` : '';
      return html`${title}${table(head, body)}${list(notesOf(comparison).sentences)}`.source;
    })
    .join('');
}
