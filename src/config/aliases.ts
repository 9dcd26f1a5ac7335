import { didYouMean } from '../registry.js';

/** The kind of thing that a name stands for. */
export type AliasKind = 'schedule' | 'model' | 'optimizer' | 'dataset' | 'key' | 'command';

/** Names used by other libraries, and their equivalent here. */
interface Alias {
  /** Separated by spaces, as written there; case, `_`, `-` and `.` do not matter. */
  names: string;
  /** What to write here. */
  here: string;
  /** The closest entry of that kind, for `clr show`. */
  type?: string;
}

const schedules: Alias[] = [
  { names: 'fit_one_cycle', type: 'one-cycle', here: 'one-cycle with preset: fastai-v2' },
  { names: 'OneCycleLR one_cycle_lr 1cycle OneCycleScheduler', type: 'one-cycle', here: 'one-cycle' },
  { names: 'use_clr CircularLR', type: 'clr', here: 'clr' },
  { names: 'use_clr_beta CircularLR_beta', type: 'clr-beta', here: 'clr-beta' },
  {
    names: 'CyclicLR cyclical cyclic cyclical_learning_rate CyclicalLearningRate',
    type: 'triangular',
    here: 'triangular, triangular2 or exp-range',
  },
  { names: 'exp_range', type: 'exp-range', here: 'exp-range' },
  {
    names: 'CosineAnnealingLR cosine_annealing CosineDecay get_cosine_schedule_with_warmup cosine_with_warmup',
    type: 'cosine',
    here: 'cosine; its warmup is a duration',
  },
  {
    names: 'CosineAnnealingWarmRestarts SGDR fit_sgdr CosineDecayRestarts cosine_with_restarts',
    type: 'cosine',
    here: 'cosine with cycles and cycle_mult',
  },
  { names: 'fit_flat_cos flat_and_anneal', type: 'flat-cos', here: 'flat-cos' },
  { names: 'MultiStepLR PiecewiseConstantDecay step_decay', type: 'multi-step', here: 'multi-step' },
  { names: 'StepLR step', type: 'multi-step', here: 'multi-step with a milestone at each step' },
  {
    names: 'ExponentialLR ExponentialDecay exponential',
    type: 'phases',
    here: 'phases with one phase of shape exponential',
  },
  {
    names: 'PolynomialLR PolynomialDecay polynomial',
    type: 'phases',
    here: 'phases with one phase of shape polynomial',
  },
  {
    names: 'LinearLR linear get_linear_schedule_with_warmup linear_with_warmup SequentialLR ChainedScheduler',
    type: 'phases',
    here: 'phases: one phase after the other, e.g. { lr: [0, 1], share: 0.1 } and { lr: [1, 0] }',
  },
  {
    names: 'ConstantLR none constant_with_warmup get_constant_schedule get_constant_schedule_with_warmup',
    type: 'constant',
    here: 'constant; its warmup is a duration',
  },
  { names: 'warmup warm_up', type: 'constant', here: 'the key warmup of cosine, constant, multi-step and others' },
  { names: 'get_wsd_schedule warmup_stable_decay', type: 'wsd', here: 'wsd' },
  { names: 'get_inverse_sqrt_schedule noam rsqrt', type: 'inverse-sqrt', here: 'inverse-sqrt' },
  {
    names: 'ReduceLROnPlateau plateau',
    here: 'not supported: a schedule depends on the iteration only, so that a run can be resumed exactly',
  },
];

const keys: Alias[] = [
  { names: 'optimizer.lr optimizer.learning_rate', here: 'schedule.max_lr' },
  { names: 'optimizer.momentum', here: 'schedule.momentum, or max_momentum and min_momentum there' },
  { names: 'lr learning_rate base_learning_rate', here: 'max_lr, or lr where the schedule is constant' },
  { names: 'lr_max maximal_learning_rate', here: 'max_lr' },
  { names: 'moms', here: 'max_momentum and min_momentum' },
  { names: 'base_momentum', here: 'min_momentum' },
  { names: 'div_factor', here: 'div' },
  { names: 'final_div_factor div_final', here: 'final_div: the LR ends at max_lr / final_div' },
  { names: 'anneal_strategy', here: 'anneal: cosine or linear' },
  { names: 'cycle_momentum', here: 'momentum: cyclic, or a number' },
  { names: 'step_size_up', here: 'step_size, a duration: { iterations: 200 }' },
  { names: 'initial_learning_rate initial_lr', here: 'base_lr' },
  { names: 'eta_min end_learning_rate', here: 'min_lr' },
  { names: 'T_max total_steps decay_steps', here: 'not needed: the schedule fills the run (epochs)' },
  { names: 'T_0 first_decay_steps', here: 'cycles: the number that fill the run' },
  { names: 'T_mult t_mul', here: 'cycle_mult' },
  { names: 'num_warmup_steps warmup_steps warmup_epochs', here: 'warmup, a duration: { iterations: 500 }' },
  { names: 'num_training_steps', here: 'epochs' },
  { names: 'n_epoch n_epochs num_epochs nb_epoch cyc_len cycle_len num_train_epochs', here: 'epochs' },
  { names: 'max_steps', here: 'max_iterations' },
  { names: 'bs batchsize per_device_train_batch_size', here: 'batch_size' },
  { names: 'wd decay', here: 'weight_decay, an option of the optimizer' },
  { names: 'betas', here: 'beta1 and beta2' },
  { names: 'eps', here: 'epsilon' },
  { names: 'random_state manual_seed', here: 'seed' },
  { names: 'scheduler lr_scheduler sched', here: 'schedule' },
  { names: 'opt opt_func optim', here: 'optimizer' },
  { names: 'arch net network', here: 'model' },
  { names: 'data dataloader train_data', here: 'dataset; --data gives the path of the images' },
  { names: 'transforms augment aug', here: 'augmentation' },
  { names: 'fp16 amp mixed_precision dtype', here: 'precision: f32, bf16 or f16' },
];

const optimizers: Alias[] = [
  { names: 'momentum SGD_Momentum', type: 'sgd', here: 'sgd' },
  { names: 'nesterov nag', type: 'sgd', here: 'sgd with nesterov: true' },
  { names: 'adam_w decoupled_adam', type: 'adamw', here: 'adamw' },
];

const commands: Alias[] = [
  { names: 'train fit fit_one_cycle learn launch', here: 'clr run CONFIG' },
  { names: 'lr_find lr_range_test range_test find_lr finder', here: 'clr lrfind' },
  { names: 'resume continue', here: 'clr run --resume RUN' },
  { names: 'tensorboard dashboard ui serve server', here: 'clr watch' },
  { names: 'multirun grid agent experiment', here: 'clr sweep FILE' },
  { names: 'table summary stats test', here: 'clr compare RUNS' },
  { names: 'power sample_size seeds', here: 'clr plan' },
  { names: 'info types options', here: 'clr show' },
  { names: 'list runs ps history', here: 'clr ls' },
  { names: 'resolve cfg validate check', here: 'clr config FILE' },
  { names: 'benchmark speed profile', here: 'clr bench' },
  { names: 'chart draw curves', here: 'clr plot RUN' },
  { names: 'html', here: 'clr report RUNS' },
  { names: 'csv dump', here: 'clr export RUNS' },
];

const tables: Record<AliasKind, Alias[]> = {
  schedule: schedules,
  model: [],
  optimizer: optimizers,
  dataset: [],
  key: keys,
  command: commands,
};

/** The equivalent here of another library's `name`; undefined if unknown. */
export function aliasOf(kind: AliasKind, name: string): Pick<Alias, 'here' | 'type'> | undefined {
  const layers = /^resnet(\d+)$/.exec(fold(name))?.[1];
  if (kind === 'model' && layers) return { type: 'resnet', here: `resnet with depth: ${layers}` };
  return tables[kind].find(({ names }) => names.split(' ').some((other) => fold(other) === fold(name)));
}

/** Like `suggestion`, for a key: looks up its whole path, then its last part. */
export function keySuggestion(path: string, known: readonly string[]): string {
  const alias = aliasOf('key', path);
  return alias ? `: in clr this is ${alias.here}` : suggestion('key', path.slice(path.lastIndexOf('.') + 1), known);
}

/** `, did you mean "adamw"?`, or the equivalent of another library's name; an empty string if there is neither. */
export function suggestion(kind: AliasKind, name: string, known: readonly string[]): string {
  const same = known.find((other) => fold(other) === fold(name));
  if (same) return `, did you mean "${same}"?`;
  const alias = aliasOf(kind, name);
  return alias ? `: in clr this is ${alias.here}` : didYouMean(name, known);
}

/** Removes what libraries write differently: case, `_`, `-`, `.` and spaces. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[-_. ]/g, '');
}
