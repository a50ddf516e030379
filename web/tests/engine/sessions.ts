/** Sessions with random masks, and random edits by tools of all kinds. */

import {
  type Edit,
  type JournalOptions,
  type Runs,
  EditSession,
  boxRuns,
  brushStroke,
  deflate,
  floodFill,
  makeScan,
  replaceWithin,
  runAll,
  shell,
  smoothed,
  swapOrgans,
  voxelAt,
  wholeBox,
} from '../../src/engine';
import { GRIDS, below, randomFrom, randomHu, randomRuns } from './reference';
import { SlowStorage } from './storage';

export const GRID = GRIDS['thick slices of 5 mm']!;
export const ORGANS = ['liver', 'spleen', 'kidney_left', 'kidney_right'];
const HU = makeScan(wholeBox(GRID.size), randomHu(randomFrom(1), GRID));
/** A journal that has to compress and to store. */
export const SMALL: JournalOptions = {
  chunkBytes: 400,
  memoryBytes: 1500,
  codec: deflate,
  storage: new SlowStorage(),
};

/** Random masks of all organs. */
export const masksOf = (seed: number): Map<string, Runs> => {
  const random = randomFrom(seed);
  return new Map(ORGANS.map((organ) => [organ, randomRuns(random, GRID)]));
};

/** A session with random masks. */
export function openSession(options: JournalOptions = {}, box = wholeBox(GRID.size)): EditSession {
  const session = new EditSession(GRID, ORGANS, options);
  session.load(box, masksOf(7));
  return session;
}

/** Every bit of every mask, to compare. */
export const bytesOf = (session: EditSession): string =>
  ORGANS.map((organ) => session.masks.bits(organ).join()).join('|');

/** One edit by a tool that is drawn at random. */
export function randomEdit(random: () => number, session: EditSession): Edit[] {
  const organ = ORGANS[below(random, 4)]!;
  const bits = session.masks.bits(organ);
  const voxel = voxelAt(GRID.size, below(random, 1001));
  const overlap = (['allow', 'take', 'avoid'] as const)[below(random, 3)]!;
  const brush = brushStroke(GRID, [voxel, voxelAt(GRID.size, below(random, 1001))], {
    shape: 'ball',
    radiusMm: 1.5,
  });
  const tools: (() => Edit[])[] = [
    () => [{ organ, add: brush, overlap }],
    () => [{ organ, remove: brush }],
    () => [
      {
        organ,
        add: runAll(floodFill(GRID, HU, { seeds: [voxel], band: { low: -200, high: 200 }, mostMl: 0.1 }))
          .runs,
        overlap,
      },
    ],
    () => [{ organ, add: runAll(shell(GRID, bits, 1.4, wholeBox(GRID.size))), overlap }],
    () => {
      const { wanted, region } = runAll(smoothed(GRID, bits, 0.9, wholeBox(GRID.size)));
      return [replaceWithin(bits, organ, wanted, boxRuns(GRID.size, region))];
    },
    () =>
      ['kidney_left', 'kidney_right'].some((name) => session.masks.isLocked(name))
        ? []
        : swapOrgans(session.masks, ['kidney_left', 'kidney_right']),
  ];
  return tools[below(random, tools.length)]!();
}
