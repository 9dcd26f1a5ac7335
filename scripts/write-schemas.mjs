// The JSON Schemas of configs and sweeps, made from the compiled program.
import { writeFileSync } from 'node:fs';

const { configJsonSchema } = await import('../dist/config/schema.js');
const { sweepJsonSchema } = await import('../dist/sweep/plan.js');
const schemas = { 'configs/schema.json': configJsonSchema(), 'configs/sweep.schema.json': sweepJsonSchema() };
for (const [file, schema] of Object.entries(schemas)) writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
