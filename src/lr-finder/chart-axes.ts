import { extent, logAxis } from '../charts/axes.js';
import { palette } from '../charts/theme.js';
import type { Group } from './curves.js';
import type { Method, Suggestion } from './suggestions.js';

/** One combination of hyperparameters, its name in the legend and the methods' suggestions for it. */
export interface FinderCurve extends Group {
  label: string;
  suggestions: Suggestion[];
}

/** The scale of the range test, and by default of its charts. */
export type Scale = 'linear' | 'exponential';
/** A suggestion that names an LR. */
export type Answer = Extract<Suggestion, { max_lr: number }>;

/** The axis of the learning rate; with explicit ticks if it is logarithmic. */
export interface X {
  scale: { domain: [number, number] };
  axis?: object;
}

/** The axis of the loss or the accuracy. */
export interface Y extends X {
  title: string | string[];
}

/** What the layers of one panel share. */
export interface FinderPanel {
  curves: readonly FinderCurve[];
  x: X;
  y: Y;
  /** Show the suggestions of this method only. */
  only?: Method;
}

/** The LR axis on the given scale, with room for every suggestion. */
export function lrAxis(curves: readonly FinderCurve[], scale: Scale): X {
  const lrs = curves.flatMap((curve) => [...curve.lr, ...answers(curve).map((answer) => answer.max_lr)]);
  return scale === 'linear' ? { scale: { domain: extent(lrs, 0.02) } } : logAxis(lrs);
}

/**
 * The axis of validation losses: logarithmic if they blow up, which they do long before the training loss, since batch
 * norm's running statistics lag behind the weights.
 */
export function validationLossAxis(losses: readonly number[]): Y {
  const title = 'validation loss';
  const [low, high] = extent(
    losses.filter((loss) => loss > 0),
    0,
  );
  if (!(high > 10 * low)) return { title, scale: { domain: extent(losses, 0.05) } };
  const { scale, axis } = logAxis(losses);
  return { title, scale, axis: { ...axis, format: high > 1e5 ? '.0e' : axis.format } };
}

/** The suggestions of a curve that name an LR; of one method, if asked. */
export function answers({ suggestions }: FinderCurve, only?: Method): Answer[] {
  return suggestions.filter((s): s is Answer => 'max_lr' in s && (only === undefined || s.method === only));
}

/** A line for each reason why methods (or `only` one) have no answer. */
export function unanswered({ suggestions }: FinderCurve, only?: Method): string[] {
  const without = suggestions.flatMap((s) => ('reason' in s && (only ?? s.method) === s.method ? [s] : []));
  return [...new Set(without.map(({ reason }) => reason))].map((reason) => {
    const methods = without.filter((s) => s.reason === reason).map(({ method }) => method);
    return `no answer${methods.length < suggestions.length ? ` from ${methods.join(', ')}` : ''}: ${reason}`;
  });
}

/** The channels that all layers share; `y` takes the field. */
export function encodings({ curves, x, y }: FinderPanel) {
  const labels = curves.map((curve) => curve.label);
  const columns = labels.some((label) => label.length > 20) ? 2 : 3;
  const legend = curves.length > 1 ? { symbolType: 'stroke', symbolOpacity: 1, columns, labelLimit: 300 } : null;
  return {
    x: { field: 'lr', type: 'quantitative', title: 'learning rate', ...x, scale: { ...x.scale, nice: false } },
    y: (field: string) => ({ field, type: 'quantitative', ...y, scale: { ...y.scale, nice: false } }) as const,
    color: {
      field: 'label',
      type: 'nominal',
      title: null,
      legend,
      scale: { domain: labels, range: colours(labels.length) },
    },
  } as const;
}

/** The palette, repeated if it is too short. */
function colours(count: number): string[] {
  return Array.from({ length: count }, (_, i) => palette[i % palette.length]!);
}
