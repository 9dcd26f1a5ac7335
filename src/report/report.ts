import { cells, measured, said, settingCell } from '../compare/cells.js';
import type { Comparison } from '../compare/comparison.js';
import type { Row } from '../compare/row.js';
import type { PageRun } from '../page/data.js';
import { Html, html, list, table } from '../page/html.js';
import { app, page } from '../page/page.js';
import type { Skipped } from '../runs/find-runs.js';
import { type Metric, metrics } from '../runs/scores.js';
import { version } from '../system/version.js';
import { environmentColumns, environmentsOf } from './environments.js';

const mostColumns = 3; // of settings in the first table, so that it fits a page; the section of each config has them all

export interface ReportParts {
  comparison: Comparison;
  /** The PNG of the comparison's chart, for readers without scripts. */
  chart: Uint8Array;
  /** What the interactive charts draw. */
  series: PageRun[];
  /** Files of runs that are shown which could not be read. */
  unread: Skipped[];
  title: string;
}

/** The comparison as one page of HTML that needs nothing else: table, sentences, chart, a section an arm, what was left out. */
export function report({ comparison, chart, series, unread, title }: ReportParts): string {
  const { rows, shared, skipped } = comparison;
  const environments = rows.map(environmentsOf);
  const missing = [...unread, ...environments.flatMap((found) => found.unread)];
  const runs = rows.reduce((sum, row) => sum + row.runs.length, 0);
  const made = new Date().toISOString().slice(0, 10);
  const body = html`<h1>${title}</h1>
<p class="small">${made}, clr ${version()}: ${runs} runs of ${rows.length} configs, ${skipped.length} folders left out</p>
<h2>Comparison</h2>
${overview(comparison)}
<h2>Charts</h2>
<div id="pictures"><img alt="${metrics[comparison.metric].what}: each run, and over epochs" src="data:image/png;base64,${base64(chart)}"></div>
${app}
<h2>Configs</h2>
${rows.map((row, i) => arm(row, comparison, environments[i]!.lines))}
<h2>Settings in common</h2>
<div class="columns">
${list(Object.entries(shared).map(([key, value]) => `${key}: ${settingCell(value)}`))}</div>
<h2>Left out</h2>
${named(skipped, 'No folder was left out.')}
<h2>Not read</h2>
${named(missing, 'Every file of the runs above was read.')}`;
  return page({ title, body, data: { runs: series } });
}

/** Letters, digits, + / and =, which need no escaping. */
function base64(bytes: Uint8Array): Html {
  return new Html(Buffer.from(bytes).toString('base64'));
}

function overview(comparison: Comparison): Html {
  const { columns } = comparison;
  const { head, body } = cells(comparison, { settings: columns.length <= mostColumns });
  const { sentences, notes } = said(comparison);
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

function named(found: Skipped[], none: string): Html {
  return found.length > 0 ? list(found.map(({ path, reason }) => `${path}: ${reason}`)) : html`<p>${none}</p>`;
}
