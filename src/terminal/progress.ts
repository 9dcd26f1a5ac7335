import { MultiBar, Presets, type SingleBar } from 'cli-progress';

/** What a bar shows besides its value: the names that its format has in braces. */
export type Fields = Record<string, string>;

/** Lines on stderr; on a terminal with bars below them. */
export interface Progress {
  /** Whether bars are drawn: stderr is a terminal, and CI, where it would be a log, is not set. */
  readonly interactive: boolean;
  line(text: string): void;
  /** A further bar, below the others; undefined where none are drawn. */
  bar(total: number, value: number, fields: Fields): SingleBar | undefined;
  remove(bar: SingleBar | undefined): void;
  /** Removes all bars. */
  stop(): void;
}

/** `format`: of each bar, as cli-progress has it. */
export function progress(format: string): Progress {
  return process.stderr.isTTY && !process.env.CI ? bars(format) : linesAlone;
}

const linesAlone: Progress = {
  interactive: false,
  line: (text) => void process.stderr.write(`${text}\n`),
  bar: () => undefined,
  remove() {},
  stop() {},
};

function bars(format: string): Progress {
  const options = { format, stream: process.stderr, clearOnComplete: true, hideCursor: true, barsize: 24 };
  const multi = new MultiBar({ ...options, etaBuffer: 50 }, Presets.shades_classic);
  return {
    interactive: true,
    line(text) {
      if (!multi.isActive) return linesAlone.line(text);
      multi.log(`${text}\n`);
      multi.update(); // at once, above the bars
    },
    bar: (total, value, fields) => multi.create(total, value, fields),
    remove: (bar) => void (bar && multi.remove(bar)),
    stop: () => void (multi.isActive && multi.stop()),
  };
}
