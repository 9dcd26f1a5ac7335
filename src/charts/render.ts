import { join, parse } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { TopLevelSpec } from 'vega-lite';
import { ClrError } from '../errors.js';
import { replaceFile, writeOutput } from '../system/atomic.js';
import { fontconfigFile, fontFile, readFont, textWidth } from './font.js';

/** Pixels of the PNG per pixel of the spec, for crisp print. */
export const scaleFactor = 2;

let loaded: ReturnType<typeof load> | undefined;

/** Loads the heavy modules at the first chart, with the shipped font, whatever fonts the host has. */
async function load() {
  process.env.FONTCONFIG_FILE = fontconfigFile; // read when the first text is drawn: set before sharp is loaded
  const [vega, { compile }, { default: sharp }] = await Promise.all([
    import('vega'),
    import('vega-lite'),
    import('sharp'),
  ]);
  const font = readFont();
  // Without a canvas, vega assumes 0.8 of the font size per letter. The typings lack textMetrics.
  const { textMetrics } = vega as unknown as {
    textMetrics: { width(item: { fontSize?: number }, text: unknown): number };
  };
  textMetrics.width = (item, text) => textWidth(font, String(text ?? ''), item.fontSize ?? 11);
  return { vega, compile, sharp };
}

/** Draws the chart on white, with `scaleFactor` pixels for each of the spec's. */
export async function renderPng(spec: TopLevelSpec): Promise<Buffer> {
  const svg = await renderSvg(spec, scaleFactor);
  const { sharp } = await loaded!;
  return sharp(Buffer.from(svg)).flatten({ background: 'white' }).png({ compressionLevel: 9 }).toBuffer();
}

/** The chart as SVG, `scale` units for each of the spec's. */
async function renderSvg(spec: TopLevelSpec, scale: number): Promise<string> {
  loaded ??= load();
  const { vega, compile } = await loaded;
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: 'none' });
  const svg = await view.toSVG(scale);
  view.finalize();
  return svg;
}

/** The chart as PDF, at 96 of the spec's pixels per inch, with the shipped font embedded. */
async function renderPdf(spec: TopLevelSpec): Promise<Buffer> {
  const [svg, { default: PDFDocument }, { default: draw }] = await Promise.all([
    renderSvg(spec, 1),
    import('pdfkit'),
    import('svg-to-pdfkit'),
  ]);
  const [width, height] = ['width', 'height'].map((name) => 0.75 * Number(svg.match(`${name}="([\\d.]+)"`)![1]));
  const document = new PDFDocument({ size: [width!, height!], margin: 0, font: fontFile });
  draw(document, svg, 0, 0, { fontCallback: () => fontFile });
  document.end();
  return buffer(document);
}

/** Writes `<name>.png` and, beside it, the spec `<name>.vl.json`; each atomically. */
export async function writeChart(directory: string, name: string, spec: TopLevelSpec): Promise<void> {
  replaceFile(join(directory, `${name}.vl.json`), specText(spec));
  replaceFile(join(directory, `${name}.png`), await renderPng(spec));
}

/** The same for a file named by the user, whose folder is made. Throws ClrError('usage') for other kinds of file. */
export async function writeChartFile(file: string, spec: TopLevelSpec): Promise<void> {
  const { dir, name, ext } = parse(file);
  const render = kinds.get(ext);
  if (!render)
    throw new ClrError('usage', `${file}: charts are PNG, SVG or PDF files`, `name it ${join(dir, `${name}.png`)}`);
  writeOutput(join(dir, `${name}.vl.json`), specText(spec));
  writeOutput(file, await render(spec));
}

const kinds = new Map<string, (spec: TopLevelSpec) => Promise<Buffer | string>>([
  ['.png', renderPng],
  ['.svg', (spec) => renderSvg(spec, 1)],
  ['.pdf', renderPdf],
]);

/** JSON with numbers to seven digits, and each innermost object, such as a row of the data, on its own line. */
function specText(spec: TopLevelSpec): string {
  const digits = (_key: string, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(7)) : value);
  return `${JSON.stringify(spec, digits, 2).replace(/\{[^{}[\]]*\}/g, (object) => object.replace(/\s*\n\s*/g, ' '))}\n`;
}
