import { printable } from '../system/printable.js';

/** Text that is HTML already; nothing else gets into a page unescaped. */
export class Html {
  constructor(readonly source: string) {}
}

type Value = Html | string | number | readonly (Html | string | number)[];

/** A template of HTML: values (or the items of lists) are escaped and stripped of control characters, unless Html. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map((value) => [value].flat().map(source).join(''))));
}

/** A table with right-aligned numeric columns, which scrolls if it is wider than the page. */
export function table(head: readonly string[], body: readonly (readonly string[])[]): Html {
  const kinds = head.map((_, i) => kindOf(body.map((row) => row[i]!)));
  const kind = (i: number) => (kinds[i] ? html` class="${kinds[i]}"` : '');
  const header = head.map((title, i) => html`<th scope="col"${kind(i)}>${title}</th>`);
  const rows = body.map((row) => html`<tr>${row.map((cell, i) => html`<td${kind(i)}>${cell}</td>`)}</tr>\n`);
  return html`<div class="wide"><table>\n<thead><tr>${header}</tr></thead>\n<tbody>\n${rows}</tbody>\n</table></div>\n`;
}

const number = /^-?$|^(< )?[-+]?\d[^,]*( \[[^\]]*\])?$|^\[[-+]\d[^\]]*\]$/; // also an interval, or both

/** Numbers are right-aligned on one line; a word that is longer than a column may break anywhere. */
function kindOf(cells: readonly string[]): 'number' | 'long' | undefined {
  if (cells.every((cell) => number.test(cell))) return 'number';
  return cells.some((cell) => /\S{20}/.test(cell)) ? 'long' : undefined;
}

export function list(items: readonly string[]): Html {
  return html`<ul>\n${items.map((item) => html`<li>${item}</li>\n`)}</ul>\n`;
}

const longest = 1000; // characters of one text: others may have written names and settings
const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function source(value: Html | string | number): string {
  if (value instanceof Html) return value.source;
  const text = printable(String(value));
  const shown = text.length > longest ? `${text.slice(0, longest)}...` : text;
  return shown.replace(/[&<>"']/g, (character) => entities[character]!);
}
