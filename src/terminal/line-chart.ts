/** Values over their index as `height` lines of `width` columns of text, with highest and lowest value on the left. */
export function lineChart(values: readonly number[], { width = 64, height = 8 } = {}): string[] {
  const sampled = Array.from({ length: width }, (_, x) => values[Math.round((x * (values.length - 1)) / (width - 1))]!);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const row = (value: number) =>
    high === low ? height - 1 : Math.round(((high - value) / (high - low)) * (height - 1));
  const rows = sampled.map(row);
  const labels = Array.from({ length: height }, () => '');
  labels[height - 1] = label(low);
  labels[0] = high === low ? '' : label(high);
  const margin = Math.max(...labels.map((text) => text.length));
  return labels.map((text, y) => `${text.padStart(margin)} ${y === 0 || text ? '┤' : '│'}${line(rows, y)}`.trimEnd());
}

/** Row `y`: a mark where the curve is, and a stroke where it passes between two columns. */
function line(rows: number[], y: number): string {
  return rows
    .map((at, x) => {
      if (at === y) return '●';
      const before = rows[x - 1] ?? at;
      return Math.min(before, at) < y && y < Math.max(before, at) ? '│' : ' ';
    })
    .join('');
}

function label(value: number): string {
  return String(Number(value.toPrecision(3)));
}
