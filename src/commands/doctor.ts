import { Command, Option } from 'commander';
import { cacheOption, dataOption } from './options.js';

/** `clr doctor`: what works here, and the remedy for what does not. */
export const doctorCommand = new Command('doctor')
  .description('list backends, devices, data and fonts: what works here, and the remedy for what does not')
  .addOption(dataOption())
  .addOption(cacheOption())
  .addOption(new Option('--json', 'print as JSON'))
  .action(async ({ data, cache, json }: { data?: string; cache: string; json?: boolean }) => {
    const { examine } = await import('../doctor.js');
    const findings = await examine({ data, cacheDirectory: cache });
    if (json) {
      process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
      return;
    }
    for (const { subject, ok, detail, remedy } of findings) {
      process.stdout.write(`${ok ? 'ok     ' : 'missing'}  ${subject.padEnd(22)} ${detail}\n`);
      if (remedy) process.stdout.write(`${' '.repeat(32)}remedy: ${remedy}\n`);
    }
  });
