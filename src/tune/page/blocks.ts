import { wrap } from '../../compare/text-table.js';
import { Html, html, list, table } from '../../page/html.js';

const lineWidth = 120; // of Markdown

/** A piece of the page, for Markdown and HTML alike. */
export type Block =
  | { heading: string; level: 1 | 2 | 3 }
  | { text: string }
  | { items: string[] }
  | { head: string[]; body: string[][] }
  /** A PNG in the folder of the page. */
  | { image: string; bytes: Uint8Array; alt: string };

export function toMarkdown(blocks: readonly Block[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  const one = (block: Block): string => {
    if ('heading' in block) return `${'#'.repeat(block.level)} ${block.heading}`;
    if ('text' in block) return wrap(block.text, lineWidth).join('\n');
    if ('items' in block) return block.items.map((item) => `- ${wrap(item, lineWidth - 2).join('\n  ')}`).join('\n');
    if ('image' in block) return `![${block.alt}](${block.image})`;
    return [line(block.head), `|${block.head.map(() => ' --- |').join('')}`, ...block.body.map(line)].join('\n');
  };
  return `${blocks.map(one).join('\n\n')}\n`;
}

export function toHtml(blocks: readonly Block[]): Html {
  return html`${blocks.map((block) => {
    if ('heading' in block) return headings[block.level](block.heading);
    if ('text' in block) return html`<p>${block.text}</p>\n`;
    if ('items' in block) return list(block.items);
    if ('image' in block) {
      const source = `data:image/png;base64,${Buffer.from(block.bytes).toString('base64')}`;
      return html`<div class="pictures"><img alt="${block.alt}" src="${new Html(source)}"></div>\n`;
    }
    return table(block.head, block.body);
  })}`;
}

const headings = {
  1: (text: string) => html`<h1>${text}</h1>\n`,
  2: (text: string) => html`<h2>${text}</h2>\n`,
  3: (text: string) => html`<h3>${text}</h3>\n`,
};
