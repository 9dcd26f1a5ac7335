import path from 'node:path';
import { stringify } from 'yaml';
import { quoted } from '../../system/shell.js';
import type { KubernetesOptions } from './options.js';
import type { Task } from './slurm-script.js';

/**
 * An Indexed Job (batch/v1; per-index backoff since Kubernetes 1.33, podFailurePolicy since 1.31): pod i runs the i-th
 * command. Usage, divergence and data errors (exit codes 2, 3, 4) fail the index at once; an eviction does not count; a
 * pod is replaced only after it has ended, so that two never share a run folder.
 */
export function kubernetesJob(
  name: string,
  directory: string,
  tasks: readonly Task[],
  options: KubernetesOptions,
  parallelism: number,
): string {
  const { image, namespace, claim, cpu, memory, gpus, retries } = options;
  const mountPath = options.mount_path ?? path.dirname(path.resolve(directory));
  const cases = tasks.map(({ command }, i) => `${i}) set -- ${quoted(command)} ;;`);
  const script = ['case $JOB_COMPLETION_INDEX in', ...cases, '*) exit 2 ;;', 'esac', 'exec "$@"', ''].join('\n');
  const amounts = { ...(cpu && { cpu: String(cpu) }), ...(memory && { memory }) };
  const resources = { requests: amounts, limits: { ...amounts, ...(gpus && { 'nvidia.com/gpu': gpus }) } };
  const container = {
    name: 'clr',
    image,
    command: ['/bin/sh', '-c', script],
    resources,
    ...(claim && { volumeMounts: [{ name: 'runs', mountPath }] }),
  };
  return stringify({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { generateName: `clr-${dnsLabel(name)}-`, ...(namespace && { namespace }) },
    spec: {
      completionMode: 'Indexed',
      completions: tasks.length,
      parallelism: Math.min(parallelism, tasks.length),
      backoffLimitPerIndex: retries,
      podReplacementPolicy: 'Failed',
      podFailurePolicy: {
        rules: [
          { action: 'FailIndex', onExitCodes: { containerName: 'clr', operator: 'In', values: [2, 3, 4] } },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      template: {
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 120, // for the checkpoint
          containers: [container],
          ...(claim && { volumes: [{ name: 'runs', persistentVolumeClaim: { claimName: claim } }] }),
        },
      },
    },
  });
}

function dnsLabel(name: string): string {
  const label = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return label.replace(/^-+/, '').slice(0, 40).replace(/-+$/, '') || 'sweep';
}
