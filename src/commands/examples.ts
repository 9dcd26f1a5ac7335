/** Examples by command: the end of its help, and the hint if an argument is missing. */
export const examples: Record<string, string[]> = {
  run: [
    'clr run quickstart',
    'clr run configs/cifar10-small.json --data cifar10.tar.gz',
    'clr run rn56-1cycle --set schedule.max_lr=2 --seeds 5',
    'clr run --resume latest',
  ],
  lrfind: ['clr lrfind', 'clr lrfind rn56-1cycle --momentum 0.9 --start 1e-3 --end 3'],
  watch: ['clr watch', 'clr watch runs/sweep-momentum'],
  ls: ['clr ls', 'clr ls --tag baseline --status completed'],
  plot: ['clr plot runs/1', 'clr plot runs/1 runs/2 --out both.png'],
  sweep: ['clr sweep configs/sweeps/momentum.yaml --data cifar10.tar.gz'],
  tune: ['clr tune rn20-1cycle --budget 2h --data cifar10.tar.gz', 'clr tune rn20-1cycle --budget 300epochs --dry-run'],
  plan: ['clr plan --std 0.3 --difference 0.5', 'clr plan runs/sweep-momentum --difference 0.5'],
  compare: ['clr compare runs/1 runs/2', 'clr compare runs/sweep-momentum --baseline "constant 0.9"'],
  report: ['clr report runs/sweep-momentum --out report.html'],
  export: ['clr export runs --per epoch --out epochs.csv', 'clr export runs/7 --weights pytorch --out rn56.pt'],
  evaluate: ['clr evaluate runs/7 --data cifar10.tar.gz', 'clr evaluate latest --checkpoint best'],
  completion: [
    `echo 'eval "$(clr completion bash)"' >> ~/.bashrc`,
    `echo 'eval "$(clr completion zsh)"' >> ~/.zshrc # after compinit`,
    'clr completion fish > ~/.config/fish/completions/clr.fish',
  ],
  schedule: ['clr schedule rn56-1cycle', 'clr schedule rn56-1cycle --png schedule.png'],
  show: ['clr show', 'clr show clr-beta', 'clr show OneCycleLR'],
  config: ['clr config rn56-1cycle', 'clr config rn56-1cycle --override cpu-scale --epochs 3'],
  doctor: ['clr doctor', 'clr doctor --kernels onednn'],
  bench: ['clr bench --profile', 'clr bench rn20-1cycle --precision bf16'],
};

/** The end of a command's help. */
export function examplesText(command: string): string {
  const lines = (examples[command] ?? []).map((line) => `  ${line}`);
  return lines.length > 0 ? `\nExamples:\n${lines.join('\n')}` : '';
}
