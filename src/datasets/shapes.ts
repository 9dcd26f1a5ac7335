/** A shape around the origin with a radius of about 1: the signed distance of (x, y) to its edge, negative inside. */
export type Shape = (x: number, y: number) => number;

/** The ten classes of the synthetic data set. Several differ in one feature only (filled or hollow, 3 corners or 4). */
export const shapes: Record<string, Shape> = {
  bar: (x, y) => box(x, y, 1, 0.3),
  crescent: (x, y) => Math.max(disk(x, y, 1), -disk(x - 0.5, y, 0.8)),
  cross: (x, y) => Math.min(box(x, y, 1, 0.3), box(x, y, 0.3, 1)),
  disk: (x, y) => disk(x, y, 0.85),
  dots: (x, y) => Math.min(disk(x - 0.6, y, 0.4), disk(x + 0.6, y, 0.4)),
  frame: (x, y) => Math.abs(box(x, y, 0.65, 0.65)) - 0.15,
  ring: (x, y) => Math.abs(disk(x, y, 0.75)) - 0.15,
  square: (x, y) => box(x, y, 0.75, 0.75),
  star: (x, y) => disk(x, y, 0.7 + 0.3 * Math.cos(5 * Math.atan2(y, x))) * 0.7,
  triangle: (x, y) => Math.max(-y, (y + Math.sqrt(3) * Math.abs(x)) / 2) - 0.5,
};

function disk(x: number, y: number, radius: number): number {
  return Math.hypot(x, y) - radius;
}

/** Half width and half height. */
function box(x: number, y: number, width: number, height: number): number {
  return Math.max(Math.abs(x) - width, Math.abs(y) - height);
}
