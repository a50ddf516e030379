/** The masks that can stand for a task that is adjudicated, in words. */

import { type AdjudicationDetail, sourceOfReading } from '../api/adjudications';

const MADE: Readonly<Record<string, string>> = {
  common: 'the common part',
  majority: 'the majority of voxels',
  staple: 'the STAPLE estimate',
};

/** A mask that can stand, or with which an edit can begin. */
export interface Choice {
  readonly source: string;
  readonly said: string;
}

/** Name a source: a reading by its letter. */
export function sourceSaid({ readings }: Pick<AdjudicationDetail, 'readings'>, source: string): string {
  const reading = readings.find((one) => sourceOfReading(one) === source);
  return reading === undefined ? (MADE[source] ?? source) : reading.label;
}

/** All masks that can stand, as the server lists them. */
export const choicesOf = (detail: Pick<AdjudicationDetail, 'readings' | 'sources'>): readonly Choice[] =>
  detail.sources.map((source) => ({ source, said: sourceSaid(detail, source) }));

/** The source that is shown after another: all, each reading alone, the common part alone, all again. */
export function nextAlone(detail: Pick<AdjudicationDetail, 'readings'>, shown: string): string {
  const turns = ['all', ...detail.readings.map(sourceOfReading), 'common'];
  return turns[(turns.indexOf(shown) + 1) % turns.length]!;
}

/** The reading that flicker shows after another. */
export function nextReading(detail: Pick<AdjudicationDetail, 'readings'>, shown: string): string {
  const turns = detail.readings.map(sourceOfReading);
  return turns[(turns.indexOf(shown) + 1) % turns.length] ?? 'all';
}
