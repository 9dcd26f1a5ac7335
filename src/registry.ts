import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';

/** What the documentation and `clr show` say about an entry. */
export interface About {
  /** What it is: a sentence or two. */
  readonly about: string;
  /** In terms of its options; one formula per line. */
  readonly formula?: string;
  /** Where it comes from: URLs. */
  readonly source?: string;
}

/** One `type` that a config can name: its options (besides `type`) and what it creates from them. */
export interface Entry<Args extends unknown[] = never[], Made = unknown> extends About {
  readonly type: string;
  readonly options: z.ZodObject;
  /** Drops options that others make meaningless, so that a resolved config holds only what is used. */
  resolve?(options: never): Record<string, unknown>;
  create(options: never, ...args: Args): Made;
}

/** Types the options passed to `create` by the entry's own schema. */
export function entry<Shape extends z.ZodRawShape, Args extends unknown[], Made>(
  definition: About & {
    type: string;
    options: z.ZodObject<Shape>;
    resolve?(options: z.output<z.ZodObject<Shape>>): Record<string, unknown>;
    create(options: z.output<z.ZodObject<Shape>>, ...args: Args): Made;
  },
): Entry<Args, Made> {
  return definition as unknown as Entry<Args, Made>;
}

/** An entry's options in a validated config. */
export type Typed = { type: string } & Record<string, unknown>;

/** The things of one kind (schedules, datasets, ...) that a config can name; to add one, append it to `entries`. */
export class Registry<Args extends unknown[], Made> {
  /** Validates `{ type, ...options }`, fills in the defaults, refuses unknown keys and unknown types. */
  readonly schema: z.ZodType<Typed>;

  constructor(
    readonly kind: string,
    readonly entries: readonly Entry<Args, Made>[],
  ) {
    const members = entries.map((e) => {
      const member = e.options.extend({ type: z.literal(e.type).describe(e.about) }).strict();
      return e.resolve ? member.transform(e.resolve as () => Record<string, unknown>) : member;
    });
    this.schema = z.discriminatedUnion('type', members as never) as unknown as z.ZodType<Typed>;
  }

  get types(): string[] {
    return this.entries.map((e) => e.type);
  }

  /** `config` must have passed `schema`. */
  create(config: Typed, ...args: Args): Made {
    const found = this.entries.find((e) => e.type === config.type);
    if (!found) throw new Error(`unknown ${this.kind} ${config.type}`); // a bug: the schema let it through
    return found.create(config as never, ...args);
  }
}

/** `, did you mean "x"?` if one of `known` is close enough to be a typo; else an empty string. */
export function didYouMean(word: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const nearest = closest(word, known);
  return distance(word, nearest) <= Math.max(2, word.length / 3) ? `, did you mean "${nearest}"?` : '';
}
