import { Command, Option } from 'commander';
import type { Precision } from '../backends/backend.js';
import type { Finding } from '../diagnostics/doctor.js';
import { ClrError, exitCodes } from '../errors.js';
import { printable } from '../system/printable.js';
import { cacheOption, dataOption } from './options.js';

interface Flags {
  data?: string;
  cache: string;
  kernels?: string;
  precision?: Precision;
  device?: string;
  json?: boolean;
}

/** `clr doctor`: what works on this machine, and how to fix the rest. */
export const doctorCommand = new Command('doctor')
  .description('check backends, devices, data and fonts: what works on this machine, and how to fix the rest')
  .addOption(dataOption())
  .addOption(cacheOption())
  .addOption(new Option('--kernels <backend>', 'instead compare each kernel of a backend with its reference'))
  .addOption(new Option('--precision <p>', 'precision of the kernels; default: f32'))
  .addOption(new Option('--device <name>', 'device to run the kernels on'))
  .addOption(new Option('--json', 'print as JSON'))
  .action(async (flags: Flags) => {
    const findings = await find(flags);
    process.stdout.write(
      flags.json ? `${JSON.stringify(findings, null, 2)}\n` : text(findings, flags.kernels ? 'wrong' : 'missing'),
    );
    if (flags.kernels && findings.some(({ ok }) => !ok)) process.exitCode = exitCodes.failed;
  });

async function find({ data, cache, kernels, precision, device }: Flags): Promise<Finding[]> {
  if (kernels)
    return (await import('../diagnostics/kernel-check.js')).checkKernels(kernels, {
      precision: precision ?? 'f32',
      device,
    });
  if (precision ?? device) throw new ClrError('usage', '--precision and --device need --kernels <backend>');
  return (await import('../diagnostics/doctor.js')).examine({ data, cacheDirectory: cache });
}

function text(findings: Finding[], bad: string): string {
  const lines = findings.flatMap(({ subject, ok, detail, remedy, messages = [] }) => [
    `${(ok ? 'ok' : bad).padEnd(7)}  ${subject.padEnd(22)} ${detail}`,
    ...messages.map((message) => `${' '.repeat(32)}message: ${printable(message)}`),
    ...(remedy ? [`${' '.repeat(32)}remedy: ${remedy}`] : []),
  ]);
  return `${lines.join('\n')}\n`;
}
