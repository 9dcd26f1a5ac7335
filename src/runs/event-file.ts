import { closeSync, existsSync, fsyncSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { cannotWrite, replaceFile } from '../system/atomic.js';
import { bytes, double, float, int } from '../system/protobuf.js';

const prefix = 'events.out.tfevents.';
/** Starts the tags of values that are measured once per epoch. */
export const epochPrefix = 'epoch/';
const stepTag = 0x10; // field 2, an integer: only events with scalars have it, right after the time

type Kept = (step: number, ofEpoch: boolean) => boolean;

/** The settings of the run, as TensorBoard's table of hyperparameters shows them. */
export type Hyperparameters = Record<string, string | number | boolean | null>;

/**
 * TensorBoard's event file of a run folder
 * (https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto): scalars, and the run as
 * a session of the hparams plugin, grouped by the arm's name. Times are those of writing.
 */
export class EventFile {
  private readonly descriptor: number;
  private readonly file: string;

  /** Keeps the earlier scalars for which `kept` is true: those written after the checkpoint will be written again. */
  constructor(directory: string, group: string, settings: Hyperparameters, kept: Kept) {
    const existing = readdirSync(directory).find((name) => name.startsWith(prefix));
    this.file = path.join(directory, existing ?? `${prefix}${seconds().toFixed(0)}.${os.hostname()}`);
    const earlier = existsSync(this.file) ? recordsOf(readFileSync(this.file)).filter(isKept(kept)) : [];
    replaceFile(this.file, Buffer.concat([version(), sessionStart(group, settings), ...earlier.map(record)]));
    this.descriptor = openSync(this.file, 'a');
  }

  scalars(step: number, values: Record<string, number>): void {
    const entries = Object.entries(values).map(([tag, value]) => bytes(1, [bytes(1, tag), float(2, value)]));
    this.append(Buffer.concat([time(), int(2, step), bytes(5, entries)]));
  }

  /** Ends the session of the hparams plugin. */
  end(success: boolean): void {
    this.append(hparams('session_end_info', bytes(4, [int(1, success ? 1 : 2), double(2, seconds())])));
  }

  flush(): void {
    this.write(() => fsyncSync(this.descriptor));
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private append(event: Buffer): void {
    this.write(() => writeFileSync(this.descriptor, record(event)));
  }

  private write(action: () => void): void {
    try {
      action();
    } catch (error) {
      throw cannotWrite(this.file, error);
    }
  }
}

function seconds(): number {
  return Date.now() / 1000;
}

function time(): Buffer {
  return double(1, seconds());
}

function version(): Buffer {
  return record(Buffer.concat([time(), bytes(3, 'brain.Event:2')]));
}

function sessionStart(group: string, settings: Hyperparameters): Buffer {
  const entries = Object.entries(settings).map(([key, value]) =>
    bytes(1, [bytes(1, key), bytes(2, valueProto(value))]),
  );
  return record(hparams('session_start_info', bytes(3, [...entries, bytes(4, group), double(5, seconds())])));
}

/** google.protobuf.Value */
function valueProto(value: Hyperparameters[string]): Buffer {
  if (value === null) return int(1, 0);
  if (typeof value === 'number') return double(2, value);
  return typeof value === 'string' ? bytes(3, value) : int(4, value ? 1 : 0);
}

/** HParamsPluginData of version 0, in the metadata of a summary without a value. */
function hparams(tag: string, content: Buffer): Buffer {
  const plugin = bytes(1, [bytes(1, 'hparams'), bytes(2, Buffer.concat([int(1, 0), content]))]);
  return Buffer.concat([time(), bytes(5, bytes(1, [bytes(1, `_hparams_/${tag}`), bytes(9, plugin)]))]);
}

/** TFRecord: the length, its checksum, the bytes, their checksum. */
function record(event: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(event.length));
  head.writeUInt32LE(maskedCrc(head.subarray(0, 8)), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(maskedCrc(event));
  return Buffer.concat([head, event, tail]);
}

/** The events of a file, up to the first that is cut off or damaged. */
export function recordsOf(file: Buffer): Buffer[] {
  const events: Buffer[] = [];
  for (let at = 0; at + 16 <= file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    if (file.readUInt32LE(at + 8) !== maskedCrc(file.subarray(at, at + 8))) break;
    const event = file.subarray(at + 12, at + 12 + length);
    at += 16 + length;
    if (at > file.length || file.readUInt32LE(at - 4) !== maskedCrc(event)) break;
    events.push(event);
  }
  return events;
}

/** Events without a step (the version, the session) are not kept, as they are written anew. */
function isKept(kept: Kept): (event: Buffer) => boolean {
  return (event) => event[9] === stepTag && kept(stepOf(event), event.includes(epochPrefix));
}

function stepOf(event: Buffer): number {
  let step = 0;
  for (let at = 10, scale = 1; ; at++, scale *= 128) {
    step += (event[at]! & 127) * scale;
    if (event[at]! < 128) return step;
  }
}

const polynomial = 0x82f63b78; // Castagnoli's, bits reversed
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  return crc;
});

/** CRC-32C, rotated and offset so that data which contain checksums can be checked too. */
export function maskedCrc(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = table[(crc ^ byte) & 255]! ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
