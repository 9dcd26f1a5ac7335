import { execFileSync } from 'node:child_process';
import { statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { shipped } from './root.js';
import { gitState } from './version.js';

it("the commit is found without taking git's lock, which would refresh the index", () => {
  const root = shipped('');
  const index = execFileSync('git', ['-C', root, 'rev-parse', '--git-path', 'index'], { encoding: 'utf8' }).trim();
  const modified = () => statSync(path.resolve(root, index)).mtimeMs;
  utimesSync(shipped('README.md'), new Date(), new Date()); // git checks it again, and would record the result
  const before = modified();
  expect(gitState()?.commit).toMatch(/^[0-9a-f]{40}$/);
  expect(modified()).toBe(before);
});
