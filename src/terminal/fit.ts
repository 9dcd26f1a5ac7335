/** A piece of a line. If the line is too long, the pieces of the highest rank are left out first; rank 0 stays. */
export interface Piece {
  text: string;
  rank: number;
}

/** The pieces in their order, as many as `width` columns hold; undefined (a file or a pipe): all. */
export function fitLine(pieces: readonly Piece[], width: number | undefined, gap = '  '): string {
  const line = pieces.map(({ text }) => text).join(gap);
  const last = Math.max(...pieces.map(({ rank }) => rank));
  if (width === undefined || line.length <= width || last === 0) return cut(line, width);
  return fitLine(
    pieces.filter(({ rank }) => rank < last),
    width,
    gap,
  );
}

/** Cuts the line to `width` columns, with an ellipsis at its end. */
export function cut(line: string, width: number | undefined): string {
  return width === undefined || line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}
