import path from 'node:path';
import { type Judgement, judge, type Scores } from '../statistics/sequential.js';
import { readScores } from './read-runs.js';
import { designOf, isDone, type Question, type SweepRun } from './sweep-manifest.js';

/** The judgement of each arm but the baseline, by the scores of its runs so far. */
export type Standing = Map<string, Judgement>;

/** A sweep with a question; the runs of an arm are in the order of its seeds. */
export interface SweepWithQuestion {
  question: Question;
  paired: boolean;
  arms: string[];
  runs: readonly SweepRun[];
}

/** The design of a sweep with a question. */
export function designFor({ question, paired, arms }: Omit<SweepWithQuestion, 'runs'>) {
  return designOf(question, paired, arms.length - 1);
}

/** `directory`: the sweep's, from which the scores are read. */
export function standingOf(sweep: SweepWithQuestion, directory: string): Standing {
  const design = designFor(sweep);
  const { baseline } = sweep.question;
  const reference = scoresInOrder(sweep, baseline, directory);
  const others = sweep.arms.filter((arm) => arm !== baseline);
  return new Map(others.map((arm) => [arm, judge(design, reference, scoresInOrder(sweep, arm, directory))]));
}

/** The scores up to the first run that is not done; undefined: diverged. */
function scoresInOrder({ question, runs }: SweepWithQuestion, arm: string, directory: string): Scores {
  const own = runs.filter((run) => run.arm === arm);
  const missing = own.findIndex((run) => !isDone(run));
  const done = missing < 0 ? own : own.slice(0, missing);
  return done.map((run) => readScores(path.join(directory, run.directory))?.[question.metric]);
}
