// What the compiler leaves behind: fonts, and the JSON Schema of configs, made from the compiled program.
import { cpSync, writeFileSync } from 'node:fs';

cpSync('src/charts/fonts', 'dist/charts/fonts', { recursive: true });
const { configJsonSchema } = await import('../dist/config.js');
writeFileSync('configs/schema.json', `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
