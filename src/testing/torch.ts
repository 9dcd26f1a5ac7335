import { askPython } from './python.js';

/** The answer of one of our scripts that need PyTorch to `input`, both JSON; undefined if no Python has it. */
export function askTorch<Answer>(script: string, input: unknown): Answer | undefined {
  return askPython(script, ['torch'], input);
}
