/** What is used of jstat. Its Student t is not: the continued fraction under it stops at 3e-7. */
declare module 'jstat' {
  const jstat: {
    gammaln(x: number): number;
    normal: {
      cdf(x: number, mean: number, std: number): number;
      inv(p: number, mean: number, std: number): number;
    };
  };
  export default jstat;
}
