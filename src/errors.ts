/** Exit codes of the process, also listed in the README. */
export const exitCodes = { failed: 1, usage: 2, diverged: 3, data: 4, backend: 5 } as const;

/** An error that the user can act on: one line that names the thing, a hint with the next step, an exit code. */
export class ClrError extends Error {
  constructor(
    readonly kind: keyof typeof exitCodes,
    message: string,
    readonly hint?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ClrError';
  }

  get exitCode(): number {
    return exitCodes[this.kind];
  }
}

/** A signal arrived before there were any results to keep; the `reason` of the aborted AbortSignal. */
export class Interruption extends Error {
  constructor(
    signal: string,
    readonly exitCode: number,
  ) {
    super(`interrupted by ${signal}`);
    this.name = 'Interruption';
  }
}
