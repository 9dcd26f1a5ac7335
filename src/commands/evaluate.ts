import path from 'node:path';
import { Command, Option } from 'commander';
import type { ExperimentConfig } from '../config/schema.js';
import { addShorthands, cacheOption, configFromFlags, dataOption, runsOption, verboseOption } from './options.js';
import { listenForSignals } from './signals.js';

interface Flags {
  data?: string;
  cache: string;
  runs: string;
  checkpoint: string;
  verbose?: boolean;
  json?: boolean;
  device?: string;
  threads?: string;
  [shorthand: string]: unknown;
}

const evaluateShorthands = ['--backend', '--precision', '--threads', '--device'];

/** `clr evaluate`: the score of a checkpoint, on stdout. */
export const evaluateCommand = new Command('evaluate')
  .description("loss and accuracy of a run's checkpoint on the validation images")
  .argument('<run>', 'run folder, or its name in the runs folder, or latest')
  .addOption(dataOption())
  .addOption(cacheOption())
  .addOption(runsOption())
  .addOption(
    new Option('--checkpoint <name>', 'checkpoint to evaluate').choices(['last', 'best', 'previous']).default('last'),
  )
  .addOption(verboseOption())
  .addOption(new Option('--json', 'print as JSON'));
addShorthands(evaluateCommand, evaluateShorthands);

evaluateCommand.action(async (named: string, flags: Flags) => {
  const { data, cache: cacheDirectory, runs, checkpoint, verbose, json } = flags;
  const { findRun } = await import('../training/resume.js');
  const { scoreCheckpoint } = await import('../training/score.js');
  const { signal } = listenForSignals('finishing the batch');
  const run = findRun(named, runs);
  const score = await scoreCheckpoint(run, await configHere(run, flags), checkpoint, {
    data,
    cacheDirectory,
    runs,
    signal,
    verbose,
  });
  const { accuracy, loss, images, epoch } = score;
  process.stdout.write(
    json
      ? `${JSON.stringify(score, null, 2)}\n`
      : `val_acc ${accuracy.toFixed(2)} %, val_loss ${loss.toFixed(4)} (${images} images, ${score.checkpoint}, epoch ${epoch})\n`,
  );
});

/** The run's config for this machine: its backend, device and threads may have been those of another one. */
async function configHere(run: string, flags: Flags): Promise<ExperimentConfig> {
  const file = path.join(run, 'config.json');
  const { device, threads, ...config } = await configFromFlags(file, { ...flags, set: ['backend=auto'], override: [] });
  return { ...config, ...(flags.device && { device }), ...(flags.threads && { threads }) };
}
