import type { PageRun, RunStatus } from '../data.js';

const maxNamed = 200; // entries: a thousand arms make no legend

/** In the order of display. */
export const statuses: RunStatus[] = ['running', 'completed', 'interrupted', 'stopped', 'diverged', 'failed'];

/** One entry per arm: its colour, its runs by status; a click hides or shows it, a double click shows it alone. */
export function drawLegend(
  element: HTMLElement,
  runs: readonly PageRun[],
  colours: ReadonlyMap<string, string>,
  hidden: Set<string>,
  changed: () => void,
): void {
  const arms = [...colours.keys()];
  const entries = arms.slice(0, maxNamed).map((arm) => {
    const own = runs.filter((run) => run.arm === arm);
    const button = document.createElement('button');
    button.className = 'arm';
    button.title = `${arm}\nclick: hide or show; double click: show only this one`;
    button.setAttribute('aria-pressed', String(!hidden.has(arm)));
    const swatch = document.createElement('span');
    swatch.className = 'swatch';
    swatch.style.background = colours.get(arm)!;
    button.append(swatch, named('span', 'name', arm), ...counts(own));
    button.addEventListener('click', () => {
      if (!hidden.delete(arm)) hidden.add(arm);
      changed();
    });
    button.addEventListener('dblclick', () => {
      for (const other of arms) hidden.add(other);
      hidden.delete(arm);
      changed();
    });
    return button;
  });
  const all = named('button', 'all', hidden.size > 0 ? 'show all' : 'hide all');
  all.addEventListener('click', () => {
    if (hidden.size > 0) hidden.clear();
    else for (const arm of arms) hidden.add(arm);
    changed();
  });
  element.replaceChildren(...entries, all);
}

/** `3 running`, `1 diverged`, ...: each status that occurs. */
function counts(runs: readonly PageRun[]): HTMLElement[] {
  return statuses.flatMap((status) => {
    const count = runs.filter((run) => run.status === status).length;
    return count === 0 ? [] : [named('span', `status ${status}`, `${count} ${status}`)];
  });
}

function named(tag: string, className: string, text: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}
