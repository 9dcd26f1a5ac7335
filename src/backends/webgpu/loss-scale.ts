import type { LossScale, LossScaleState } from '../backend.js';
import type { Commands } from './commands.js';
import type { Pool, Region } from './memory.js';

/** The loss scale that a float16 run starts with: half of torch.amp.GradScaler's. */
export const firstLossScale = 2 ** 15;

/**
 * The factor on stored float16 gradients: the loss scale (arXiv:1710.03740, section 3.2), adapted as
 * torch.amp.GradScaler does. An update whose gradients are not finite is skipped and halves it. At 1 no update is
 * skipped: infinity and NaN then come from the net itself, reach the weights and end the run as diverged.
 *
 * It is stored on the GPU as three f32 (value, good steps, whether a gradient of this step is not finite), so that
 * nothing waits for a gradient to be read.
 */
export class GpuLossScale implements LossScale {
  readonly memory: { region: Region; element: 'f32' };

  constructor(
    private readonly commands: Commands,
    pool: Pool,
  ) {
    this.memory = { region: pool.take(12), element: 'f32' };
    this.write({ value: 1, goodSteps: 0 });
  }

  write({ value, goodSteps }: LossScaleState): void {
    this.commands.write(this.memory.region, Float32Array.of(value, goodSteps, 0));
  }

  async read(): Promise<LossScaleState> {
    const [value, goodSteps] = new Float32Array(await this.commands.read(this.memory.region));
    return { value: value!, goodSteps: goodSteps! };
  }
}
