import { describe, expect, test } from 'vitest';

import {
  type Axis,
  bitsOfRuns,
  emptyGaps,
  fillBetween,
  hasVoxel,
  isInside,
  pairsOfSlices,
  runAll,
  wholeBox,
} from '../../src/engine';
import {
  GRIDS,
  allVoxels,
  distanceMm,
  indicesOf,
  indicesWhere,
  randomBox,
  randomFrom,
  randomRuns,
  runsOf,
} from './reference';

describe.each(Object.entries(GRIDS))('on %s', (_, grid) => {
  test.each([0, 1, 2] as const)(
    'slices across axis %i have the signed distances of their neighbours',
    (axis: Axis) => {
      const random = randomFrom(61);
      const voxels = allVoxels(grid);
      for (let n = 0; n < 4; n += 1) {
        const mask = randomRuns(random, grid, 3, 4);
        const within = n === 0 ? wholeBox(grid.size) : randomBox(random, grid.size);
        const [lower, upper] = [within.min[axis], within.max[axis] - 1];
        const inSlice = (slice: number): { index: number; has: boolean }[] =>
          voxels.flatMap((voxel, index) =>
            voxel[axis] === slice && isInside(within, voxel) ? [{ index, has: hasVoxel(mask, index) }] : [],
          );
        const [below, above] = [inSlice(lower), inSlice(upper)];
        if (upper - lower < 2 || ![below, above].every((slice) => slice.some(({ has }) => has))) continue;
        const signed = (voxel: readonly number[], slice: number, all: typeof below): number => {
          const here = voxel.map((value, other) => (other === axis ? slice : value));
          const to = (has: boolean): number =>
            Math.min(
              ...all
                .filter((other) => other.has === has)
                .map(({ index }) => distanceMm(grid, here, voxels[index]!)),
            );
          return to(false) - to(true);
        };
        const expected = indicesWhere(grid, (voxel) => {
          if (!isInside(within, voxel) || voxel[axis] <= lower || voxel[axis] >= upper) return false;
          const share = (voxel[axis] - lower) / (upper - lower);
          return signed(voxel, lower, below) * (1 - share) + signed(voxel, upper, above) * share > 1e-4;
        });
        const [filled] = runAll(
          fillBetween(grid, bitsOfRuns(grid.size, mask), axis, [[lower, upper]], within),
        );
        expect(indicesOf(filled!.wanted)).toEqual(expected);
      }
    },
  );
});

const grid = GRIDS['cubes of 1 mm']!;
const square = (k: number, low: number, high: number): number[] =>
  indicesWhere(grid, ([i, j, z]) => z === k && i >= low && i < high && j >= low && j < high);

test('a square between two equal squares is the same', () => {
  const mask = bitsOfRuns(grid.size, runsOf([...square(2, 3, 6), ...square(6, 3, 6)]));
  const [filled] = runAll(
    fillBetween(grid, mask, 2, emptyGaps(grid, mask, 2, wholeBox(grid.size)), wholeBox(grid.size)),
  );
  expect(indicesOf(filled!.wanted)).toEqual([3, 4, 5].flatMap((k) => square(k, 3, 6)));
  expect(filled!.region).toEqual({ min: [0, 0, 3], max: [9, 10, 6] });
});

test('gaps are the slices that were left out, not those beyond the ends', () => {
  const mask = bitsOfRuns(grid.size, runsOf([2, 3, 6, 9].flatMap((k) => square(k, 3, 6))));
  expect(emptyGaps(grid, mask, 2, wholeBox(grid.size))).toEqual([
    [3, 6],
    [6, 9],
  ]);
  expect(emptyGaps(grid, mask, 0, wholeBox(grid.size))).toEqual([]);
});

test('slices that a reader names are paired in order, each once', () => {
  expect(pairsOfSlices([9, 2, 5, 2])).toEqual([
    [2, 5],
    [5, 9],
  ]);
  expect(pairsOfSlices([3])).toEqual([]);
});

test('nothing is filled beside an empty slice or between neighbours', () => {
  const mask = bitsOfRuns(grid.size, runsOf([...square(2, 3, 6), ...square(3, 3, 6)]));
  expect(
    runAll(
      fillBetween(
        grid,
        mask,
        2,
        [
          [2, 3],
          [3, 8],
        ],
        wholeBox(grid.size),
      ),
    ),
  ).toEqual([]);
});

test('filling without slices is refused', () => {
  expect(() =>
    runAll(fillBetween(grid, bitsOfRuns(grid.size, runsOf([])), 2, [], wholeBox(grid.size))),
  ).toThrow(/2 slices/);
});
