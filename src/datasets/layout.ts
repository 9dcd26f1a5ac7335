/** What a data set's folder or archive may hold beside image folders, and the limits of both. */
export interface Layout {
  /** The official binary version; undefined: there is none. */
  binary?: BinaryFormat;
  /** Of every image; undefined: whatever size they have in common. */
  size?: { width: number; height: number };
  /** The most bytes that an image file may have. */
  imageFileBytes: number;
  /** The most bytes that an archive may unpack to. */
  archiveBytes: number;
}

/** Files of records: label bytes, then 32 x 32 x 3 pixel bytes, channel by channel. */
export interface BinaryFormat {
  trainFiles: string[];
  testFile: string;
  /** A name a line, in the order of the labels. */
  namesFile: string;
  classes: number;
  labelBytes: number;
  /** Which of the label bytes counts. */
  labelByte: number;
  /** The most records that one file may have. */
  records: number;
}

/** Pixel bytes of a record. */
export const pixelBytes = 32 * 32 * 3;

/** The most bytes that an official file may have. */
export function fileBytes({ labelBytes, records }: BinaryFormat): number {
  return records * (labelBytes + pixelBytes);
}
