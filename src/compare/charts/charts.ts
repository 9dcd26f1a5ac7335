import type { TopLevelSpec } from 'vega-lite';
import { chart, palette } from '../../charts/theme.js';
import type { Comparison } from '../comparison.js';
import type { RunCurves } from '../read-curves.js';
import { compareCurves } from './curves.js';
import { compareDots } from './dots.js';

const mostRows = 40;

/**
 * The runs of a comparison as dots, beside what their sources report if `published`, and their curves: of as many configs as
 * there are colours to tell apart.
 */
export function compareChart(
  comparison: Comparison,
  curves: readonly RunCurves[],
  { published = false } = {},
): TopLevelSpec {
  const { rows: all, metric, baseline } = comparison;
  const rows = all.slice(0, mostRows);
  const configs = rows.map((row) => row.config);
  const color = {
    field: 'config',
    type: 'nominal',
    legend: null, // the dots' axis names them
    scale: { domain: configs, range: configs.map((_, i) => palette[i] ?? '#999999') },
  } as const;
  const coloured = new Set(configs.slice(0, palette.length));
  const subtitle = [
    'left: a dot for each seed, the mean as a tick, its 95 % confidence interval as a line (if there are two or more)',
    ...(published ? ['diamonds: the published mean, one standard deviation to each side'] : []),
    'right: the mean over the seeds, one standard deviation to each side as a band; colours as on the left',
    ...(rows.some(({ missing }) => missing.stopped) ? ['a curve that ends early: its runs were stopped'] : []),
    ...(all.length > rows.length ? [`the first ${rows.length} of ${all.length} configs`] : []),
    ...(rows.length > coloured.size ? [`curves of the first ${coloured.size}, the others grey`] : []),
  ];
  const title = published
    ? `${all.length} configs beside the published values`
    : all.length > 1
      ? `${all.length} configs; baseline ${baseline}`
      : baseline;
  return chart(
    { title, subtitle },
    compareDots(rows, metric, color, published),
    compareCurves(
      curves.filter(({ config }) => coloured.has(config)),
      metric === 'val_loss' ? 'val_loss' : 'val_acc',
      color,
    ),
  );
}
