import { cut } from './fit.js';

const gap = '  ';

/**
 * Lines of aligned columns, numbers to the right. On a terminal of `width` columns, the last column is cut to the
 * room that is left; undefined (a file or a pipe): nothing is cut.
 */
export function fitTable(head: readonly string[], rows: readonly (readonly string[])[], width?: number): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const numeric = head.map((_, i) => rows.length > 0 && rows.every((row) => /^(-|\d[\d.]*)$/.test(row[i]!)));
  const cell = (text: string, i: number) => (numeric[i] ? text.padStart(widths[i]!) : text.padEnd(widths[i]!));
  const line = (row: readonly string[]) => cut(row.map(cell).join(gap).trimEnd(), width);
  const rule = cut(widths.map((n) => '─'.repeat(n)).join(gap), width);
  return `${[line(head), rule, ...rows.map(line)].join('\n')}\n`;
}
