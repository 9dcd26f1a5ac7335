import type { Layer } from '../charts/theme.js';
import { palette } from '../charts/theme.js';
import { type Answer, answers, encodings, type FinderPanel, type X } from './chart-axes.js';
import { type Method, methods, runningMedian } from './suggestions.js';

/** Each suggestion of each curve as a symbol on the curve's line, at the height of its start if the LR is below it. */
export function suggestionMarks(panel: FinderPanel): Layer {
  const { curves, only } = panel;
  const encode = encodings(panel);
  const values = curves.flatMap((curve) => {
    const line = only ? runningMedian(curve.val_acc ?? []) : curve.smoothed;
    const height = (lr: number) =>
      line[
        Math.max(
          0,
          curve.lr.findLastIndex((value) => value <= lr * (1 + 1e-9)),
        )
      ];
    return answers(curve, only).map(({ method, max_lr }) => ({
      ...{ label: curve.label, method: marks[method].name },
      ...{ lr: max_lr, line: height(max_lr) },
    }));
  });
  const answered = methods.filter((method) =>
    curves.some((curve) => answers(curve, only).some((a) => a.method === method)),
  );
  const domain = answered.map((method) => marks[method].name);
  const range = answered.map((method) => marks[method].shape);
  return {
    data: { values },
    mark: { type: 'point', filled: true, size: 90, opacity: 1, stroke: 'white', strokeWidth: 1 },
    encoding: {
      ...encode,
      y: encode.y('line'),
      shape: { field: 'method', type: 'nominal', title: null, legend: { orient: 'bottom' }, scale: { domain, range } },
    },
  };
}

const marks: Record<Method, { name: string; shape: string }> = {
  recommended: { name: 'recommended', shape: 'circle' },
  valley: { name: 'valley', shape: 'square' },
  steep: { name: 'steep', shape: 'triangle-down' },
  minimum: { name: 'minimum', shape: 'triangle-up' },
  slide: { name: 'slide', shape: 'cross' },
  range: { name: 'max_lr of the range', shape: 'diamond' },
};

const rowHeight = 17;

/**
 * For a single curve: a dashed line for each suggestion, up to its own row above the panel with the method and the LR.
 * The texts run to one side, and the lines get shorter towards it, so that none crosses a text. The range is shaded.
 */
export function flags({ curves, x, only }: FinderPanel): Layer[] {
  const shown = answers(curves[0]!, only);
  const [low, high] = x.scale.domain.map((lr) => (x.axis ? Math.log(lr) : lr)) as [number, number];
  const position = (lr: number) => ((x.axis ? Math.log(lr) : lr) - low) / (high - low);
  const places = shown.map((answer) => position(answer.max_lr));
  const leftwards = places.length > 0 && Math.min(...places) > 1 - Math.max(...places);
  const ordered = shown.toSorted((a, b) => (leftwards ? a.max_lr - b.max_lr : b.max_lr - a.max_lr));
  const range = shown.find(({ method }) => method === 'range');
  return [...(range ? [shade(range, x)] : []), ...ordered.map((answer, row) => flag(answer, row, leftwards))];
}

function flag({ method, max_lr, base_lr }: Answer, row: number, leftwards: boolean): Layer {
  const text = `${method}: ${base_lr === undefined ? '' : `${digits(base_lr)} to `}${digits(max_lr)}`;
  const top = -10 - row * rowHeight;
  const side = leftwards ? ({ align: 'right', dx: -4 } as const) : ({ align: 'left', dx: 4 } as const);
  return {
    data: { values: [{}] },
    encoding: { x: { datum: max_lr } },
    layer: [
      {
        mark: { type: 'rule', strokeDash: [4, 3], color: '#666666' },
        encoding: { y: { value: top - 6 }, y2: { value: 'height' } },
      },
      { mark: { type: 'text', text, baseline: 'middle', ...side }, encoding: { y: { value: top } } },
    ],
  };
}

/** From base_lr, or where the axis starts, to max_lr. */
function shade({ base_lr, max_lr }: Answer, { scale }: X): Layer {
  return {
    data: { values: [{}] },
    mark: { type: 'rect', color: palette[4]!, opacity: 0.1 },
    encoding: { x: { datum: Math.max(base_lr ?? max_lr, scale.domain[0]) }, x2: { datum: max_lr } },
  };
}

const digits = (lr: number) => String(Number(lr.toPrecision(2)));
