import type { TopLevelSpec } from 'vega-lite';
import { chart, palette, panelSize, widePanel } from '../../charts/theme.js';
import type { Comparison } from '../comparison.js';
import { netDataEpochs } from '../groups.js';
import type { RunCurves } from '../read-curves.js';
import { type CurveAxis, compareCurves } from './curves.js';
import { compareDots } from './dots.js';

const maxRows = 40;

/**
 * On the left the final values of a comparison's runs, with the values that their sources report if `published`; on the
 * right their curves, if these say more. There are as many colours as can be told apart; further configs are grey.
 */
export function compareChart(
  comparison: Comparison,
  curves: readonly RunCurves[],
  { published = false, over = 'epoch' }: { published?: boolean; over?: CurveAxis } = {},
): TopLevelSpec {
  const { rows: all, metric, baseline, shared } = comparison;
  const rows = all.slice(0, maxRows);
  const configs = rows.map((row) => row.config);
  const color = {
    field: 'config',
    type: 'nominal',
    legend: null, // the dots' axis names them
    scale: { domain: configs, range: configs.map((_, i) => palette[i] ?? '#999999') },
  } as const;
  const right = compareCurves(
    curves.filter(({ config }) => configs.includes(config)),
    metric === 'val_loss' ? 'val_loss' : 'val_acc',
    color,
    over,
  );
  const subject = all.length > 1 ? `${all.length} configs` : baseline;
  const reference = published ? ' beside the published values' : all.length > 1 ? `; baseline ${baseline}` : '';
  const title = `${subject}${reference}`;
  const limit = shared['dataset.train_limit'];
  const setting = `${netDataEpochs(shared)}${typeof limit === 'number' ? `, ${limit} training images` : ''}`;
  const greyFrom = rows.length > palette.length ? ` (only the first ${palette.length} in colour)` : '';
  const subtitle = [
    ...(setting ? [setting] : []),
    `${right ? 'left: ' : ''}one dot per seed; tick and bar: the mean and its 95 % confidence interval`,
    ...(published ? ['diamond and bar: the published mean ± one standard deviation'] : []),
    ...(right ? [`right: mean over the seeds; band: ± one standard deviation; colours as on the left${greyFrom}`] : []),
    ...(right && rows.some(({ missing }) => missing.stopped) ? ['curves that end early: runs that were stopped'] : []),
    ...(all.length > rows.length ? [`the first ${rows.length} of ${all.length} configs`] : []),
  ];
  const { width } = right ? panelSize : widePanel;
  return chart({ title, subtitle }, compareDots(rows, metric, color, published, width), ...(right ? [right] : []));
}
