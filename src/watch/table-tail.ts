import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Column } from '../runs/columns.js';

const maxBytesAtOnce = 1 << 26;

/** A CSV file that grows: each call of `read` returns the rows that were added since the last one. */
export class TableTail<Name extends string> {
  private offset = 0;
  private header: string[] | undefined;

  constructor(
    private readonly file: string,
    private readonly columns: Record<Name, Column>,
  ) {}

  /**
   * `reset`: the file has become shorter (a resumed run cuts off rows after its checkpoint), and the rows are those
   * from its start. A last line without its line break waits for the next call. A missing file has no rows.
   */
  read(): { rows: Record<Name, number>[]; reset: boolean } {
    let file: number;
    try {
      file = openSync(this.file, 'r');
    } catch {
      return { rows: [], reset: false };
    }
    try {
      const { size } = fstatSync(file);
      const reset = size < this.offset;
      if (reset) [this.offset, this.header] = [0, undefined];
      const buffer = Buffer.alloc(Math.min(size - this.offset, maxBytesAtOnce));
      const bytes = readSync(file, buffer, 0, buffer.length, this.offset);
      const whole = buffer.subarray(0, buffer.subarray(0, bytes).lastIndexOf(0x0a) + 1);
      this.offset += whole.length;
      return { rows: this.parse(whole.toString('utf8')), reset };
    } finally {
      closeSync(file);
    }
  }

  /** The program's own tables have no quoted cells; a foreign one that has them gives NaN. */
  private parse(text: string): Record<Name, number>[] {
    const lines = text.split('\n').filter((line) => line !== '');
    if (!this.header && lines.length > 0) this.header = lines.shift()!.split(',');
    const places = (Object.keys(this.columns) as Name[]).map((name) => [name, this.header!.indexOf(name)] as const);
    return lines.map((line) => {
      const cells = line.split(',');
      const pairs = places.map(([name, at]) => [name, cells[at] ? Number(cells[at]) : Number.NaN]);
      return Object.fromEntries(pairs) as Record<Name, number>;
    });
  }
}
