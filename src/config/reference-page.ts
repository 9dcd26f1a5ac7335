import type { Entry } from '../registry.js';
import { type ConfigKey, configKeys, optionKeys, registries } from './reference.js';

const width = 118; // characters per line of Markdown

/** Every key of a config with type, default and meaning: the generated part of configs/README.md. */
export function referencePage(): string {
  const parts = Object.entries(registries).map(([key, { entries }]) => typesPart(key, entries));
  return `${['### Keys', ...configKeys().map(keyLine), ...parts.flat()].join('\n')}\n`;
}

/** The types of one key of `registries`; options that several of them share are listed once, first. */
function typesPart(key: string, entries: readonly Entry[]): string[] {
  const shared = sharedLines(entries);
  const types = entries.flatMap((entry) => ['', ...typeLines(entry, shared)]);
  const common = shared.length > 0 ? ['', 'Options shared by several:', '', ...shared] : [];
  return ['', `### \`${key}\``, ...common, ...types];
}

function typeLines(entry: Entry, shared: string[]): string[] {
  const { type, about, formula, source } = entry;
  const keys = optionKeys(entry);
  const own = keys.map(keyLine).filter((line) => !shared.includes(line));
  const others = keys.filter((k) => shared.includes(keyLine(k))).map((k) => `\`${k.key}\``);
  const more = others.length > 0 ? wrap(`- and ${others.join(', ')} (above)`, '  ') : [];
  const where = source
    ? ` ${source
        .split(', ')
        .map((address) => `<${address}>`)
        .join(', ')}`
    : '';
  return [
    ...wrap(`**\`${type}\`**: ${about}${where}`, ''),
    ...(formula ? ['', ...formula.split('\n').map((line) => `    ${line}`)] : []),
    ...(keys.length > 0 ? ['', ...own, ...more] : []),
  ];
}

/** The lines of options that are identical in at least three types; of several for one key, the most frequent. */
function sharedLines(entries: readonly Entry[]): string[] {
  const counts = new Map<string, { key: string; count: number }>();
  for (const option of entries.flatMap(optionKeys)) {
    const line = keyLine(option);
    counts.set(line, { key: option.key, count: (counts.get(line)?.count ?? 0) + 1 });
  }
  const frequent = [...counts].filter(([, { count }]) => count >= 3).toSorted(([, a], [, b]) => b.count - a.count);
  return frequent
    .filter(([, { key }], i) => frequent.findIndex(([, other]) => other.key === key) === i)
    .map(([line]) => line);
}

function keyLine({ key, type, default: value, required, description }: ConfigKey): string {
  const rest = required ? ', **required**' : value === undefined ? '' : `, default \`${value}\``;
  return wrap(`- \`${key}\` (${type}${rest}): ${description}`, '  ').join('\n');
}

/** Lines of at most `width` characters, all but the first indented by `indent`. */
function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent + word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
