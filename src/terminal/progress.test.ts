import { PassThrough } from 'node:stream';
import xterm from '@xterm/headless';
import { afterEach, expect, test, vi } from 'vitest';
import { epochLine } from '../training/progress.js';
import { fitLine } from './fit.js';
import { progress, time } from './progress.js';
import { say } from './say.js';

afterEach(() => vi.unstubAllEnvs());

/** A terminal, and a stream into it that knows its width, as stderr does. */
function openTerminal(columns: number, reflowCursorLine?: boolean) {
  const cutting = { windowsPty: { backend: 'conpty', buildNumber: 1 } } as const;
  const terminal = new xterm.Terminal({
    ...{ cols: columns, rows: 24, allowProposedApi: true, convertEol: true },
    ...(reflowCursorLine === undefined ? cutting : { reflowCursorLine }),
  });
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns }) as unknown as NodeJS.WriteStream;
  stream.on('data', (data: Buffer) => terminal.write(data));
  const resize = async (to: number) => {
    await new Promise<void>((resolve) => terminal.write('', resolve));
    terminal.resize(to, 24);
    stream.columns = to;
    stream.emit('resize');
  };
  const lines = async () => {
    await new Promise<void>((resolve) => setImmediate(() => terminal.write('', resolve)));
    const { active } = terminal.buffer;
    const all = Array.from({ length: active.length }, (_, i) => active.getLine(i)!.translateToString(true));
    const kept = (line: string) =>
      reflowCursorLine === undefined ? line.slice(0, stream.columns).replace(/ {4,}.*/, '') : line;
    return all.map(kept).filter((line) => line); // where it cuts lines, xterm.js hides what real terminals drop
  };
  return { stream, resize, lines };
}

const row = {
  epoch: 7,
  iteration: 70,
  lr: 0.1,
  momentum: 0.95,
  train_loss: 1.5,
  train_acc: 45,
  val_loss: 18.1635,
  val_acc: 52.3,
  seconds: 95.2,
  images_per_second: 612,
};

test.each([
  [
    undefined,
    'epoch  7/95  train loss 1.500 acc 45.00%  val loss 18.163 acc 52.30%  LR 0.100  momentum 0.950  612 img/s  95.2 s',
  ],
  [79, 'epoch  7/95  train loss 1.500 acc 45.00%  val loss 18.163 acc 52.30%  LR 0.100'],
  [100, 'epoch  7/95  train loss 1.500 acc 45.00%  val loss 18.163 acc 52.30%  LR 0.100  momentum 0.950'],
  [59, 'epoch  7/95  val loss 18.163 acc 52.30%'],
  [30, 'epoch  7/95  val loss 18.163 …'],
])('an epoch in %s columns: numbers keep their labels', (width, line) => {
  expect(fitLine(epochLine(row, 95), width)).toBe(line);
});

test.each([
  ['breaks lines', true, ''],
  ['breaks lines, but not that of the cursor', false, ''],
  ['cuts lines', undefined, 'XTerm(379)'],
])('bars fit a terminal that %s when it becomes narrower, and leave nothing behind', async (_, reflow, version) => {
  vi.stubEnv('CI', '');
  vi.stubEnv('XTERM_VERSION', version);
  const { stream, resize, lines } = openTerminal(80, reflow);
  const shown = progress(
    ({ name }, { value, total }) => [
      { text: `${value}/${total}`, rank: 0 },
      { text: name!, rank: 0 },
      { text: 'something that a narrow terminal has no room for', rank: 1 },
    ],
    stream,
  );
  const bars = ['a', 'b', 'c'].map((name) => shown.bar(10, 5, { name })!);
  say('first');
  expect((await lines()).map((line) => line.replace(/[█░]+/, '#'))).toEqual([
    'first',
    ...['a', 'b', 'c'].map((name) => `# 5/10 | ${name} | something that a narrow terminal has no room for`),
  ]);
  for (const columns of [60, 41, 79, 30, 120, 50]) {
    await resize(columns);
    bars[1]!.update(6, {});
    shown.line(`${columns} columns`);
    const now = await lines();
    expect(
      now.filter((line) => /█/.test(line)),
      now.join('\n'),
    ).toHaveLength(3);
    expect(Math.max(...now.map((line) => line.length))).toBeLessThan(columns);
  }
  shown.remove(bars[0]);
  shown.line('a\nof two lines');
  expect((await lines()).filter((line) => /█/.test(line))).toHaveLength(2);
  shown.stop();
  say('last');
  expect(await lines()).toEqual([
    'first',
    ...[60, 41, 79, 30, 120, 50].map((n) => `${n} columns`),
    'a',
    'of two lines',
  ]);
});

test('times', () => {
  expect([0, 59, 65, 3599, 9600].map(time)).toEqual(['0s', '59s', '1m05s', '59m59s', '2h40m']);
});
