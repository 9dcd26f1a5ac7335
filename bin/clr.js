#!/usr/bin/env node
// Checks the Node version, then starts the program; nothing else.
import { existsSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19) || major >= 23) {
  process.stderr.write(`clr: needs Node.js 20.19 to 22, and this is ${process.versions.node}\n`);
  process.exit(2);
}
const program = new URL('../dist/cli.js', import.meta.url);
if (!existsSync(program)) {
  process.stderr.write('clr: not built yet; run `npm run setup` in its folder\n');
  process.exit(2);
}
await import(program.href);
