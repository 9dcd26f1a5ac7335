import { Command, CommanderError } from 'commander';
import { benchCommand } from './commands/bench.js';
import { compareCommand } from './commands/compare.js';
import { completionCommand } from './commands/completion.js';
import { configCommand } from './commands/config.js';
import { doctorCommand } from './commands/doctor.js';
import { evaluateCommand } from './commands/evaluate.js';
import { examples, examplesText } from './commands/examples.js';
import { exportCommand } from './commands/export.js';
import { lrfindCommand } from './commands/lrfind.js';
import { lsCommand } from './commands/ls.js';
import { planCommand } from './commands/plan.js';
import { plotCommand } from './commands/plot.js';
import { reportCommand } from './commands/report.js';
import { runCommand } from './commands/run.js';
import { scheduleCommand } from './commands/schedule.js';
import { showCommand } from './commands/show.js';
import { sweepCommand } from './commands/sweep.js';
import { tuneCommand } from './commands/tune.js';
import { watchCommand } from './commands/watch.js';
import { ClrError, exitCodes, Interruption } from './errors.js';
import { printable } from './system/printable.js';
import { version } from './system/version.js';

const maxText = 2000; // characters per line: a message may quote the contents of any file

const program = new Command('clr')
  .description('A laboratory for cyclical learning rates and cyclical momentum.')
  .option('--debug', 'show the stack trace of an error')
  .version(version(), '-v, --version', 'print the version')
  .showSuggestionAfterError(false)
  .addCommand(runCommand)
  .addCommand(lrfindCommand)
  .addCommand(watchCommand)
  .addCommand(lsCommand)
  .addCommand(plotCommand)
  .addCommand(sweepCommand)
  .addCommand(tuneCommand)
  .addCommand(planCommand)
  .addCommand(compareCommand)
  .addCommand(reportCommand)
  .addCommand(exportCommand)
  .addCommand(evaluateCommand)
  .addCommand(scheduleCommand)
  .addCommand(showCommand)
  .addCommand(configCommand)
  .addCommand(doctorCommand)
  .addCommand(benchCommand)
  .addCommand(completionCommand)
  .addHelpText(
    'after',
    [
      '',
      'Exit codes: 0 ok, 1 run failed, 2 usage or config, 3 diverged, 4 data missing or damaged, or runs of a sweep locked,',
      '5 backend or device, 129/130/140/143 interrupted by SIGHUP/SIGINT/SIGUSR2/SIGTERM',
      '',
      'First run: clr run quickstart',
    ].join('\n'),
  );
for (const command of program.commands) command.addHelpText('after', examplesText(command.name()));
for (const command of [program, ...program.commands]) command.exitOverride().configureOutput({ outputError: () => {} });

process.stderr.on('error', () => {}); // a closed stderr must not end a run
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (error) => process.exit(explain(error)));
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : explain(error)); // 0: the reader, e.g. `head`, closed it
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = explain(error, await hintFor(error));
}

/** For an unknown command, the one probably meant; for a missing argument, an example. */
async function hintFor(error: unknown): Promise<string | undefined> {
  const [command = ''] = program.args;
  const { code } = error as CommanderError;
  if (code === 'commander.missingArgument') return `e.g. ${examples[command]?.[0] ?? `clr ${command} --help`}`;
  if (code !== 'commander.unknownCommand') return undefined;
  const { suggestion } = await import('./config/aliases.js');
  const near = suggestion('command', command, Object.keys(examples)).replace(/^[,:] /, '');
  return near || '`clr --help` lists the commands';
}

/** Prints the error as one line and a hint; returns the exit code. */
function explain(error: unknown, more?: string): number {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof CommanderError && error.exitCode === 0) return 0; // --help, --version
  if (code === 'commander.help') return exitCodes.usage; // no command: the help has been printed
  const debug = program.opts<{ debug?: boolean }>().debug;
  const { message = String(error), stack } = (error ?? {}) as Error;
  const hint = error instanceof ClrError ? error.hint : more;
  process.stderr.write(`clr: ${printable(message.replace(/^error: /, ''), maxText).trim()}\n`);
  if (hint) process.stderr.write(`  hint: ${lines(hint)}\n`);
  if (debug) process.stderr.write(`${lines(stack ?? '')}\n`);
  else if (![ClrError, CommanderError, Interruption].some((expected) => error instanceof expected))
    process.stderr.write('  hint: --debug shows the stack trace\n');
  if (error instanceof ClrError || error instanceof Interruption) return error.exitCode;
  if (error instanceof CommanderError || code === 'ERR_INVALID_ARG_VALUE') return exitCodes.usage;
  return exitCodes.failed;
}

/** `text` with each of its lines made printable. */
function lines(text: string): string {
  const all = text.split('\n').map((line) => printable(line, maxText));
  return all.join('\n');
}
