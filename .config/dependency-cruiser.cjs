/** The layers of src/, from the top: a file imports only from the layers below its own, or from its own folder. */
const layers = [
  ['cli'],
  ['commands'],
  ['tune'],
  ['sweep'],
  ['experiment', 'lr-finder', 'report', 'watch', 'diagnostics', 'weights'],
  ['training', 'compare', 'page'],
  ['terminal', 'charts'],
  ['runs'],
  ['config'],
  ['backends', 'datasets', 'optimizers'],
  ['models', 'schedules', 'statistics', 'system'],
  ['ops', 'registry', 'random', 'errors'],
];

const place = (names) => `^src/(${names.join('|')})(/|\\.ts$)`;
const product = { pathNot: '(\\.test\\.ts$|^src/testing/)' };

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'every-part-has-a-layer',
      comment: 'a new folder of src/ takes its place among the layers in .config/dependency-cruiser.cjs',
      severity: 'error',
      from: { path: '^src/', pathNot: [place(layers.flat()), product.pathNot] },
      to: {},
    },
    {
      name: 'product-needs-no-tests',
      severity: 'error',
      from: { path: '^src/', ...product },
      to: { path: '^src/testing/' },
    },
    ...layers.flatMap((names, i) =>
      names.map((name) => ({
        name: `imports-of-${name}-run-downwards`,
        severity: 'error',
        from: { path: place([name]), ...product },
        to: { path: place(layers.slice(0, i + 1).flat()), pathNot: place([name]) },
      })),
    ),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
};
