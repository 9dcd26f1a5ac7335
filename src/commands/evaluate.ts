import { Command, Option } from 'commander';
import { cacheOption, dataOption, runsOption, verboseOption } from './options.js';
import { listenForSignals } from './signals.js';

interface Flags {
  data?: string;
  cache: string;
  runs: string;
  checkpoint: string;
  backend?: string;
  verbose?: boolean;
  json?: boolean;
}

/** `clr evaluate`: the score of a checkpoint, on stdout. */
export const evaluateCommand = new Command('evaluate')
  .description("loss and accuracy of a run's checkpoint over the validation images")
  .argument('<run>', 'run folder, or its name in the runs folder, or latest')
  .addOption(dataOption())
  .addOption(cacheOption())
  .addOption(runsOption())
  .addOption(new Option('--checkpoint <name>', 'which').choices(['last', 'best', 'previous']).default('last'))
  .addOption(new Option('--backend <name>', 'auto, or one that `clr doctor` lists'))
  .addOption(verboseOption())
  .addOption(new Option('--json', 'print as JSON'))
  .action(async (named: string, { data, cache, runs, checkpoint, backend, verbose, json }: Flags) => {
    const { findRun } = await import('../training/resume.js');
    const { scoreCheckpoint } = await import('../training/score.js');
    const { signal } = listenForSignals('finishing the batch');
    const options = {
      cacheDirectory: cache,
      runs,
      signal,
      verbose,
      ...(data && { data }),
      ...(backend && { backend }),
    };
    const score = await scoreCheckpoint(findRun(named, runs), checkpoint, options);
    const { accuracy, loss, images, epoch } = score;
    process.stdout.write(
      json
        ? `${JSON.stringify(score, null, 2)}\n`
        : `val_acc ${accuracy.toFixed(2)} %, val_loss ${loss.toFixed(4)} (${images} images, ${score.checkpoint}, epoch ${epoch})\n`,
    );
  });
