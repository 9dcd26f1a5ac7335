/** A piece of a line. Where the line is too long, the pieces of the highest rank are left out first; rank 0 stays. */
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

/** Cut to `width` columns, its end then an ellipsis. */
export function cut(line: string, width: number | undefined): string {
  return width === undefined || line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}
