import { Command } from 'commander';
import { afterEach, expect, it, vi } from 'vitest';
import { planCommand } from './plan.js';

afterEach(() => vi.restoreAllMocks());

/** What the command prints with these arguments. */
async function plan(...args: string[]): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  await new Command().addCommand(planCommand).parseAsync(['node', 'clr', 'plan', '--difference', '0.5', ...args]);
  return write.mock.calls.map(([text]) => text).join('');
}

const usage = (message: string) => expect.objectContaining({ kind: 'usage', message });

it('refuses --std beside what it would replace: runs, even if there are none, and their metric', async () => {
  await expect(plan('no/such/run', '--std', '0.3')).rejects.toThrow(usage('--std cannot be combined with runs'));
  await expect(plan('--std', '0.3', '--metric', 'val_loss')).rejects.toThrow(
    usage('--std cannot be combined with --metric'),
  );
});

it('refuses a power that chance alone would reach', async () => {
  await expect(plan('--std', '0.3', '--power', '0.05')).rejects.toThrow(usage('--power 0.05 must exceed --alpha 0.05'));
});
