import { fileURLToPath } from 'node:url';

/** The path of a file that comes with the program: from src/, from dist/ and from a bundle in dist/ alike. */
export function shipped(file: string): string {
  return fileURLToPath(new URL(`../${file}`, import.meta.url));
}
