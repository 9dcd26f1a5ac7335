import { type Layer, panelSize } from './theme.js';

/** "no data" in the middle of the panel. */
export const noData: Layer = {
  data: { values: [{}] },
  mark: { type: 'text', text: 'no data', fontSize: 16, color: '#888888' },
  encoding: { x: { value: panelSize.width / 2 }, y: { value: panelSize.height / 2 } },
};

/** The first row where one of the fields is not finite: where a run diverged. */
export function firstDiverged<Row extends object>(rows: readonly Row[], ...fields: (keyof Row)[]): Row | undefined {
  return rows.find((row) => fields.some((field) => row[field] !== undefined && !Number.isFinite(row[field])));
}

/** A dashed line over the whole height at `x`, with its text on the side where there is more room. */
export function verticalMark(x: number, text: string, domain: readonly [number, number]): Layer {
  const right = x < (domain[0] + domain[1]) / 2;
  return {
    data: { values: [{}] },
    encoding: { x: { datum: x } },
    layer: [
      { mark: { type: 'rule', strokeDash: [4, 3], color: '#666666' } },
      {
        mark: { type: 'text', text, align: right ? 'left' : 'right', dx: right ? 5 : -5 },
        encoding: { y: { value: 12 } },
      },
    ],
  };
}
