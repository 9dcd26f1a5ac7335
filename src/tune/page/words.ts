import { momentumWords, type Settings } from '../settings.js';

/** "highest LR 0.01, weight decay 0.001, ...", one setting left out if asked. */
export function settingsWords(settings: Settings, without?: keyof Settings): string {
  const words: [keyof Settings, string][] = [
    ['max_lr', `highest LR ${settings.max_lr}`],
    ['weight_decay', `weight decay ${settings.weight_decay}`],
    ['max_momentum', `momentum ${momentumWords(settings)}`],
    ['tail', `tail ${settings.tail} %`],
  ];
  return words.flatMap(([key, text]) => (key === without ? [] : [text])).join(', ');
}

/** A remark if the chosen value is the lowest or highest tried, so that the best may lie beyond; else empty. */
export function edgeOf(chosen: number, tried: readonly number[], what: string): string {
  const [lowest, highest] = [Math.min(...tried), Math.max(...tried)];
  if (lowest === highest || (chosen !== lowest && chosen !== highest)) return '';
  return ` (the ${chosen === lowest ? 'lowest' : 'highest'} ${what} tried)`;
}
