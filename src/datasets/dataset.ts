/** Class numbers, 0..classes-1: bytes for up to 256 classes. */
export type Labels = Uint8Array | Uint16Array;

/** Images of one split, as bytes. */
export interface Split {
  /** [N, H, W, C], row by row, 0..255. */
  images: Uint8Array;
  /** [N] */
  labels: Labels;
}

/** Everything a run trains and validates on; small enough to stay in memory (CIFAR-10: 184 MB). */
export interface Dataset {
  /** [H, W, C] of one image. */
  imageShape: [number, number, number];
  classNames: string[];
  train: Split;
  validation: Split;
  /** Of all images that were read, whatever part of them is used, with labels and class names; undefined: generated. */
  sha256?: string;
}

/** `count` labels, all 0. */
export function zeroLabels(count: number, classes: number): Labels {
  return classes > 256 ? new Uint16Array(count) : new Uint8Array(count);
}

/** How to load images, beyond what the config says. */
export interface DataOptions {
  /** `--data` or CLR_DATA: a file or folder; undefined: download. */
  path?: string;
  /** Downloads and decoded images are kept here. */
  cacheDirectory: string;
  seed: number;
  /** When aborted, the download or the decoding fails with its reason. */
  signal?: AbortSignal;
  /** Called with a line for the user, e.g. the progress of a download. */
  report(message: string): void;
}
