import { describe, expect, test } from 'vitest';

import {
  EngineError,
  ballReach,
  gridFromAffine,
  indexOf,
  intersectBoxes,
  isEmptyBox,
  joinBoxes,
  makeGrid,
  padBox,
  sliceOfBox,
  squaredMm,
  voxelAt,
} from '../../src/engine';
import { GRIDS, SHEARED, allVoxels, distanceMm } from './reference';

describe.each([...Object.entries(GRIDS), ['a sheared CT', SHEARED] as const])('on %s', (_, grid) => {
  test('lengths in mm are those between the places of the voxels', () => {
    for (const [i, j, k] of allVoxels(grid)) {
      expect(Math.sqrt(squaredMm(grid, i - 2, j - 1, k - 3))).toBeCloseTo(
        distanceMm(grid, [i, j, k], [2, 1, 3]),
        9,
      );
    }
  });

  test('a ball reaches no further than it says', () => {
    const reach = ballReach(grid, 3.3);
    for (const [i, j, k] of allVoxels(grid)) {
      if (distanceMm(grid, [i, j, k], [4, 4, 0]) > 3.3) continue;
      [i - 4, j - 4, k].forEach((steps, axis) => expect(Math.abs(steps)).toBeLessThanOrEqual(reach[axis]!));
    }
  });

  test('an index leads to its voxel and back', () => {
    allVoxels(grid).forEach((voxel, index) => {
      expect(indexOf(grid.size, voxel)).toBe(index);
      expect(voxelAt(grid.size, index)).toEqual(voxel);
    });
  });
});

test('the volume of a voxel is the determinant of the affine, in mL', () => {
  const affine = [
    [-0.7, 0, 0, 10],
    [0, 0.7, 0, 20],
    [0, 0.5, 5, 30],
    [0, 0, 0, 1],
  ];
  const grid = gridFromAffine([2, 3, 4], affine);
  expect(grid.voxelMl).toBeCloseTo((0.7 * 0.7 * 5) / 1000, 12);
  expect(grid.isSheared).toBe(true);
});

test('an oblique CT is not sheared', () => {
  expect(GRIDS['an oblique CT with flipped axes']!.isSheared).toBe(false);
});

test.each([[[0, 2, 2]], [[2.5, 2, 2]], [[65536, 65536, 2]]])('a size of %s is refused', (size) => {
  expect(() =>
    makeGrid(size as [number, number, number], [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]),
  ).toThrow(EngineError);
});

test('edges in one plane are refused', () => {
  expect(() =>
    makeGrid(
      [2, 2, 2],
      [
        [1, 0, 0],
        [0, 1, 0],
        [1, 1, 0],
      ],
    ),
  ).toThrow(/no volume/);
});

test('boxes meet, join, grow and are cut', () => {
  const a = { min: [0, 1, 2], max: [4, 5, 6] } as const;
  const b = { min: [2, 2, 2], max: [9, 9, 3] } as const;
  expect(intersectBoxes(a, b)).toEqual({ min: [2, 2, 2], max: [4, 5, 3] });
  expect(joinBoxes(a, b)).toEqual({ min: [0, 1, 2], max: [9, 9, 6] });
  expect(padBox([5, 5, 5], a, [1, 1, 1])).toEqual({ min: [0, 0, 1], max: [5, 5, 5] });
  expect(sliceOfBox(a, { axis: 2, index: 4 })).toEqual({ min: [0, 1, 4], max: [4, 5, 5] });
  expect(isEmptyBox(sliceOfBox(a, { axis: 0, index: 4 }))).toBe(true);
  expect(joinBoxes(intersectBoxes(a, { min: [7, 7, 7], max: [8, 8, 8] }), b)).toEqual(b);
});
