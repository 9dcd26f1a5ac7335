import { spawnSync } from 'node:child_process';

const missing = ['sbatch', 'slurmctld', 'slurmd', 'munged'].find(
  (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0,
);

/** Why no Slurm can be started here (scripts/slurm-local.sh); undefined: one can. */
export const noSlurm =
  process.getuid?.() !== 0
    ? 'only root starts one'
    : missing && `there is no ${missing} (Debian: apt-get install slurm-wlm munge)`;
