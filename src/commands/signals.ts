import { Interruption } from '../errors.js';
import { say } from '../terminal/say.js';

/**
 * The first SIGINT, SIGTERM or SIGHUP (the terminal was closed) aborts `signal` and says what is still to be done
 * (`next`); the second ends the process at once. With SIGUSR2 a batch system warns of its time limit; the SIGTERM that
 * follows does not count as a second signal.
 */
export function listenForSignals(next: string): { signal: AbortSignal; exitCode(): number } {
  const controller = new AbortController();
  const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143, SIGUSR2: 140 } as const;
  let exitCode = 0;
  for (const [name, code] of Object.entries(codes)) {
    process.on(name, () => {
      if (exitCode === codes.SIGUSR2) return;
      if (exitCode !== 0) process.exit(code);
      exitCode = code;
      say(`\n${name}: ${next}${code === codes.SIGUSR2 ? '' : '; repeat to stop immediately'}`);
      controller.abort(new Interruption(name, code));
    });
  }
  return { signal: controller.signal, exitCode: () => exitCode };
}
