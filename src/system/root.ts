import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json: from src/, from dist/ and from a bundle in dist/ alike. */
const root = findRoot(path.dirname(fileURLToPath(import.meta.url)));

/** The path of a file that comes with the program. */
export function shipped(file: string): string {
  return path.join(root, file);
}

function findRoot(folder: string): string {
  return existsSync(path.join(folder, 'package.json')) ? folder : findRoot(path.dirname(folder));
}
