import { z } from 'zod';
import type { RunLength } from './schedule.js';

const fraction = /^\d+(\.\d+)?\/\d+(\.\d+)?$/;
const shareForm = 'must be a number or a fraction such as "41/95"';

/** The three ways to say how long something takes. A share keeps the schedule's shape when the run gets shorter. */
export const durationKeys = {
  epochs: z.number().gt(0).optional().describe('passes over the training set; fractions allowed'),
  iterations: z.number().gt(0).optional().describe('updates'),
  share: z
    .union([z.number(), z.string().regex(fraction, { error: shareForm, abort: true })], { error: shareForm })
    .refine((share) => toNumber(share) > 0 && toNumber(share) <= 1, 'must be above 0 and at most 1')
    .optional()
    .describe('fraction of the run: 0.5, or "41/95"'),
};

/** Exactly one of `epochs`, `iterations` and `share`. */
export const duration = z
  .strictObject(durationKeys, {
    error: ({ code, input }) => (code === 'invalid_type' ? `must be a duration, e.g. { ${unit(input)} }` : undefined),
  })
  .refine((d) => durationsIn(d) === 1, 'needs exactly one of epochs, iterations, share');

/** What a bare number was probably meant to be. */
function unit(input: unknown): string {
  return typeof input === 'number' && input > 0 ? `iterations: ${input}` : 'epochs: 4';
}

interface Duration {
  epochs?: number | undefined;
  iterations?: number | undefined;
  share?: number | string | undefined;
}

/** How many of the three ways are used. */
export function durationsIn({ epochs, iterations, share }: Duration): number {
  return [epochs, iterations, share].filter((value) => value !== undefined).length;
}

/** Not rounded; undefined if no duration is given. Durations are converted only here. */
export function toIterations({ epochs, iterations, share }: Duration, length: RunLength): number | undefined {
  if (epochs !== undefined) return epochs * length.iterationsPerEpoch;
  if (share !== undefined) return toNumber(share) * length.iterations;
  return iterations;
}

/** An option of the schedules that consist of consecutive parts. */
export const roundEndsOption = z
  .boolean()
  .default(true)
  .describe(
    'parts end at whole iterations, so that a jump falls on a known update; false: exactly at the requested point',
  );

/** Consecutive durations in iterations; with `round`, their ends are rounded to whole ones. */
export function lengthsOf(lengths: number[], round: boolean): number[] {
  if (!round) return lengths;
  let sum = 0;
  const ends = lengths.map((length) => {
    sum += length;
    return Math.round(sum);
  });
  return ends.map((end, i) => end - (ends[i - 1] ?? 0));
}

function toNumber(share: number | string): number {
  const [numerator, denominator = 1] = String(share).split('/').map(Number);
  return numerator! / denominator;
}
