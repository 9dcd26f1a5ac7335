/** What a data set's folder or archive may hold besides image folders, and the size limits. */
export interface Layout {
  /** The official binary version; undefined: there is none. */
  binary?: BinaryFormat;
  /** The size of every image; undefined: any size that they share. */
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
  /** One class name per line, in the order of the labels. */
  namesFile: string;
  classes: number;
  labelBytes: number;
  /** The index of the label byte that is used. */
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
