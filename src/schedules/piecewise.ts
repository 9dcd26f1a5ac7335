/** A value over the iterations of a run. */
export type Curve = (iteration: number) => number;

/** How a value changes from one end of a piece to the other; `x` runs from 0 to 1. */
const shapes = {
  linear: (from: number, to: number, x: number) => from + (to - from) * x,
  cosine: (from: number, to: number, x: number) => to + ((from - to) * (1 + Math.cos(Math.PI * x))) / 2,
  exponential: (from: number, to: number, x: number) => from * (to / from) ** x,
  polynomial: (from: number, to: number, x: number, power: number) => to + (from - to) * (1 - x) ** power,
  /** The cooldown of arXiv:2405.18392. */
  '1-sqrt': (from: number, to: number, x: number) => to + (from - to) * (1 - Math.sqrt(x)),
  /** arXiv:2107.04197: (1 - x) / (1/2 + (1 - x) / 2). */
  rex: (from: number, to: number, x: number) => to + ((from - to) * (1 - x)) / (1 - x / 2),
  constant: (from: number) => from,
};

/** One of `shapeNames`. */
export type Shape = keyof typeof shapes;
/** The shapes of a piece that a config can name. */
export const shapeNames = Object.keys(shapes) as [Shape, ...Shape[]];

/** A part of a schedule, from one value to another. */
export interface Piece {
  /** Iterations; need not be a whole number. */
  length: number;
  from: number;
  to: number;
  /** Default: linear. */
  shape?: Shape;
  /** Exponent of the polynomial shape; default 2. */
  power?: number;
}

/**
 * Joins pieces to one curve. The end of a piece belongs to the next, so an update never uses a `to` of 0; after the
 * last piece its end value is held. Pieces of length 0 are skipped, which lets schedules handle runs of very few
 * iterations; if there is no other, the value at the start is held.
 */
export function piecewise(pieces: Piece[]): Curve {
  let end = 0;
  const placed = pieces
    .filter(({ length }) => length !== 0)
    .map((piece) => {
      const start = end;
      end += piece.length;
      return { ...piece, start, end };
    });
  if (placed.length === 0) return () => pieces[0]!.from;
  return (iteration) => {
    const piece = placed.find((p) => iteration < p.end) ?? placed.at(-1)!;
    const position = Math.min(1, (iteration - piece.start) / piece.length);
    return shapes[piece.shape ?? 'linear'](piece.from, piece.to, position, piece.power ?? 2);
  };
}
