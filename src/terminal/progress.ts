import { type GenericFormatter, MultiBar, Presets, type SingleBar } from 'cli-progress';
import { fitLine, type Piece } from './fit.js';
import { say, sayThrough } from './say.js';

/** What a bar shows besides its value. */
export type Fields = Record<string, string>;

/** How far a bar has come. */
export interface BarState {
  value: number;
  total: number;
  /** Such as "1m20s", from its last updates; empty if nothing is known yet. */
  eta: string;
}

/** The text to the right of a bar. */
export type Caption = (fields: Fields, state: BarState) => Piece[];

/** Lines on stderr; on a terminal with bars below them. */
export interface Progress {
  /** Whether bars are drawn: stderr is a terminal, and CI, where it would be a log, is not set. */
  readonly interactive: boolean;
  /** A line of pieces is cut to the terminal's width, a text is not. */
  line(text: string | Piece[]): void;
  /** A further bar, below the others; undefined if none are drawn. */
  bar(total: number, value: number, fields: Fields): SingleBar | undefined;
  remove(bar: SingleBar | undefined): void;
  /** Removes all bars. */
  stop(): void;
}

type Stream = NodeJS.WriteStream;

export function progress(caption: Caption, stream: Stream = process.stderr): Progress {
  const line = (text: string | Piece[]) =>
    say(typeof text === 'string' ? text : fitLine(text, stream.isTTY ? widthOf(stream) : undefined));
  if (stream.isTTY && !process.env.CI) return { interactive: true, line, ...bars(caption, stream) };
  return { interactive: false, line, bar: () => undefined, remove() {}, stop() {} };
}

/** Of a terminal that reports none, 80 columns. One less, since a full line would make some terminals wrap. */
const widthOf = (stream: Stream) => (stream.columns || 80) - 1;

/** The parts of cli-progress that its types leave out. */
interface Drawn {
  bars: { lastDrawnString: string | null }[];
  /** `dy`: rows from the first bar to the cursor. */
  terminal: { dy: number; newline(): void };
}

/** Between two drawings the cursor is on an empty row below the bars. */
function bars(caption: Caption, stream: Stream): Pick<Progress, 'bar' | 'remove' | 'stop'> {
  const options = { stream, clearOnComplete: true, hideCursor: true, gracefulExit: false, forceRedraw: true };
  const multi = new MultiBar(
    { ...options, linewrap: true, etaBuffer: 50, format: formatter(caption, stream) },
    Presets.shades_classic,
  );
  const { terminal, bars: drawn } = multi as unknown as Drawn;
  multi.on('redraw-post', () => terminal.newline());
  const resized = () => {
    const rows = drawn.map((bar) => (reflows() ? Math.ceil((bar.lastDrawnString ?? '').length / stream.columns) : 1));
    terminal.dy += rows.reduce((sum, n) => sum + n, 0) - drawn.length;
    stream.write(`\x1b[${terminal.dy}A\r\x1b[J`);
    terminal.dy = 0;
    multi.update();
  };
  const stop = () => {
    if (!multi.isActive) return;
    multi.stop();
    stream.off('resize', resized);
    process.off('exit', stop);
    sayThrough(undefined);
  };
  const start = () => {
    stream.on('resize', resized);
    process.on('exit', stop); // otherwise the cursor would stay hidden
    sayThrough((text) => {
      multi.log(text.replace(/\n|$/g, '\x1b[K\n'));
      multi.update(); // at once, above the bars
    });
  };
  return {
    bar(total, value, fields) {
      if (!multi.isActive) start();
      return multi.create(total, value, fields);
    },
    remove: (bar) => void (bar && multi.remove(bar)),
    stop,
  };
}

/** Whether the terminal re-wraps its lines when it gets narrower; old ones cut them. */
function reflows(): boolean {
  const { XTERM_VERSION, STY, TERM = '' } = process.env; // STY: GNU screen
  return !XTERM_VERSION && !STY && !TERM.startsWith('rxvt');
}

const barSize = { max: 24, min: 8 };

/** The bar takes the room that its caption leaves. */
function formatter(caption: Caption, stream: Stream): GenericFormatter {
  return (options, { progress: share, value, total, eta }, fields: Fields) => {
    const width = widthOf(stream);
    const known = Number.isFinite(Number(eta)) && value > 0;
    const pieces = caption(fields, { value, total, eta: known ? time(Number(eta)) : '' });
    const text = fitLine(
      pieces.filter((piece) => piece.text),
      width - barSize.min - 1,
      ' | ',
    );
    const size = Math.min(barSize.max, width - text.length - 1);
    const done = Math.round(share * size);
    return `${options.barCompleteString!.slice(0, done)}${options.barIncompleteString!.slice(0, size - done)} ${text}`;
  };
}

/** "45s", "3m05s", "2h40m". */
export function time(seconds: number): string {
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  if (seconds < 60) return `${Math.round(seconds)}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h${two((seconds % 3600) / 60)}m`;
}
