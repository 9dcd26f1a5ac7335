/**
 * WGSL: `NAME_of(thread, value, lanes)` adds up the values of those among a workgroup's THREADS threads whose numbers
 * are equal modulo `lanes` (a power of two). Afterwards `NAME[lane]` is a sum, for thread `lane` to read.
 */
export function workgroupSum(name: string, type: string): string {
  return `
var<workgroup> ${name}: array<${type}, THREADS>;
fn ${name}_of(thread: u32, value: ${type}, lanes: u32) {
  ${name}[thread] = value;
  for (var half = THREADS / 2; half >= lanes; half /= 2) {
    workgroupBarrier();
    if (thread < half) { ${name}[thread] += ${name}[thread + half]; }
  }
}`;
}
