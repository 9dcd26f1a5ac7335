import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { loadAddon } from './addon.js';
import { onednn } from './index.js';
import { isFaster, Ways } from './ways.js';

// ../backends.test.ts tests that each way agrees with the reference.

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-ways-'));
afterAll(() => rmSync(scratch, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

/** Whether work that takes these milliseconds, call by call, over and over, is judged faster than work of 1 ms. */
function beatsOne(...durations: number[]): boolean {
  let [clock, calls] = [0, 0];
  const one = () => {
    clock += calls === 0 ? 1000 : durations[(calls - 1) % durations.length]!; // the first call makes primitives
    calls++;
  };
  const other = () => {
    clock += 1;
  };
  return isFaster(one, other, () => clock);
}

describe('a way is faster than another', () => {
  it.each([
    ['in every round', [0.5], true],
    ['in all rounds but one of ten', [0.5, 0.5, 0.5, 2, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5], true],
    ['in most rounds', [0.5, 0.5, 0.5, 2], false],
    ['by little', [0.97], false],
    ['never', [1.5], false],
  ])('%s', (_when, durations, expected) => {
    expect(beatsOne(...durations)).toBe(expected);
  });
});

const availability = await onednn.probe();
describe.runIf(availability.usable)('the way of a convolution', () => {
  const shape = Int32Array.of(1, 8, 8, 16, 8, 8, 16, 3, 3, 1, 1, 1, 1, 1, 1);
  const name = 'forward 1x8x8x16 by 3x3x16, pad 1 1 1 1';
  /** Convolves once and returns the choices. */
  const chosen = (cacheDirectory?: string, recorded?: Record<string, string>, of = shape) => {
    const ways = new Ways(loadAddon(), { machine: 'this one', cacheDirectory, recorded });
    const floats = (count: number) => new Float32Array(count);
    ways.convolve('forward', of, floats(8 * 8 * of[3]!), floats(9 * of[3]! * 16), floats(8 * 8 * 16));
    return ways.chosen;
  };
  /** A cache in which another process chose the other way for that convolution and was then killed in mid-line. */
  const otherChoice = () => {
    const cache = mkdtempSync(path.join(scratch, 'cache-'));
    const measured = chosen(cache)[name];
    const other = measured === 'direct' ? 'winograd' : 'direct';
    const file = path.join(cache, 'convolutions.jsonl');
    const line = readFileSync(file, 'utf8').trim();
    writeFileSync(file, `${line.replace(`"${measured}"`, `"${other}"`)}\n${line}\n${line.slice(0, 30)}`);
    return { cache, file, other, measured: measured! };
  };

  it('is the standard one if no choice can be stored', () => {
    expect(chosen()).toEqual({ [name]: 'winograd' });
    const file = path.join(scratch, 'a file');
    writeFileSync(file, '');
    expect(chosen(path.join(file, 'cache'))).toEqual({ [name]: 'winograd' });
  });

  it('is not recorded if only one suits', () => {
    expect(chosen(scratch, {}, Int32Array.of(1, 8, 8, 3, 8, 8, 16, 3, 3, 1, 1, 1, 1, 1, 1))).toEqual({});
  });

  it('is taken from the first line in the cache', () => {
    const { cache, file, other } = otherChoice();
    const before = readFileSync(file, 'utf8');
    expect(chosen(cache)).toEqual({ [name]: other });
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('is chosen for another shape after an incomplete line', () => {
    const { cache } = otherChoice();
    const wider = Int32Array.of(1, 8, 8, 32, 8, 8, 16, 3, 3, 1, 1, 1, 1, 1, 1);
    const first = chosen(cache, {}, wider);
    expect(Object.keys(first)).toEqual(['forward 1x8x8x32 by 3x3x16, pad 1 1 1 1']);
    expect(chosen(cache, {}, wider)).toEqual(first);
  });

  it('is that of the run being resumed, whatever the cache says', () => {
    const { cache, measured } = otherChoice();
    const recorded = { [name]: measured, 'forward of another shape': 'direct' };
    expect(chosen(cache, recorded)).toEqual(recorded);
  });

  it('is the standard one where the recorded or requested way does not suit', () => {
    vi.stubEnv('CLR_CONVOLUTION', 'dot'); // not for float32
    expect(chosen(undefined, { [name]: 'dot' })).toEqual({ [name]: 'winograd' });
  });

  it('is what CLR_CONVOLUTION says, above all else', () => {
    const { cache, other, measured } = otherChoice();
    vi.stubEnv('CLR_CONVOLUTION', measured);
    expect(chosen(cache, { [name]: other })).toEqual({ [name]: measured });
    vi.stubEnv('CLR_CONVOLUTION', 'fft');
    expect(() => chosen()).toThrow('CLR_CONVOLUTION=fft is not a convolution algorithm');
  });
});
