/** Images of one split, as bytes. */
export interface Split {
  /** [N, H, W, C], row by row, 0..255. */
  images: Uint8Array;
  /** [N], 0..classes-1. */
  labels: Uint8Array;
}

/** Everything a run trains and validates on; small enough to stay in memory (CIFAR-10: 184 MB). */
export interface Dataset {
  /** [H, W, C] of one image. */
  imageShape: [number, number, number];
  classNames: string[];
  train: Split;
  validation: Split;
}

/** Where images come from and go to, besides what the config says. */
export interface DataOptions {
  /** `--data` or CLR_DATA: a file or folder; undefined: download. */
  path?: string;
  /** Downloads and decoded images are kept here. */
  cacheDirectory: string;
  seed: number;
  /** Called with a line for the user, e.g. the progress of a download. */
  report(message: string): void;
}
