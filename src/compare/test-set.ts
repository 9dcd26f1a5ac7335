import { readPredictions } from '../runs/predictions.js';
import { imageStd, otherSeedsAndImages, type Predictions } from '../statistics/test-set.js';
import type { Row } from './row.js';

/** Adds the contribution of the test set's images to the spread of each row whose runs have kept their predictions. */
export function addTestSet(rows: readonly Row[], baseline: Row, alpha: number): void {
  const known = new Map(rows.map((row) => [row, predictionsOf(row)]));
  const reference = known.get(baseline);
  for (const [row, own] of known) {
    if (!own) continue;
    row.imageStd = imageStd(own);
    const comparable = reference && reference[0]!.length === own[0]!.length;
    if (row.against && comparable)
      row.against.otherImages = otherSeedsAndImages(own, reference, alpha / (rows.length - 1));
  }
}

/** The predictions of the runs with a score; undefined unless all have the same number. */
function predictionsOf({ runs }: Row): Predictions | undefined {
  const own = runs.filter((run) => run.scores).map((run) => readPredictions(run.directory));
  const images = own[0]?.length;
  return images !== undefined && own.every((run) => run?.length === images) ? (own as Predictions) : undefined;
}
