/** The first SIGINT or SIGTERM aborts `signal`, and says what is still done (`next`); the second ends the process at once. */
export function listenForSignals(next: string): { signal: AbortSignal; exitCode(): number } {
  const controller = new AbortController();
  const codes = { SIGINT: 130, SIGTERM: 143 } as const;
  let exitCode = 0;
  for (const [name, code] of Object.entries(codes)) {
    process.on(name, () => {
      if (exitCode !== 0) process.exit(code);
      exitCode = code;
      process.stderr.write(`\n${name}: ${next}; once more to stop at once\n`);
      controller.abort();
    });
  }
  return { signal: controller.signal, exitCode: () => exitCode };
}
