import { ClrError } from '../errors.js';

const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** A PNG or JPEG of 32 x 32 pixels as bytes [32, 32, 3]. Anything that would not be exact RGB is a ClrError('data') naming `file`. */
export async function decodeImage(bytes: Buffer, file: string): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  try {
    const isPng = bytes.subarray(0, 8).equals(pngSignature);
    const complaint = isPng ? pngComplaint(bytes) : jpegComplaint(await sharp(bytes).metadata());
    if (complaint) throw unusable(file, complaint);
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw unusable(file, info.channels === 4 ? 'has an alpha channel' : 'is not RGB');
    return data;
  } catch (error) {
    if (error instanceof ClrError) throw error;
    const reason = (error as Error).message.split('\n')[0];
    throw new ClrError('data', `${file} is no readable image: ${reason}`, 'replace or remove that file', {
      cause: error,
    });
  }
}

/** Read from the header itself (PNG specification 11.2.1), since sharp would silently reduce 16 bits and drop an animation. */
function pngComplaint(bytes: Buffer): string | undefined {
  if (bytes.length < 33) return 'is cut off';
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const [depth, colourType] = [bytes[24]!, bytes[25]!];
  if (width !== 32 || height !== 32) return wrongSize(width, height);
  if (colourType === 4 || colourType === 6) return 'has an alpha channel';
  if (colourType === 0) return 'is a grey image';
  if (depth > 8) return `has ${depth} bits a channel`;
  const pixelData = bytes.indexOf('IDAT');
  return bytes.subarray(0, Math.max(pixelData, 0)).includes('acTL') ? 'is animated' : undefined;
}

function jpegComplaint(image: import('sharp').Metadata): string | undefined {
  if (image.format !== 'jpeg') return `is a ${image.format} inside`;
  if (image.width !== 32 || image.height !== 32) return wrongSize(image.width, image.height);
  if (image.channels === 1) return 'is a grey image';
  return image.space === 'srgb' ? undefined : `is in ${image.space}`;
}

function wrongSize(width: number, height: number): string {
  return `is ${width} x ${height} pixels`;
}

function unusable(file: string, why: string): ClrError {
  return new ClrError('data', `${file} ${why}`, 'images must be 32 x 32 PNG or JPEG files, RGB with 8 bits a channel');
}
