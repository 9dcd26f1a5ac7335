import { renderPng } from '../../charts/render.js';
import { cells } from '../../compare/cells.js';
import { compareChart } from '../../compare/charts/charts.js';
import type { Comparison } from '../../compare/comparison.js';
import { readCurves } from '../../compare/read-curves.js';
import type { Block } from './blocks.js';

/** The table of a folder's runs, remarks on it, and the chart. */
export async function runsOf(comparison: Comparison, name: string, items: string[]): Promise<Block[]> {
  const curves = readCurves(comparison, () => {}); // a curve that cannot be read is not drawn
  const alt = `accuracy of the arms of ${name}: each run, and over epochs`;
  const chart = await image(`${name}.png`, alt, compareChart(comparison, curves));
  return [cells(comparison), ...(items.length > 0 ? [{ items }] : []), chart];
}

/** Draws a picture for the page. */
export async function image(name: string, alt: string, spec: Parameters<typeof renderPng>[0]): Promise<Block> {
  return { image: name, alt, bytes: await renderPng(spec) };
}
