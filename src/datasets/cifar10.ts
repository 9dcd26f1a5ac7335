import { cifar, cifarLayout } from './cifar.js';
import type { Download } from './download.js';

/** From https://www.cs.toronto.edu/~kriz/cifar.html (md5 there: c32a1d4ab5d03f1284b67883e8d87530). */
export const cifar10Download: Download = {
  url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
  bytes: 170_052_171,
  sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
};

export const cifar10Layout = cifarLayout({
  trainFiles: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`),
  testFile: 'test_batch.bin',
  namesFile: 'batches.meta.txt',
  classes: 10,
  labelBytes: 1,
  labelByte: 0,
  records: 10_000,
});

/** CIFAR-10 (Krizhevsky 2009). */
export const cifar10 = cifar(
  'cifar10',
  'CIFAR-10: 50,000 training and 10,000 validation images of 32x32 pixels, downloaded or from --data.',
  cifar10Layout,
  cifar10Download,
);
