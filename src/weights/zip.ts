import { crc32 } from 'node:zlib';

/** A ZIP archive of uncompressed files (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT). */
export function zip(files: [name: string, content: Buffer][]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of files) {
    const title = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version needed
    common.writeUInt16LE(0x21, 8); // 1 January 1980
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(title.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, title]);
    directory.push(entry(common, title, offset));
    parts.push(local, content);
    offset += local.length + content.length;
  }
  return Buffer.concat([...parts, ...directory, end(directory, offset)]);
}

function entry(common: Buffer, title: Buffer, offset: number): Buffer {
  const rest = Buffer.alloc(14);
  rest.writeUInt32LE(offset, 10);
  return Buffer.concat([Buffer.from('PK\x01\x02\x14\0', 'latin1'), common, rest, title]);
}

function end(directory: Buffer[], offset: number): Buffer {
  const record = Buffer.alloc(22);
  record.write('PK\x05\x06', 0, 'latin1');
  record.writeUInt16LE(directory.length, 8);
  record.writeUInt16LE(directory.length, 10);
  record.writeUInt32LE(Buffer.concat(directory).length, 12);
  record.writeUInt32LE(offset, 16);
  return record;
}
