import { z } from 'zod';
import { type Random, randomStream } from '../random.js';
import { entry } from '../registry.js';
import type { DataOptions, Dataset, Split } from './index.js';
import { type Shape, shapes } from './shapes.js';

const size = 32; // pixels
const imageBytes = size * size * 3;

type Colour = [number, number, number];

/**
 * Images in CIFAR-10's form that need no download: one shape of ten, its class, of random colour, place, size and rotation
 * on a background of random colour with blots and pixel noise. The same seed gives the same images.
 */
export const synthetic = entry({
  type: 'synthetic',
  options: z.object({
    train_size: z.int().min(10).default(2000).describe('Training images, the same number of each class'),
    val_size: z.int().min(10).default(500).describe('Validation images'),
    noise: z.number().min(0).max(1).default(0.15).describe('Standard deviation of the pixel noise, of a range of 0..1'),
  }),
  async create({ train_size, val_size, noise }, { seed }: DataOptions): Promise<Dataset> {
    return {
      imageShape: [size, size, 3],
      classNames: Object.keys(shapes),
      train: drawSplit(train_size, noise, randomStream(seed, 'synthetic', 0)),
      validation: drawSplit(val_size, noise, randomStream(seed, 'synthetic', 1)),
    };
  },
});

/** The classes in turn. */
function drawSplit(count: number, noise: number, random: Random): Split {
  const classes = Object.values(shapes);
  const split = { images: new Uint8Array(count * imageBytes), labels: new Uint8Array(count) };
  for (let i = 0; i < count; i++) {
    const label = i % classes.length;
    split.labels[i] = label;
    drawImage(split.images.subarray(i * imageBytes, (i + 1) * imageBytes), classes[label]!, noise, random);
  }
  return split;
}

function drawImage(pixels: Uint8Array, shape: Shape, noise: number, random: Random): void {
  const image = new Float32Array(imageBytes); // [32, 32, 3], 0..1
  const background = colour(random);
  for (let i = 0; i < imageBytes; i++) image[i] = background[i % 3]!;
  for (let blots = random.integer(2, 4); blots > 0; blots--) {
    const blot: Shape = (x, y) => Math.hypot(x, y) - 1;
    paint(image, blot, nearColour(background, 0.25, random), between(random, 1, 5), 0, size, random);
  }
  const radius = between(random, 6, 11);
  paint(image, shape, contrastingColour(background, 0.25, random), radius, radius, size - radius, random);
  for (let i = 0; i < imageBytes; i++) pixels[i] = Math.round(255 * clamp(image[i]! + noise * random.normal()));
}

/** Draws `shape` with its centre somewhere from `low` to `high` (pixels, both axes), rotated at random, its edge one pixel soft. */
function paint(
  image: Float32Array,
  shape: Shape,
  paintColour: Colour,
  radius: number,
  low: number,
  high: number,
  random: Random,
): void {
  const [centreX, centreY] = [between(random, low, high), between(random, low, high)];
  const angle = between(random, 0, 2 * Math.PI);
  const [cos, sin] = [Math.cos(angle) / radius, Math.sin(angle) / radius];
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const [dx, dy] = [x + 0.5 - centreX, y + 0.5 - centreY];
      const cover = clamp(0.5 - radius * shape(cos * dx + sin * dy, cos * dy - sin * dx));
      const at = (y * size + x) * 3;
      for (let c = 0; c < 3; c++) image[at + c]! += cover * (paintColour[c]! - image[at + c]!);
    }
}

function colour(random: Random): Colour {
  return [random.uniform(), random.uniform(), random.uniform()];
}

function nearColour(to: Colour, distance: number, random: Random): Colour {
  return to.map((value) => clamp(value + between(random, -distance, distance))) as Colour;
}

/** Differs from `from` by at least `contrast` on average over the channels. */
function contrastingColour(from: Colour, contrast: number, random: Random): Colour {
  for (;;) {
    const candidate = colour(random);
    if (candidate.reduce((sum, value, c) => sum + Math.abs(value - from[c]!), 0) >= 3 * contrast) return candidate;
  }
}

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
