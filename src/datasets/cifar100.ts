import { cifar, cifarLayout } from './cifar.js';
import type { Download } from './download.js';

/** From https://www.cs.toronto.edu/~kriz/cifar.html (md5 there: 03b5dce01913d631647c71ecec9e9cb8). */
const download: Download = {
  url: 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
  bytes: 168_513_733,
  sha256: '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
};

/** Each record has a coarse label before the fine one. */
const layout = cifarLayout({
  trainFiles: ['train.bin'],
  testFile: 'test.bin',
  namesFile: 'fine_label_names.txt',
  classes: 100,
  labelBytes: 2,
  labelByte: 1,
  records: 50_000,
});

/** CIFAR-100 (Krizhevsky 2009) with its 100 fine labels. */
export const cifar100 = cifar(
  'cifar100',
  'CIFAR-100 with its fine labels: 50,000 training and 10,000 validation images, downloaded or from --data.',
  layout,
  download,
);
