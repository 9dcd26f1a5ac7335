/**
 * At most `limit` of the rows, in their order, with extremes kept: the rows are cut into stretches of equal length, of
 * which the rows with the lowest and the highest value of each field are kept, and the very first and last row.
 * Values that are not finite never count as extremes.
 */
export function thin<Row extends object>(rows: readonly Row[], fields: readonly (keyof Row)[], limit = 2000): Row[] {
  if (rows.length <= limit) return [...rows];
  const kept = new Set([0, rows.length - 1]);
  const runs = Math.floor((limit - kept.size) / (2 * fields.length));
  for (let run = 0; run < runs; run++) {
    const [from, to] = [run, run + 1].map((edge) => Math.floor((edge * rows.length) / runs)) as [number, number];
    for (const field of fields) keepExtremes(rows, field, from, to, kept);
  }
  return [...kept].sort((a, b) => a - b).map((index) => rows[index]!);
}

function keepExtremes<Row>(rows: readonly Row[], field: keyof Row, from: number, to: number, kept: Set<number>): void {
  let [least, greatest] = [-1, -1];
  for (let i = from; i < to; i++) {
    const value = rows[i]![field] as number;
    if (!Number.isFinite(value)) continue;
    if (least < 0 || value < (rows[least]![field] as number)) least = i;
    if (greatest < 0 || value > (rows[greatest]![field] as number)) greatest = i;
  }
  for (const index of [least, greatest]) if (index >= 0) kept.add(index);
}
