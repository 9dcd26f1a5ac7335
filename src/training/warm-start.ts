import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { ExperimentConfig } from '../config/schema.js';
import { ClrError } from '../errors.js';
import type { Model, Variable } from '../models/model.js';
import { didYouMean } from '../registry.js';
import { checkpointFolder } from '../runs/run-folder.js';
import { type Header, readCheckpoint, restore } from './checkpoint.js';

type Init = NonNullable<ExperimentConfig['init']>;

/** Where a run's first weights come from; recorded in its environment.json. */
export interface Parent {
  checkpoint: string;
  /** The checkpoint's, from its header. */
  sha256: string;
  /** The parent's updates and epochs up to the checkpoint. */
  iteration: number;
  epoch: number;
}

/**
 * Gives the model the weights and running statistics of a checkpoint, or of a run's last one; `from` is a path, or a
 * name in `runs`. Throws ClrError('usage') with the names and shapes that differ, ClrError('data') if there is no
 * intact checkpoint.
 */
export function warmStart({ from, skip }: Init, model: Model, runs: string): Parent {
  const checkpoint = checkpointOf(from, runs);
  const { header, position, data } = read(checkpoint);
  const all = [...model.parameters, ...model.statistics];
  const stored = Object.keys(header).filter((name) => name.includes('.')); // not __metadata__ and steps
  const inEither = [...all, ...stored.map((name) => ({ name }))];
  const layers = layersNamed(skip, inEither, 'init.skip');
  const variables = all.filter((variable) => !layers(variable.name));
  const problems = [...unusable(variables, header, data), ...leftOver(all, header, layers)];
  if (problems.length > 0) throw differs(checkpoint, problems);
  for (const variable of variables) {
    variable.value.dispose();
    variable.value = restore(variable, header[variable.name], data) as Tensor<never>;
  }
  const { iteration, epoch } = position;
  return { checkpoint, sha256: header.__metadata__.sha256, iteration, epoch };
}

/**
 * The model, with the parameters of the layers `freeze` moved to what is kept but not learnt. Their batch norm still
 * uses the batch, and still updates its running statistics.
 */
export function frozen(model: Model, freeze: string[]): Model {
  if (freeze.length === 0) return model;
  const isFrozen = layersNamed(freeze, model.parameters, 'init.freeze');
  const parameters = model.parameters.filter(({ name }) => !isFrozen(name));
  if (parameters.length === 0)
    throw new ClrError('usage', 'init.freeze leaves no parameter to train', 'freeze fewer layers');
  const kept = model.parameters.filter(({ name }) => isFrozen(name));
  return { ...model, parameters, statistics: [...model.statistics, ...kept] };
}

/** Whether a variable belongs to one of `layers`: `stage1` also names `stage1.block1.conv1.filter`. */
function layersNamed(
  layers: string[],
  variables: readonly Pick<Variable, 'name'>[],
  key: string,
): (name: string) => boolean {
  const within = (name: string, layer: string) => name === layer || name.startsWith(`${layer}.`);
  for (const layer of layers) {
    if (variables.some(({ name }) => within(name, layer))) continue;
    const known = [...new Set(variables.map(({ name }) => name.split('.')[0]!))];
    const problem = `${key}: the model has no layer "${layer}"${didYouMean(layer, known)}`;
    throw new ClrError('usage', problem, `known: ${known.join(', ')}, and parts of these`);
  }
  return (name) => layers.some((layer) => within(name, layer));
}

function checkpointOf(from: string, runs: string): string {
  const place = [from, path.join(runs, from)].find(existsSync);
  if (place === undefined)
    throw new ClrError(
      'usage',
      `init.from: there is no run or checkpoint ${from}`,
      'name a run folder or a checkpoint',
    );
  return statSync(place).isDirectory() ? path.join(place, checkpointFolder, 'last.safetensors') : place;
}

function read(checkpoint: string): ReturnType<typeof readCheckpoint> {
  try {
    return readCheckpoint(checkpoint);
  } catch (error) {
    const problem = `the checkpoint ${checkpoint} ${(error as Error).message}`;
    throw new ClrError('data', problem, 'choose another one', { cause: error });
  }
}

/** What prevents variables from getting their values. */
function unusable(variables: Variable[], header: Header, data: Buffer): string[] {
  return variables.flatMap((variable) => {
    try {
      restore(variable, header[variable.name], data).dispose();
      return [];
    } catch (error) {
      return [(error as Error).message];
    }
  });
}

/**
 * Weights of the checkpoint, outside the skipped layers, that the model has no place for. `x.velocity` is optimizer
 * state, not a weight.
 */
function leftOver(variables: readonly Variable[], header: Header, skipped: (name: string) => boolean): string[] {
  const known = new Set(variables.map(({ name }) => name));
  const isState = (name: string) => name === 'steps' || name.slice(0, name.lastIndexOf('.')) in header;
  return Object.keys(header)
    .filter((name) => name !== '__metadata__' && !known.has(name) && !isState(name) && !skipped(name))
    .map((name) => `has "${name}", which the model lacks`);
}

function differs(checkpoint: string, problems: string[]): ClrError {
  const shown = problems.slice(0, 6);
  const more = problems.length > shown.length ? `; and ${problems.length - shown.length} more` : '';
  return new ClrError(
    'usage',
    `init.from: the checkpoint ${checkpoint} does not fit the model: it ${shown.join('; ')}${more}`,
    "use the parent's model, or name the layers that start from fresh weights in init.skip",
  );
}
