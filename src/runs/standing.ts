import path from 'node:path';
import { type Judgement, judge, type Scores } from '../statistics/sequential.js';
import { readScores } from './read-runs.js';
import { designOf, isDone, type Question, type SweepRun } from './sweep-manifest.js';

/** How each arm but the baseline stands, by what its runs have scored so far. */
export type Standing = Map<string, Judgement>;

/** A sweep with a question; its runs in the order in which the seeds of an arm come. */
export interface Asked {
  question: Question;
  paired: boolean;
  arms: string[];
  runs: readonly SweepRun[];
}

/** The design of such a sweep. */
export function designFor({ question, paired, arms }: Omit<Asked, 'runs'>) {
  return designOf(question, paired, arms.length - 1);
}

/** `directory`: the sweep's, which the scores are read from. */
export function standingOf(asked: Asked, directory: string): Standing {
  const design = designFor(asked);
  const { baseline } = asked.question;
  const reference = scoresInOrder(asked, baseline, directory);
  const others = asked.arms.filter((arm) => arm !== baseline);
  return new Map(others.map((arm) => [arm, judge(design, reference, scoresInOrder(asked, arm, directory))]));
}

/** As far as the runs are done one after the other; undefined: diverged. */
function scoresInOrder({ question, runs }: Asked, arm: string, directory: string): Scores {
  const own = runs.filter((run) => run.arm === arm);
  const missing = own.findIndex((run) => !isDone(run));
  const done = missing < 0 ? own : own.slice(0, missing);
  return done.map((run) => readScores(path.join(directory, run.directory))?.[question.metric]);
}
