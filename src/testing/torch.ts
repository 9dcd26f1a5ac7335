import { askPython } from './python.js';

/** What a script of ours that needs PyTorch answers to `input`, both JSON; undefined where no Python has it. */
export function askTorch<Answer>(script: string, input: unknown): Answer | undefined {
  return askPython(script, ['torch'], input);
}
