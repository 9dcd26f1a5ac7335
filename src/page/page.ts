import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { shipped } from '../system/root.js';
import type { PageData } from './data.js';
import { Html, html } from './html.js';

/** The content of a page: that of `clr report` contains its data, that of `clr watch` gets them from the server. */
export interface Page {
  title: string;
  body: Html;
  /** Undefined: the page listens to the server that it comes from. */
  data?: PageData;
}

/** A complete page: nothing is loaded from elsewhere, and its policy allows no script but the page's own. */
export function page({ title, body, data }: Page): string {
  const script = bundled('page.js');
  const digest = createHash('sha256').update(script).digest('base64');
  const policy = [`script-src 'sha256-${digest}'`, ...(data ? [] : ["connect-src 'self'"])];
  const scripts = html`${data ? html`<script type="application/json" id="data">${new Html(inScript(data))}</script>\n` : ''}
<script>${new Html(script)}</script>`;
  return document(title, html`${body}\n${scripts}`, policy);
}

/** A page without scripts, or with those in its body that `more`, an addition to its policy, allows. */
export function document(title: string, body: Html, more: string[] = []): string {
  const policy = ["default-src 'none'", 'img-src data: blob:', "style-src 'unsafe-inline'", ...more].join('; ');
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Html(bundled('style.css'))}</style>
</head>
<body>
${body}
</body>
</html>
`.source;
}

/** Where the browser's script draws: legend, controls, charts. */
export const app = html`<div id="app">
<div class="controls">
<span id="status"></span><span id="connection" role="status"></span>
<label id="question-control">comparison <select id="question"></select></label>
<label>smoothing of batch losses <input id="smoothing" type="range" min="0" max="0.99" step="0.01" value="0.9"></label>
<label>seeds <select id="mode"><option value="each">one line per seed</option><option value="mean">mean ± std</option></select></label>
<button id="theme" type="button">light / dark</button>
</div>
<div id="legend"></div>
<div class="charts">
${chartCard('accuracy-chart', [
  ['val_acc', 'validation accuracy (%)'],
  ['train_acc', 'training accuracy (%)'],
])}
${chartCard('loss-chart', [
  ['val_loss', 'validation loss'],
  ['train_loss', 'training loss'],
])}
${['lr-chart', 'momentum-chart', 'steps-chart', 'loss-lr-chart'].map((id) => html`<section class="card plain"><div id="${id}"></div></section>\n`)}</div>
<p class="small" id="few"></p>
</div>`;

function chartCard(id: string, choices: [value: string, title: string][]): Html {
  const name = id.replace('-chart', '');
  const options = choices.map(([value, title]) => html`<option value="${value}">${title}</option>`);
  return html`<section class="card"><select id="${name}" aria-label="what is drawn">${options}</select><div id="${id}"></div></section>`;
}

/** JSON with `<` escaped, which could end the script. Numbers that are not finite are null. */
function inScript(data: PageData): string {
  return JSON.stringify(data).replaceAll('<', '\\u003c');
}

function bundled(file: string): string {
  return readFileSync(shipped(`dist/browser/${file}`), 'utf8');
}
