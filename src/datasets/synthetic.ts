import { z } from 'zod';
import { type Random, randomStream } from '../random.js';
import { entry } from '../registry.js';
import type { DataOptions, Dataset, Split } from './dataset.js';
import { type Shape, shapes } from './shapes.js';

const size = 32; // pixels
const imageBytes = size * size * 3;
const maxImages = 1_000_000; // 3 GB

type Colour = [number, number, number];

/**
 * Images in CIFAR-10's form that need no download. Each class is a shape, at a random place, size and rotation; its hue
 * is drawn around the class's own. The background is dull, with blots and pixel noise. The same seed gives the same
 * images.
 */
export const synthetic = {
  ...entry({
    type: 'synthetic',
    about: "Generated images in CIFAR-10's form that need no download: coloured shapes, one per class.",
    options: z.object({
      train_size: z
        .int()
        .min(10)
        .max(maxImages)
        .default(2000)
        .describe('number of training images, equally many per class'),
      val_size: z.int().min(10).max(maxImages).default(500).describe('number of validation images'),
      difficulty: z.number().min(0).max(1).default(0.5).describe('scales the pixel noise and the spread of the hues'),
    }),
    async create({ train_size, val_size, difficulty }, { seed }: DataOptions): Promise<Dataset> {
      return {
        imageShape: [size, size, 3],
        classNames: Object.keys(shapes),
        train: drawSplit(train_size, difficulty, randomStream(seed, 'synthetic', 0)),
        validation: drawSplit(val_size, difficulty, randomStream(seed, 'synthetic', 1)),
      };
    },
  }),
  trainSize: ({ train_size }: { train_size: number }) => train_size,
};

/** Draws the classes in turn. */
function drawSplit(count: number, difficulty: number, random: Random): Split {
  const classes = Object.values(shapes);
  const split = { images: new Uint8Array(count * imageBytes), labels: new Uint8Array(count) };
  for (let i = 0; i < count; i++) {
    const label = i % classes.length;
    split.labels[i] = label;
    const hue = label / classes.length + 0.07 * difficulty * random.normal();
    const pixels = split.images.subarray(i * imageBytes, (i + 1) * imageBytes);
    drawImage(pixels, classes[label]!, hue, 0.09 * difficulty, random);
  }
  return split;
}

/** `hue` of the shape, in turns; `noise`: standard deviation, of a range of 0..1. */
function drawImage(pixels: Uint8Array, shape: Shape, hue: number, noise: number, random: Random): void {
  const image = new Float32Array(imageBytes); // [32, 32, 3], 0..1
  const shapeColour = rgb(hue, between(random, 0.5, 1), between(random, 0.4, 1));
  const background = contrasting(shapeColour, 0.2, () => dull(random));
  for (let i = 0; i < imageBytes; i++) image[i] = background[i % 3]!;
  for (let blots = random.integer(2, 4); blots > 0; blots--) {
    const blotColour = contrasting(shapeColour, 0.2, () => dull(random));
    paint(image, blot, blotColour, between(random, 1, 5), 0, random);
  }
  const radius = between(random, 7, 12);
  paint(image, shape, shapeColour, radius, radius, random);
  for (let i = 0; i < imageBytes; i++) pixels[i] = Math.round(255 * clamp(image[i]! + noise * random.normal()));
}

const blot: Shape = (x, y) => Math.hypot(x, y) - 1;

/** Draws `shape`, rotated at random, centred at least `margin` pixels from the border, with an edge one pixel wide. */
function paint(
  image: Float32Array,
  shape: Shape,
  paintColour: Colour,
  radius: number,
  margin: number,
  random: Random,
): void {
  const centre = () => between(random, margin, size - margin);
  const [centreX, centreY] = [centre(), centre()];
  const angle = between(random, 0, 2 * Math.PI);
  const [cos, sin] = [Math.cos(angle) / radius, Math.sin(angle) / radius];
  const reach = 1.3 * radius; // no shape extends further
  const range = (middle: number) =>
    [Math.max(0, Math.floor(middle - reach)), Math.min(size, Math.ceil(middle + reach))] as const;
  const [[top, bottom], [left, right]] = [range(centreY), range(centreX)];
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) {
      const [dx, dy] = [x + 0.5 - centreX, y + 0.5 - centreY];
      const cover = clamp(0.5 - radius * shape(cos * dx + sin * dy, cos * dy - sin * dx));
      const at = (y * size + x) * 3;
      for (let c = 0; c < 3; c++) image[at + c]! += cover * (paintColour[c]! - image[at + c]!);
    }
}

function dull(random: Random): Colour {
  return rgb(random.uniform(), between(random, 0, 0.4), random.uniform());
}

/** The first colour drawn that differs from `from` by at least `contrast` on average over the channels. */
function contrasting(from: Colour, contrast: number, draw: () => Colour): Colour {
  for (;;) {
    const candidate = draw();
    if (candidate.reduce((sum, value, c) => sum + Math.abs(value - from[c]!), 0) >= 3 * contrast) return candidate;
  }
}

/** From hue (in turns, any number), saturation and value (0..1). */
function rgb(hue: number, saturation: number, value: number): Colour {
  return [5, 3, 1].map((n) => {
    const k = (((n + 6 * hue) % 6) + 6) % 6;
    return value * (1 - saturation * clamp(Math.min(k, 4 - k)));
  }) as Colour;
}

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
