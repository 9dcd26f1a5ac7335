import { ClrError } from '../errors.js';
import { type Dataset, type Split, zeroLabels } from './dataset.js';
import type { SplitName } from './members.js';

/** One decoded image of an image folder. */
export interface DecodedImage {
  path: string;
  split: SplitName;
  className: string;
  width: number;
  height: number;
  /** [height, width, 3] */
  pixels: Uint8Array;
}

/** How many images are read and decoded at once: enough to keep sharp's four threads busy. */
export const decodersAtOnce = 16;

/** Makes a data set of the images, sorted by path; a label is the index of its class in the sorted class names. */
export function fromImages(images: DecodedImage[], classNames: Record<SplitName, Set<string>>, from: string): Dataset {
  const names = [...classNames.train].sort();
  const onlyInTest = [...classNames.test].filter((name) => !classNames.train.has(name));
  const onlyInTrain = names.filter((name) => !classNames.test.has(name));
  if (names.length === 0 || onlyInTest.length + onlyInTrain.length > 0)
    throw unequalClasses(from, names, onlyInTest, onlyInTrain);
  if (names.length === 1)
    throw new ClrError('data', `${from} has only one class, ${names[0]}`, 'add at least one more class folder');
  if (names.length > 65_536) throw new ClrError('data', `${from} has ${names.length} classes, more than 65536`);
  for (const split of ['train', 'test'] as const) {
    const used = new Set(images.filter((image) => image.split === split).map((image) => image.className));
    const empty = names.find((name) => !used.has(name));
    if (empty !== undefined) throw emptyClass(from, `${split}/${empty}`);
  }
  images.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const { width, height } = images[0]!;
  const other = images.find((image) => image.width !== width || image.height !== height);
  if (other) throw unequalSizes(from, images[0]!, other);
  const splitOf = (split: SplitName) =>
    joined(
      images.filter((image) => image.split === split),
      names,
    );
  return { imageShape: [height, width, 3], classNames: names, train: splitOf('train'), validation: splitOf('test') };
}

function joined(images: DecodedImage[], names: string[]): Split {
  const labelOf = new Map(names.map((name, label) => [name, label]));
  const size = images[0]!.pixels.length;
  const split = { images: new Uint8Array(images.length * size), labels: zeroLabels(images.length, names.length) };
  images.forEach(({ pixels, className }, i) => {
    split.images.set(pixels, i * size);
    split.labels[i] = labelOf.get(className)!;
  });
  return split;
}

function unequalClasses(from: string, names: string[], onlyInTest: string[], onlyInTrain: string[]): ClrError {
  const detail =
    names.length === 0
      ? 'train/ has no class folders'
      : [
          onlyInTrain.length > 0 && `only in train/: ${onlyInTrain.join(', ')}`,
          onlyInTest.length > 0 && `only in test/: ${onlyInTest.join(', ')}`,
        ]
          .filter(Boolean)
          .join('; ');
  return new ClrError(
    'data',
    `${from}: train/ and test/ need the same class folders; ${detail}`,
    'add the missing folders',
  );
}

function unequalSizes(from: string, one: DecodedImage, other: DecodedImage): ClrError {
  const size = ({ path, width, height }: DecodedImage) => `${path} has ${width} x ${height} pixels`;
  return new ClrError(
    'data',
    `${from}: all images must be of the same size, but ${size(one)} and ${size(other)}`,
    'scale or remove those that differ',
  );
}

function emptyClass(from: string, folder: string): ClrError {
  return new ClrError(
    'data',
    `${from}: the class folder ${folder} contains no .png or .jpg file`,
    'add images or remove the class',
  );
}
