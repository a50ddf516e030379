import { describe, expect, test } from 'vitest';

import { bitsOfRuns, hasVoxel, isInside, rind, runAll, shell, wholeBox } from '../../src/engine';
import { squaredDistances } from '../../src/engine/distance';
import {
  GRIDS,
  SHEARED,
  allVoxels,
  below,
  distanceMm,
  indicesOf,
  indicesWhere,
  randomBox,
  randomFrom,
  randomRuns,
} from './reference';

describe.each([...Object.entries(GRIDS), ['a sheared CT', SHEARED] as const])('on %s', (_, grid) => {
  const voxels = allVoxels(grid);

  test('growing adds exactly the voxels within the distance, and shrinking removes those', () => {
    const random = randomFrom(41);
    for (let n = 0; n < 4; n += 1) {
      const mask = randomRuns(random, grid, 1, 3);
      const within = n === 0 ? wholeBox(grid.size) : randomBox(random, grid.size);
      const byMm = [0.7, 2.1, 3.5, 5][below(random, 4)]!;
      const known = voxels
        .map((voxel, index) => ({ voxel, index }))
        .filter(({ voxel }) => isInside(within, voxel));
      const [inside, outside] = [true, false].map((has) =>
        known.filter(({ index }) => hasVoxel(mask, index) === has),
      );
      const near = (all: typeof known, to: typeof known): number[] =>
        all
          .filter((a) => to.some((b) => distanceMm(grid, a.voxel, b.voxel) <= byMm + 1e-4))
          .map(({ index }) => index);
      const bits = bitsOfRuns(grid.size, mask);
      expect(indicesOf(runAll(shell(grid, bits, byMm, within)))).toEqual(near(outside!, inside!));
      expect(indicesOf(runAll(rind(grid, bits, byMm, within)))).toEqual(near(inside!, outside!));
    }
  });
});

test.each(Object.entries(GRIDS))('on %s distances are those of all pairs of voxels', (_, grid) => {
  const random = randomFrom(42);
  const mask = randomRuns(random, grid, 0, 5);
  const inside = indicesWhere(grid, (_voxel, index) => hasVoxel(mask, index));
  const bytes = Uint8Array.from(allVoxels(grid), (_voxel, index) => (hasVoxel(mask, index) ? 1 : 0));
  const squared = runAll(squaredDistances(bytes, grid.size, grid.spacingMm));
  const all = allVoxels(grid);
  all.forEach((voxel, index) => {
    const nearest = Math.min(...inside.map((other) => distanceMm(grid, voxel, all[other]!)));
    expect(Math.sqrt(squared[index]!)).toBeCloseTo(nearest, 4);
  });
});

test('an empty set is infinitely far away', () => {
  expect([...runAll(squaredDistances(new Uint8Array(8), [2, 2, 2], [1, 1, 1]))]).toEqual(
    new Array(8).fill(Infinity),
  );
});

test('an organ that the CT cuts keeps its cut side when it shrinks', () => {
  const grid = GRIDS['cubes of 1 mm']!;
  const everything = bitsOfRuns(grid.size, new Uint32Array([0, 990]));
  expect(runAll(rind(grid, everything, 3, wholeBox(grid.size)))).toHaveLength(0);
});

test('bytes that do not fill their size are refused', () => {
  expect(() => runAll(squaredDistances(new Uint8Array(7), [2, 2, 2], [1, 1, 1]))).toThrow(/one byte a voxel/);
});
