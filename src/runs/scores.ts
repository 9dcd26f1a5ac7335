/** What a run measures, under the names that `--metric` takes. Accuracies in percent, losses in nats. */
export const metrics = {
  val_acc: { title: 'val acc (%)', what: 'final validation accuracy (%)', best: 'high', digits: 2 },
  best_val_acc: { title: 'best val acc (%)', what: 'best validation accuracy (%)', best: 'high', digits: 2 },
  val_loss: { title: 'val loss', what: 'final validation loss', best: 'low', digits: 4 },
  seconds: { title: 'time', what: 'time of the run (s)', best: 'low', digits: 1 },
  images_per_second: { title: 'images/s', what: 'training images per second', best: 'high', digits: 0 },
} as const satisfies Record<string, { title: string; what: string; best: 'high' | 'low'; digits: number }>;

/** The name of a metric. */
export type Metric = keyof typeof metrics;
