import { ClrError } from '../errors.js';
import type { Entry } from '../registry.js';
import type { Hyperparameters, RunLength } from '../schedules/schedule.js';
import { type AliasKind, aliasOf, suggestion } from './aliases.js';
import { type ConfigKey, configKeys, optionKeys, registries } from './reference.js';

type Kind = keyof typeof registries;

/** One `type` of a config, with everything that `clr show` prints about it. */
export interface Described {
  kind: Kind;
  type: string;
  about: string;
  formula?: string;
  source?: string;
  options: ConfigKey[];
  /** If the name asked for is another library's: its equivalent here. */
  alias?: string;
}

const kinds = Object.keys(registries) as Kind[];

/** All types, or those of one kind. */
export function catalogue(kind?: string): Described[] {
  const chosen = kinds.filter((k) => kind === undefined || k === kind);
  return chosen.flatMap((k) => registries[k].entries.map((entry) => describe(k, entry)));
}

/** The type of that name, or the one that a name of another library stands for. Throws ClrError('usage'). */
export function findType(name: string): Described {
  const all = catalogue();
  const own = all.find(({ type }) => type === name.toLowerCase());
  if (own) return own;
  for (const kind of kinds) {
    const alias = aliasOf(kind as AliasKind, name);
    const found = all.find(({ type }) => type === alias?.type);
    if (alias && found) return { ...found, alias: alias.here };
    if (alias) throw new ClrError('usage', `${name}: in clr this is ${alias.here}`);
  }
  const configKey = configKeys().find((each) => each.key === name);
  if (configKey)
    throw new ClrError(
      'usage',
      `${name} is a config key, not a type: ${configKey.description}`,
      'configs/README.md lists all keys',
    );
  const key = aliasOf('key', name);
  if (key)
    throw new ClrError('usage', `${name}: in clr this is ${key.here}`, '`clr show TYPE` has the options of a type');
  const withOption = all.filter(({ options }) => options.some((option) => option.key === name)).map(({ type }) => type);
  if (withOption.length > 0)
    throw new ClrError('usage', `${name} is an option of ${withOption.join(', ')}`, `e.g. clr show ${withOption[0]}`);
  const near = suggestion('schedule', name, [...kinds, ...all.map(({ type }) => type)]);
  throw new ClrError('usage', `unknown name "${name}"${near}`, '`clr show` lists everything');
}

function describe(kind: Kind, entry: Entry): Described {
  const { type, about, formula, source } = entry;
  return { kind, type, about, ...(formula && { formula }), ...(source && { source }), options: optionKeys(entry) };
}

/** Values for options without a default, used to draw a schedule. */
export const sampleOptions: Record<string, unknown> = {
  max_lr: 1,
  base_lr: 0.1,
  phases: [
    { share: 0.45, lr: [0.1, 1], momentum: [0.95, 0.85] },
    { lr: [1, 0], momentum: [0.85, 0.95], shape: 'cosine' },
  ],
};

/** LR and momentum of a schedule over 30 epochs, with `sampleOptions` for options without a default. */
export function sampleCurve({ type, options }: Described): Hyperparameters[] {
  const length: RunLength = { iterationsPerEpoch: 50, iterations: 1500 };
  const needed = options.filter(({ key, required }) => required && key in sampleOptions);
  const given = Object.fromEntries(needed.map(({ key }) => [key, sampleOptions[key]]));
  const config = registries.schedule.schema.parse({ type, ...given });
  const schedule = registries.schedule.create(config, length);
  return Array.from({ length: length.iterations }, (_, iteration) => schedule(iteration));
}
