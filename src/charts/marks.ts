import type { Layer } from './theme.js';

/** "no data" in the middle of the panel. */
export const noData: Layer = {
  data: { values: [{}] },
  mark: { type: 'text', text: 'no data', fontSize: 16, color: '#888888' },
};

/** A dashed line over the whole height at `x`, with a text `y` pixels below the panel's top, on the wider side. */
export function verticalMark(x: number, text: string, domain: readonly [number, number], y = -8): Layer {
  const right = x < (domain[0] + domain[1]) / 2;
  return {
    data: { values: [{}] },
    encoding: { x: { datum: x } },
    layer: [
      { mark: { type: 'rule', strokeDash: [4, 3], color: '#666666' } },
      { mark: { type: 'text', text, align: right ? 'left' : 'right' }, encoding: { y: { value: y } } },
    ],
  };
}
