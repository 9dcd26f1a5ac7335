import { z } from 'zod';

const text = z.string().min(1);
const count = z.int().min(1);

/** Slurm settings of a sweep's jobs; the names are those of submitit. */
export const slurmSchema = z.strictObject({
  timeout_min: count.optional().describe('time limit of a task, minutes; a run that reaches it is requeued'),
  cpus_per_task: count
    .optional()
    .describe('processors per task; a run uses as many threads if its backend has threads'),
  gpus_per_node: count.optional().describe('GPUs per task'),
  mem_gb: z.number().positive().optional().describe('memory per task, GiB'),
  partition: text.optional().describe('partition that the jobs are submitted to'),
  account: text.optional().describe('account that the jobs are charged to'),
  qos: text.optional().describe('quality of service'),
  constraint: text
    .optional()
    .describe('node features, e.g. one processor type, which keeps resumed runs exact to the bit'),
  array_parallelism: count.optional().describe('maximum number of tasks at the same time'),
  signal_delay_s: count
    .default(120)
    .describe('seconds before the time limit at which a run is told to write a checkpoint'),
  max_requeues: z.int().min(0).default(3).describe('how many times in a row a run is requeued without a new iteration'),
  setup: z.array(z.string()).default([]).describe('shell commands before the run, such as module load nodejs'),
  additional: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .default({})
    .describe('other options of sbatch: name -> value; true for an option without a value'),
});

/** Settings of a sweep's Kubernetes Job. */
export const kubernetesSchema = z.strictObject({
  image: text.describe('container image with this program at the same path as here'),
  namespace: text.optional().describe('namespace of the Job'),
  claim: text.optional().describe('PersistentVolumeClaim with the sweep folder and the data'),
  mount_path: text
    .optional()
    .describe('where the claim is mounted; default: the folder that contains the sweep folder'),
  cpu: z.union([text, z.number().positive()]).optional().describe('processors per pod'),
  memory: text.optional().describe('memory per pod, e.g. 4Gi'),
  gpus: count.optional().describe('GPUs per pod (nvidia.com/gpu)'),
  retries: z.int().min(0).default(3).describe('retries per run if its pod fails'),
});

export type SlurmOptions = z.output<typeof slurmSchema>;
export type KubernetesOptions = z.output<typeof kubernetesSchema>;
