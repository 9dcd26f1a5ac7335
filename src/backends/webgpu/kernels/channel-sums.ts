import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { defaultThreads, type Plain, type WebgpuBackend, type Work } from '../backend.js';
import type { Shader } from '../shader.js';
import { typeOf, widthOf } from './kernel.js';
import { workgroupSum } from './workgroup-sum.js';

/** Workgroups that share the pixels: enough for any GPU. */
const parts = 512;

/**
 * The first stage of a sum over all pixels of [pixels, C], per channel: two sums, of `a` and `b` as `body` sets them
 * for element `i` and channel (vector) `c`. Each workgroup adds up its share; threads are laid out as pixels x channel
 * vectors, so that neighbours read neighbours. Leaves [PARTS][2][C] in `shares`.
 */
export function channelSums(name: string, body: string): Shader {
  return {
    name,
    threads: defaultThreads,
    body: () => `
${workgroupSum('sums', 'V')}
${workgroupSum('dots', 'V')}
@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) group: vec3u) {
  let c = group.y * LANES + thread % LANES;
  var sum = V(0);
  var dot = V(0);
  if (c < CHANNELS) {
    let end = min(PIXELS, (group.x + 1) * SHARE);
    for (var pixel = group.x * SHARE + thread / LANES; pixel < end; pixel += THREADS / LANES) {
      let i = pixel * CHANNELS + c;
      var a = V(0);
      var b = V(0);
      ${body}
      sum += a;
      dot += b;
    }
  }
  sums_of(thread, sum, LANES);
  dots_of(thread, dot, LANES);
  if (thread < LANES && c < CHANNELS) {
    shares_put((2 * group.x) * CHANNELS + c, sums[thread]);
    shares_put((2 * group.x + 1) * CHANNELS + c, dots[thread]);
  }
}`,
  };
}

/** Runs a `channelSums` over a tensor's pixels, then `use` with the partial sums and how many there are. */
export function sumChannels(
  backend: WebgpuBackend,
  shader: Shader,
  { shape }: TensorInfo,
  work: Pick<Work, 'reads' | 'constants'>,
  use: (shares: Plain, count: number) => void,
): void {
  const channels = shape.at(-1)!;
  const width = widthOf(channels);
  const [vectors, pixels] = [channels / width, util.sizeFromShape(shape) / channels];
  const lanes = Math.min(64, 2 ** Math.ceil(Math.log2(vectors)));
  const share = Math.ceil(pixels / Math.min(parts, Math.ceil((pixels * lanes) / defaultThreads)));
  const count = Math.ceil(pixels / share);
  backend.scratch('f32', count * 2 * channels, (shares) => {
    backend.run(shader, {
      ...work,
      writes: { shares: { of: shares, width } },
      constants: { ...work.constants, V: typeOf(width), CHANNELS: vectors, PIXELS: pixels, LANES: lanes, SHARE: share },
      workgroups: [count, Math.ceil(vectors / lanes)],
      multiplyAdds: pixels * channels,
    });
    use(shares, count);
  });
}

/**
 * The second stage: a workgroup for each channel `c` adds up its PARTS partial sums; then `body`, in its first thread,
 * has `sum` and `dot`.
 */
export function finishChannelSums(name: string, body: string): Shader {
  return {
    name,
    threads: 64,
    body: () => `
${workgroupSum('sums', 'vec2<f32>')}
@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32, @builtin(workgroup_id) group: vec3u) {
  let c = group.x;
  var both = vec2<f32>(0);
  for (var part = thread; part < PARTS; part += THREADS) {
    both += vec2<f32>(shares_at(2 * part * CHANNELS + c), shares_at((2 * part + 1) * CHANNELS + c));
  }
  sums_of(thread, both, 1);
  if (thread == 0) {
    let sum = sums[0].x;
    let dot = sums[0].y;
    ${body}
  }
}`,
  };
}
