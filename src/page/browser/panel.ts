import embed, { type Result } from 'vega-embed';
import { expressionInterpreter } from 'vega-interpreter';
import { type LineChart, lineChart, type Point, themeConfig } from './charts.js';

/** One chart of the page: drawn when it is first given points, and again when its axes or colours change. */
export class Panel {
  private drawn: { key: string; result: Result } | undefined;
  private busy = Promise.resolve();

  constructor(private readonly element: HTMLElement) {}

  /** May be called while the chart is still being drawn: calls take their turn. */
  show(points: readonly Point[], chart: Omit<LineChart, 'bands'>, dark: boolean): Promise<void> {
    this.busy = this.busy.then(() => this.update(points, chart, dark)).catch((error) => console.error(error));
    return this.busy;
  }

  private async update(points: readonly Point[], axes: Omit<LineChart, 'bands'>, dark: boolean): Promise<void> {
    if (points.length === 0) return this.empty(axes.y);
    const chart = { ...axes, bands: points.some(({ low }) => low !== undefined) };
    const key = JSON.stringify([
      chart.x,
      chart.y,
      chart.note,
      chart.counts,
      chart.domain,
      chart.bands,
      [...chart.colours],
      dark,
    ]);
    if (this.drawn?.key === key) {
      await this.drawn.result.view.data('rows', points.slice()).runAsync();
      return;
    }
    this.drawn?.result.finalize();
    this.element.classList.remove('empty');
    const result = await embed(this.element, lineChart(chart, points), {
      ast: true, // no eval: the page's policy forbids it
      expr: expressionInterpreter,
      renderer: 'svg',
      config: themeConfig(dark),
      actions: { export: true, source: false, compiled: false, editor: false },
      downloadFileName: chart.y,
    });
    this.drawn = { key, result };
  }

  private empty(what: string): void {
    this.drawn?.result.finalize();
    this.drawn = undefined;
    this.element.textContent = `${what}: no data`;
    this.element.classList.add('empty');
  }
}
