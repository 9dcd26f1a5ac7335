/** What PyTorch's state dicts need of pickle, protocol 2 (https://docs.python.org/3/library/pickletools.html). */
export type Pickled = number | boolean | string | Global | Call | Tuple | Persistent;

/** A name in a module. */
export class Global {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}
}

export class Tuple {
  constructor(readonly items: Pickled[]) {}
}

/** callable(*args), then filled with `entries` like a dict. */
export class Call {
  constructor(
    readonly callable: Global,
    readonly args: Pickled[],
    readonly entries: [string, Pickled][] = [],
  ) {}
}

/** Something stored outside the pickle, identified by `id`. */
export class Persistent {
  constructor(readonly id: Tuple) {}
}

export function pickle(value: Pickled): Buffer {
  return Buffer.concat([Buffer.from([0x80, 2]), ...write(value), Buffer.from('.')]);
}

function write(value: Pickled): Buffer[] {
  if (typeof value === 'boolean') return [Buffer.from([value ? 0x88 : 0x89])];
  if (typeof value === 'number') return [withInt32('J', value)];
  if (typeof value === 'string') return [withInt32('X', Buffer.byteLength(value)), Buffer.from(value)];
  if (value instanceof Global) return [Buffer.from(`c${value.module}\n${value.name}\n`)];
  if (value instanceof Tuple) return [Buffer.from('('), ...value.items.flatMap(write), Buffer.from('t')];
  if (value instanceof Persistent) return [...write(value.id), Buffer.from('Q')];
  if (value instanceof Call) return writeCall(value);
  throw new Error(`cannot pickle ${value}`);
}

function writeCall({ callable, args, entries }: Call): Buffer[] {
  const items = entries.flatMap(([key, item]) => [...write(key), ...write(item)]);
  const filled = entries.length > 0 ? [Buffer.from('('), ...items, Buffer.from('u')] : [];
  return [...write(callable), ...write(new Tuple(args)), Buffer.from('R'), ...filled];
}

function withInt32(opcode: string, value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.write(opcode, 0, 'latin1');
  bytes.writeInt32LE(value, 1);
  return bytes;
}
