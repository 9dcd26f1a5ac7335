import { kernelsIn } from '../../../ops/kernel.js';
import type { OnednnBackend } from '../backend.js';

export const kernel = kernelsIn<OnednnBackend>();
