import { memory } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { type Case, compute, relativeError, type Values } from '../backends/kernel-cases.js';

/**
 * Expects a case on tfjs's current backend to give the reference's outputs, with errors below `tolerance` relative to
 * each output's largest value, and to leave no tensor behind.
 */
export async function expectAgreement(kernelCase: Case, expected: Values[], tolerance: number): Promise<void> {
  const before = memory().numTensors;
  const outputs = await compute(kernelCase);
  expect(outputs.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
  outputs.forEach(({ values }, output) => {
    expect(relativeError(values, expected[output]!.values), `output ${output}`).toBeLessThan(tolerance);
  });
  expect(memory().numTensors).toBe(before);
}
