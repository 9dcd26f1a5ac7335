import { Command, InvalidArgumentError, Option } from 'commander';
import { listenForSignals } from './signals.js';

/** `clr watch`: prints the address of the page; ends with Ctrl-C. */
export const watchCommand = new Command('watch')
  .description('show runs and sweeps in the browser while they train')
  .argument('[folder...]', 'run folders, sweep folders, or folders of either', ['runs'])
  .addOption(new Option('--port <n>', 'port on 127.0.0.1; 0: any free one').argParser(port).default(0))
  .action(async (folders: string[], options: { port: number }) => {
    const { Follower } = await import('../watch/follower.js');
    const { serve } = await import('../watch/server.js');
    const { comparisonTable } = await import('../watch/table.js');
    const follower = new Follower(folders);
    const title = `clr: ${folders.join(', ')}`;
    const { address, server } = await serve(follower, { ...options, title, table: () => comparisonTable(folders) });
    process.stdout.write(`${address}\n`);
    process.stderr.write('open this address in a browser on this machine; Ctrl-C stops the server\n');
    const { signal } = listenForSignals('closing');
    signal.addEventListener('abort', () => {
      server.close();
      server.closeAllConnections();
    });
    await new Promise((resolve) => server.once('close', resolve));
  });

function port(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 0 || n > 65535) throw new InvalidArgumentError('must be a port number');
  return n;
}
