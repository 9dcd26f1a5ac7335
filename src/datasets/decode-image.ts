import { ClrError } from '../errors.js';

const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** The largest width and height of an image. */
const maxSide = 1024;

interface Size {
  width: number;
  height: number;
}

/**
 * Decodes a PNG or JPEG to bytes [height, width, 3]. Throws ClrError('data') naming `file` if it is not of `size`
 * (if given), or cannot be decoded to exact RGB.
 */
export async function decodeImage(bytes: Buffer, file: string, size?: Size): Promise<Size & { pixels: Uint8Array }> {
  const { default: sharp } = await import('sharp');
  try {
    const isPng = bytes.subarray(0, 8).equals(pngSignature);
    const complaint = isPng ? pngComplaint(bytes, size) : jpegComplaint(await sharp(bytes).metadata(), size);
    if (complaint) throw unusable(file, complaint, size);
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw unusable(file, info.channels === 4 ? 'has an alpha channel' : 'is not RGB', size);
    return { width: info.width, height: info.height, pixels: data };
  } catch (error) {
    if (error instanceof ClrError) throw error;
    const reason = (error as Error).message.split('\n')[0];
    throw new ClrError('data', `${file} is not a readable image: ${reason}`, 'replace or remove that file', {
      cause: error,
    });
  }
}

/** Reads the header itself (PNG specification 11.2.1): sharp would silently reduce 16 bits and drop an animation. */
function pngComplaint(bytes: Buffer, size: Size | undefined): string | undefined {
  if (bytes.length < 33) return 'is truncated';
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const [depth, colourType] = [bytes[24]!, bytes[25]!];
  const wrong = sizeComplaint({ width, height }, size);
  if (wrong) return wrong;
  if (colourType === 4 || colourType === 6) return 'has an alpha channel';
  if (colourType === 0) return 'is a greyscale image';
  if (depth > 8) return `has ${depth} bits per channel`;
  const pixelData = bytes.indexOf('IDAT');
  return bytes.subarray(0, Math.max(pixelData, 0)).includes('acTL') ? 'is animated' : undefined;
}

function jpegComplaint(image: import('sharp').Metadata, size: Size | undefined): string | undefined {
  if (image.format !== 'jpeg') return `is in fact a ${image.format}`;
  const wrong = sizeComplaint(image, size);
  if (wrong) return wrong;
  if (image.channels === 1) return 'is a greyscale image';
  return image.space === 'srgb' ? undefined : `has the colour space ${image.space}`;
}

function sizeComplaint({ width, height }: Size, size: Size | undefined): string | undefined {
  const fits = size ? width === size.width && height === size.height : Math.max(width, height) <= maxSide;
  return fits ? undefined : `is ${width} x ${height} pixels`;
}

function unusable(file: string, why: string, size: Size | undefined): ClrError {
  const sizes = size ? `of ${size.width} x ${size.height} pixels` : `of at most ${maxSide} x ${maxSide} pixels`;
  const hint = `images must be PNG or JPEG files ${sizes}, RGB with 8 bits per channel`;
  return new ClrError('data', `${file} ${why}`, hint);
}
