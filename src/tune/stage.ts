import { type Decision, type TuneRecord, writeRecord } from './record.js';

/** What a stage found. */
export type Found = Omit<Decision, 'stage' | 'seconds'>;

/** Milliseconds between two notes of a stage's time in tune.json: the most that a kill leaves uncounted. */
const noteEvery = 10_000;

/** Carries out a stage and records its decision, with the time that it took, also before it was cut short and resumed. */
export async function carryOut(
  directory: string,
  record: TuneRecord,
  stage: Decision['stage'],
  decide: () => Promise<Found>,
): Promise<void> {
  const { unfinished } = record;
  const earlier = unfinished?.stage === stage ? unfinished.seconds : 0;
  const begun = performance.now();
  const seconds = () => Math.round(earlier + (performance.now() - begun) / 1000);
  const note = () => {
    record.unfinished = { stage, seconds: seconds() };
    try {
      writeRecord(directory, record);
    } catch {} // only a time is lost; what the stage itself cannot write, it reports
  };
  const timer = setInterval(note, noteEvery);
  try {
    const found = await decide();
    record.decisions.push({ stage, ...found, seconds: seconds() });
    record.unfinished = undefined;
  } catch (error) {
    note();
    throw error;
  } finally {
    clearInterval(timer);
  }
  writeRecord(directory, record);
}
