import type { Table } from './cells.js';

const gap = 2;
const narrowest = 16; // characters; narrower labels go on a line of their own instead of wrapping

/**
 * The table in at most `width` characters if possible. Labels wrap; if too little room is left for them, each goes on a
 * line of its own above its numbers.
 */
export function textTable({ head, body }: Table, width: number): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...body.map((row) => row[i]!.length)));
  const rest = widths.slice(1).reduce((sum, w) => sum + w + gap, 0);
  const label = Math.min(widths[0]!, Math.max(0, width - rest));
  const numeric = head.map((_, i) => i > 0 && body.every((row) => /^$|^[-+\d]/.test(row[i]!)));
  const cell = (text: string, i: number) => (numeric[i] ? text.padStart(widths[i]!) : text.padEnd(widths[i]!));
  const numbers = (row: string[]) => row.slice(1).map((text, i) => cell(text, i + 1));
  const join = (parts: string[]) => parts.join(' '.repeat(gap)).trimEnd();
  if (label >= Math.min(narrowest, widths[0]!)) {
    const lines = (row: string[]) => {
      const [first = '', ...more] = wrap(row[0]!, label);
      return [join([first.padEnd(label), ...numbers(row)]), ...more];
    };
    const rule = join([label, ...widths.slice(1)].map((w) => '─'.repeat(w)));
    return [...lines(head), rule, ...body.flatMap(lines)];
  }
  const stacked = (row: string[]) => [...wrap(row[0]!, width), join(['', ...numbers(row)])];
  const rule = '─'.repeat(Math.min(width, rest));
  return [...stacked(head), rule, ...body.flatMap(stacked)];
}

/** Breaks at spaces, or within a word longer than the line. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    const end = space > 0 ? space : width;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...lines, rest];
}
