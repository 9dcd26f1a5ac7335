import { lossAxis } from '../../charts/axes.js';
import type { PageData, PageEvents, PageRun, StepPoint } from '../data.js';
import { coloursOf, type LineChart, type Point } from './charts.js';
import { drawLegend, statuses } from './legend.js';
import { Panel } from './panel.js';
import { epochPoints, groupBy, meanPoints, stepPoints } from './points.js';

const maxSteps = 12; // runs whose iterations are drawn at once
const redrawEvery = 500; // ms, the least time between two

const runs = new Map<string, PageRun>();
const hidden = new Set<string>();
const stale = new Set<string>(); // runs whose iterations have grown since they were fetched
const darkScheme = matchMedia('(prefers-color-scheme: dark)');
let theme: 'light' | 'dark' | undefined; // undefined: the system's

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const question = element<HTMLSelectElement>('question');
const smoothing = element<HTMLInputElement>('smoothing');
const mode = element<HTMLSelectElement>('mode');

interface Shown {
  panel: Panel;
  x: string;
  counts: boolean;
  y: () => string;
  points: (shown: PageRun[], beta: number) => Point[];
  isLoss: boolean;
  /** Drawn from iterations.csv. */
  steps?: true;
}

const accuracy = element<HTMLSelectElement>('accuracy');
const loss = element<HTMLSelectElement>('loss');
const titleOf = (select: HTMLSelectElement) => select.selectedOptions[0]!.textContent!;
const panels: Shown[] = [
  epochPanel('accuracy-chart', accuracy),
  epochPanel('loss-chart', loss),
  stepPanel('lr-chart', 'iteration', 'lr', 'iteration', 'learning rate', 0),
  stepPanel('momentum-chart', 'iteration', 'momentum', 'iteration', 'momentum', 0),
  stepPanel('steps-chart', 'iteration', 'loss', 'iteration', 'training loss of a batch, smoothed'),
  stepPanel('loss-lr-chart', 'lr', 'loss', 'learning rate', 'training loss of a batch, smoothed'),
];

function epochPanel(id: string, select: HTMLSelectElement): Shown {
  const what = () => select.value as 'val_acc' | 'train_acc' | 'val_loss' | 'train_loss';
  return {
    panel: new Panel(element(id)),
    x: 'epoch',
    counts: true,
    y: () => titleOf(select),
    isLoss: select === loss,
    points: (shown) => {
      const each = epochPoints(shown, what());
      return mode.value === 'mean' ? meanPoints(each) : each;
    },
  };
}

/** `beta`: of the smoothing, if the slider does not apply. */
function stepPanel(
  id: string,
  x: 'iteration' | 'lr',
  what: 'lr' | 'momentum' | 'loss',
  xTitle: string,
  y: string,
  beta?: number,
): Shown {
  return {
    panel: new Panel(element(id)),
    x: xTitle,
    counts: x === 'iteration',
    y: () => y,
    isLoss: what === 'loss',
    points: (shown, chosen) => stepPoints(shown, x, what, beta ?? chosen),
    steps: true,
  };
}

function isDark(): boolean {
  return (theme ?? (darkScheme.matches ? 'dark' : 'light')) === 'dark';
}

let pending: ReturnType<typeof setTimeout> | undefined;
function changed(): void {
  pending ??= setTimeout(() => {
    pending = undefined;
    draw();
  }, redrawEvery);
}

function drawNow(): void {
  clearTimeout(pending);
  pending = undefined;
  draw();
}

function draw(): void {
  const all = [...runs.values()].filter((run) => (run.question ?? '') === question.value);
  const colours = coloursOf([...new Set(all.map((run) => run.arm))], isDark());
  document.documentElement.dataset.theme = isDark() ? 'dark' : 'light';
  drawLegend(element('legend'), all, colours, hidden, drawNow);
  const shown = all.filter((run) => !hidden.has(run.arm));
  const withSteps = shown.filter((run) => live || run.steps!.length > 0);
  const detailed = spread(withSteps, maxSteps);
  fetchSteps(detailed);
  for (const { panel, x, counts, y, isLoss, points, steps } of panels) {
    const own = points(steps ? detailed : shown, Number(smoothing.value));
    panel.show(own, { x, counts, ...(isLoss ? lossScale(y(), own) : { y: y() }), colours }, isDark());
  }
  element('status').textContent = summary(all);
  element('few').textContent =
    detailed.length > 0 && detailed.length < shown.length
      ? `Charts over iterations: ${detailed.length} of the ${shown.length} runs shown, the last of each config.`
      : '';
}

/** An exploding loss is cut off so that the others stay readable, and the title says so. */
function lossScale(y: string, points: readonly Point[]): Pick<LineChart, 'y' | 'note' | 'domain'> {
  const curves = [...groupBy(points, ({ run }) => run).values()].map((line) => line.map((point) => point.y));
  const { domain, note } = lossAxis(y, ...curves);
  return note ? { y, note, domain } : { y };
}

/** The last runs of each arm, spread evenly over the arms; `max` in all. */
function spread(all: readonly PageRun[], max: number): PageRun[] {
  const later = new Map<string, number>(); // number of later runs of an arm
  const ranked = all.toReversed().map((run) => {
    const rank = later.get(run.arm) ?? 0;
    later.set(run.arm, rank + 1);
    return { run, rank };
  });
  const kept = new Set(
    ranked
      .sort((a, b) => a.rank - b.rank)
      .slice(0, max)
      .map(({ run }) => run),
  );
  return all.filter((run) => kept.has(run));
}

function summary(all: readonly PageRun[]): string {
  const count = (status: PageRun['status']) => all.filter((run) => run.status === status).length;
  const present = statuses.filter((status) => count(status) > 0);
  const parts = present.map((status) => `${count(status)} ${status}`);
  return all.length === 0 ? 'no run yet' : `${all.length} runs: ${parts.join(', ')}`;
}

/** From the server; a report contains its own. */
function fetchSteps(shown: readonly PageRun[]): void {
  for (const run of shown) {
    if (!live || (run.steps && !stale.has(run.id))) continue;
    stale.delete(run.id);
    run.steps ??= [];
    fetch(`steps?run=${encodeURIComponent(run.id)}`)
      .then(async (response) => {
        if (!response.ok) return; // its folder is gone
        run.steps = (await response.json()) as StepPoint[];
        changed();
      })
      .catch(() => {}); // the server has stopped: the event stream says so
  }
}

const inlined = document.getElementById('data');
const live = inlined === null;

function add(added: readonly PageRun[]): void {
  for (const run of added) {
    runs.set(run.id, run);
    stale.add(run.id);
  }
}

function listen(): void {
  const source = new EventSource('events');
  const on = <Name extends keyof PageEvents>(name: Name, then: (data: PageEvents[Name]) => void) =>
    source.addEventListener(name, (event) => then(JSON.parse((event as MessageEvent<string>).data)));
  source.addEventListener('open', () => {
    runs.clear(); // the server sends all of them first, also after an interruption
    element('connection').textContent = '';
  });
  source.addEventListener('error', () => {
    element('connection').textContent = 'no connection to clr watch';
  });
  on('runs', (added) => {
    add(added);
    changed();
  });
  on('grown', (grown) => {
    for (const { id, status, epochs, steps } of grown) {
      const run = runs.get(id);
      if (!run) continue;
      run.status = status;
      run.epochs.push(...epochs);
      if (steps) stale.add(id);
    }
    changed();
  });
  on('table', ({ html }) => {
    element('table').innerHTML = html; // made by the server, which escapes every text in it
  });
}

for (const control of [question, smoothing, mode, accuracy, loss]) control.addEventListener('input', changed);
darkScheme.addEventListener('change', drawNow);
element('theme').addEventListener('click', () => {
  theme = isDark() ? 'light' : 'dark';
  drawNow();
});
if (inlined) add((JSON.parse(inlined.textContent!) as PageData).runs);
else listen();
const questions = [...new Set([...runs.values()].flatMap((run) => run.question ?? []))];
question.replaceChildren(...(questions.length > 0 ? questions : ['']).map((name) => new Option(name)));
element('question-control').hidden = questions.length < 2;
if (questions.length > 1)
  document.body.classList.add('several'); // print pictures, since the charts show only one comparison
else for (const picture of document.querySelectorAll('.pictures')) picture.remove(); // for readers without scripts
if (!live && runs.size > maxSteps) mode.value = 'mean';
document.body.classList.add('interactive');
drawNow();
