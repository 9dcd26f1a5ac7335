import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { EventFile, maskedCrc, recordsOf } from './event-file.js';

const scratch = mkdtempSync(path.join(tmpdir(), 'clr-events-'));
afterAll(() => rmSync(scratch, { recursive: true }));

it('masks the checksum CRC-32C', () => {
  expect(maskedCrc(Buffer.from('123456789'))).toBe(0xc78ab0e5); // by definition: rotr(0xe3069283, 15) + 0xa282ead8
});

it('of a resumed run keeps the events before the checkpoint, and drops a last event that is cut off', () => {
  const first = new EventFile(scratch, 'arm', { lr: 0.1 }, () => true);
  for (const step of [0, 127, 128, 300]) first.scalars(step, { 'iteration/loss': step });
  first.close();
  const [file] = readdirSync(scratch).map((name) => path.join(scratch, name));
  appendFileSync(file!, readFileSync(file!).subarray(0, 20));

  const second = new EventFile(scratch, 'arm', { lr: 0.1 }, (step, ofEpoch) => step < 300 && !ofEpoch);
  second.scalars(300, { 'iteration/loss': 7 });
  second.close();
  expect(readdirSync(scratch)).toHaveLength(1);
  const events = recordsOf(readFileSync(file!));
  expect(events).toHaveLength(2 + 4);
  expect(events.at(-1)!.readFloatLE(events.at(-1)!.length - 4)).toBe(7);
});
