import { Command, Option } from 'commander';
import { addShorthands, type ConfigFlags, overrideOption, overridesOf, setOption } from './options.js';

/** `clr config`: the resolved config on stdout, each key with the place where it was set. */
export const configCommand = new Command('config')
  .description('print the resolved config, and where each key was set')
  .argument('<config>', 'JSON or YAML file, or the name of a config that comes with the program')
  .addOption(overrideOption())
  .addOption(setOption())
  .addOption(new Option('--json', 'print only the config, as JSON'));
addShorthands(configCommand);

configCommand.action(async (file: string, flags: ConfigFlags & { json?: boolean }) => {
  const { resolveConfig } = await import('../config/load.js');
  const resolved = resolveConfig(file, overridesOf(flags));
  if (flags.json) process.stdout.write(`${JSON.stringify(resolved.config, null, 2)}\n`);
  else process.stdout.write((await import('../config/annotate.js')).annotated(resolved));
});
