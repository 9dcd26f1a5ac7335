/** Nodes and weights of Gauss-Legendre quadrature on [-1, 1] (Newton's method on that degree's Legendre polynomial). */
export function gaussLegendre(degree: number): { nodes: number[]; weights: number[] } {
  const nodes: number[] = [];
  const weights: number[] = [];
  for (let i = 0; i < degree; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (degree + 0.5)); // close enough for Newton
    let slope = 1;
    for (let step = 0; step < 50; step++) {
      const [value, before] = legendre(degree, x);
      slope = (degree * (x * value - before)) / (x * x - 1);
      const change = value / slope;
      x -= change;
      if (Math.abs(change) < 1e-15) break;
    }
    nodes.push(x);
    weights.push(2 / ((1 - x * x) * slope * slope));
  }
  return { nodes, weights };
}

/** The Legendre polynomials of this degree and the one below, at x. */
function legendre(degree: number, x: number): [number, number] {
  let [before, value] = [1, x];
  for (let k = 2; k <= degree; k++) [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k];
  return [value, before];
}
