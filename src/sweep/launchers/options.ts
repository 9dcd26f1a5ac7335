import { z } from 'zod';

const text = z.string().min(1);
const count = z.int().min(1);

/** What a sweep's jobs ask of Slurm; the names are those of submitit. */
export const slurmSchema = z.strictObject({
  timeout_min: count.optional().describe('time limit of a task, minutes; a run that reaches it is requeued'),
  cpus_per_task: count.optional().describe('a run takes as many threads, where its backend has them'),
  gpus_per_node: count.optional().describe('GPUs of a task'),
  mem_gb: z.number().positive().optional().describe('memory of a task, GiB'),
  partition: text.optional().describe('where the jobs queue'),
  account: text.optional().describe('what the jobs are charged to'),
  qos: text.optional().describe('quality of service'),
  constraint: text.optional().describe('features of a node: one processor type keeps resumed runs exact to the bit'),
  array_parallelism: count.optional().describe('tasks at the same time'),
  signal_delay_s: count
    .default(120)
    .describe('seconds before the time limit at which a run is told to write a checkpoint'),
  max_requeues: z.int().min(0).default(3).describe('times that a run is requeued in a row without a new iteration'),
  setup: z.array(z.string()).default([]).describe('shell lines before the run, such as module load nodejs'),
  additional: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .default({})
    .describe('other options of sbatch: name -> value, true for an option without one'),
});

/** What a sweep's Kubernetes Job asks for. */
export const kubernetesSchema = z.strictObject({
  image: text.describe('a container image with this program, at the same path as here'),
  namespace: text.optional().describe('of the Job'),
  claim: text.optional().describe('PersistentVolumeClaim with the sweep folder and the data'),
  mount_path: text.optional().describe('where the claim is mounted; by default the folder that the runs are in'),
  cpu: z.union([text, z.number().positive()]).optional().describe('processors of a pod'),
  memory: text.optional().describe('such as 4Gi'),
  gpus: count.optional().describe('nvidia.com/gpu'),
  retries: z.int().min(0).default(3).describe('of each run, when its pod fails or is evicted'),
});

export type SlurmOptions = z.output<typeof slurmSchema>;
export type KubernetesOptions = z.output<typeof kubernetesSchema>;
