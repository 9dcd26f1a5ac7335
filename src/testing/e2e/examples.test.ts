import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Tensor2D, type Tensor4D, tensor } from '@tensorflow/tfjs-core';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpu, cpuMemory } from '../../backends/cpu/index.js';
import { registerHostKernels } from '../../backends/host.js';
import type { Model, ModelContext } from '../../models/model.js';
import { Tape } from '../../ops/tape.js';
import { randomStream } from '../../random.js';
import { type Entry, Registry } from '../../registry.js';
import type { RunLength, Schedule } from '../../schedules/schedule.js';
import { shipped } from '../../system/root.js';

/** The code under "**A schedule**" and so on in src/README.md. */
function example(heading: string): string {
  const page = readFileSync(shipped('src/README.md'), 'utf8');
  return page.split(`\n**${heading}**`)[1]!.match(/^```ts\n(.*?)^```$/ms)![1]!;
}

/** The examples with the imports that they omit, as modules of a folder beside the others. */
const modules = {
  schedule: `import { z } from 'zod';
    import { entry } from '../registry.js';
    import type { RunLength, Schedule } from '../schedules/schedule.js';
    ${example('A schedule')}`,
  model: `import { z } from 'zod';
    import { initNames } from '../models/init.js';
    import { Layers } from '../models/layers.js';
    import type { Model, ModelContext } from '../models/model.js';
    import { globalAveragePool } from '../ops/global-average-pool.js';
    import { entry } from '../registry.js';
    const options = z.object({ width: z.int().default(4), init: z.enum(initNames).default('he-normal') });
    export const small = entry({ type: 'small', about: 'A convolution.', options, ${example('A model')} });`,
  op: `import type { Tensor, Tensor4D, TensorInfo } from '@tensorflow/tfjs-core';
    import { referenceKernel, run } from '../ops/kernel.js';
    import type { Tape } from '../ops/tape.js';
    ${example('An op')}`,
};

it('the examples of src/README.md pass the type check', () => {
  const { config } = ts.readConfigFile(shipped('tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, shipped('.'));
  const host = ts.createCompilerHost(options);
  const texts = new Map(Object.entries(modules).map(([name, text]) => [shipped(`src/examples/${name}.ts`), text]));
  const { readFile, fileExists } = host;
  host.readFile = (file) => texts.get(file) ?? readFile(file);
  host.fileExists = (file) => texts.has(file) || fileExists(file);
  const program = ts.createProgram([...texts.keys()], { ...options, noEmit: true }, host);
  const problems = [...texts.keys()].flatMap((file) => program.getSemanticDiagnostics(program.getSourceFile(file)));
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
}, 60_000);

describe('among the examples of src/README.md', () => {
  mkdirSync(shipped('dist'), { recursive: true });
  const folder = mkdtempSync(shipped('dist/examples-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeAll(() => cpu.activate({ precision: 'f32' }));

  /** Builds an example and returns its exports. */
  function load<Exports>(name: keyof typeof modules): Promise<Exports> {
    const target = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022, verbatimModuleSyntax: true };
    const file = path.join(folder, `${name}.js`);
    writeFileSync(file, ts.transpileModule(modules[name], { compilerOptions: target }).outputText);
    return import(file);
  }

  it('the schedule drops the LR tenfold every 30 epochs', async () => {
    const { stepDecay } = await load<{ stepDecay: Entry<[RunLength], Schedule> }>('schedule');
    const registry = new Registry('schedule', [stepDecay]);
    const config = registry.schema.parse({ type: 'step-decay', lr: 1 });
    const schedule = registry.create(config, { iterations: 800, iterationsPerEpoch: 10 });
    expect([0, 299, 300, 600].map((iteration) => schedule(iteration).lr)).toEqual([1, 1, 0.1, 0.01]);
  });

  it('the model gives ten logits per image, and gradients of all its parameters', async () => {
    const { small } = await load<{ small: Entry<[ModelContext], Model> }>('model');
    const registry = new Registry('model', [small]);
    const context: ModelContext = { inputShape: [8, 8, 3], classes: 10, random: randomStream(1, 'init'), seed: 1 };
    const model = registry.create(registry.schema.parse({ type: 'small' }), context);
    const tape = new Tape(true);
    const logits = model.forward(tape, tensor(new Float32Array(2 * 8 * 8 * 3).fill(0.5), [2, 8, 8, 3]) as Tensor4D);
    expect(logits.shape).toEqual([2, 10]);
    const dy = tensor(new Float32Array(20).fill(1), [2, 10]) as Tensor2D;
    const values = model.parameters.map(({ value }) => value);
    expect(tape.gradients(logits, dy, values).map(({ shape }) => shape)).toEqual(values.map(({ shape }) => shape));
  });

  it('the op negates, and so does its gradient', async () => {
    type Op = { negate(tape: Tape, x: Tensor4D): Tensor4D; negateKernels: Parameters<typeof registerHostKernels>[2] };
    const { negate, negateKernels } = await load<Op>('op');
    registerHostKernels('cpu', cpuMemory, negateKernels);
    const x = tensor([1, -2, 3], [1, 1, 1, 3]) as Tensor4D;
    const tape = new Tape(true);
    const y = negate(tape, x);
    expect([...y.dataSync()]).toEqual([-1, 2, -3]);
    const [dx] = tape.gradients(y, tensor([1, 2, -4], [1, 1, 1, 3]), [x]);
    expect([...dx!.dataSync()]).toEqual([-1, -2, 4]);
  });
});
