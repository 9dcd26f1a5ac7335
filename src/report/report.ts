import { cells, measured, notesOf, settingCell } from '../compare/cells.js';
import type { Comparison } from '../compare/comparison.js';
import type { Row } from '../compare/row.js';
import type { PageRun } from '../page/data.js';
import { Html, html, list, table } from '../page/html.js';
import { app, page } from '../page/page.js';
import type { Skipped } from '../runs/find-runs.js';
import { type Metric, metrics } from '../runs/scores.js';
import { version } from '../system/version.js';
import { environmentColumns, environmentsOf } from './environments.js';

const maxColumns = 3; // of settings in the first table, so that it fits a page; the sections of the configs have all

export interface ReportParts {
  /** One or more, each with the PNG of its chart for readers without scripts. */
  comparisons: { comparison: Comparison; chart: Uint8Array }[];
  /** What the interactive charts draw. */
  series: PageRun[];
  /** Folders without a run to show. */
  skipped: Skipped[];
  /** Runs on the page whose files could not be read. */
  unread: Skipped[];
  title: string;
}

/** Comparisons as one self-contained HTML page: tables, sentences, charts, a section per arm, what was left out. */
export function report({ comparisons, series, skipped, unread, title }: ReportParts): string {
  const rows = comparisons.flatMap(({ comparison }) => comparison.rows);
  const environments = new Map(rows.map((row) => [row, environmentsOf(row)]));
  const missing = [...unread, ...[...environments.values()].flatMap((found) => found.unread)];
  const runs = rows.reduce((sum, row) => sum + row.runs.length, 0);
  const named = (what: string, { title }: Comparison) => (comparisons.length > 1 ? `${what}: ${title}` : what);
  const compared = comparisons.map(
    ({ comparison, chart }) => html`<h2>${named('Comparison', comparison)}</h2>
${overview(comparison)}
<div class="pictures"><img alt="${metrics[comparison.metric].what}: each run, and over epochs" src="data:image/png;base64,${base64(chart)}"></div>
`,
  );
  const detailed = comparisons.map(
    ({ comparison }) => html`<h2>${named('Configs', comparison)}</h2>
${comparison.rows.map((row) => arm(row, comparison, environments.get(row)!.lines))}
<h3>Settings in common</h3>
<div class="columns">
${list(Object.entries(comparison.shared).map(([key, value]) => `${key}: ${settingCell(value)}`))}</div>
`,
  );
  const date = new Date().toISOString().slice(0, 10);
  const body = html`<h1>${title}</h1>
<p class="small">${date}, clr ${version()}: ${runs} runs of ${rows.length} configs, ${skipped.length} folders left out</p>
${compared}
<div id="charts"><h2>Charts</h2>
${app}</div>
${detailed}
<h2>Left out</h2>
${reasons(skipped, 'No folder was left out.')}
<h2>Not read</h2>
${reasons(missing, 'Every file of the runs above was read.')}`;
  return page({ title, body, data: { runs: series } });
}

/** Letters, digits, + / and =, which need no escaping. */
function base64(bytes: Uint8Array): Html {
  return new Html(Buffer.from(bytes).toString('base64'));
}

function overview(comparison: Comparison): Html {
  const { columns } = comparison;
  const { head, body } = cells(comparison, { settings: columns.length <= maxColumns });
  const { sentences, notes } = notesOf(comparison);
  const { metric, baseline } = comparison;
  return html`${table(head, body)}
<p>${metrics[metric].what}, against ${baseline}:</p>
${list(sentences.length > 0 ? sentences : ['There is no other config.'])}
${list(notes)}
<p class="small">Mean ± standard deviation over the seeds that completed.</p>`;
}

function arm(row: Row, { columns, baseline }: Comparison, environments: string[][]): Html {
  const names = Object.keys(metrics) as Metric[];
  const results = row.runs.map(({ directory, seed, status, message, scores }) => [
    String(seed),
    message ? `${status}: ${message}` : status,
    ...names.map((name) => measured(scores?.[name] ?? Number.NaN, name)),
    directory,
  ]);
  const settings = columns.map((key) => [key, settingCell(row.settings[key])]);
  return html`<section>
<h3>${row.config}${row.config === baseline ? ', the baseline' : ''}</h3>
${settings.length > 0 ? table(['key that differs', 'value'], settings) : ''}
${table(['seed', 'status', ...names.map((name) => metrics[name].title), 'folder'], results)}
${table(environmentColumns, environments)}
</section>
`;
}

function reasons(found: Skipped[], none: string): Html {
  return found.length > 0 ? list(found.map(({ path, reason }) => `${path}: ${reason}`)) : html`<p>${none}</p>`;
}
