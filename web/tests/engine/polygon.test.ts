import { describe, expect, test } from 'vitest';

import { type Axis, type Point2, axesOfPlane, polygonInterior } from '../../src/engine';
import { GRIDS, below, indicesOf, indicesWhere, randomFrom } from './reference';

/** How often an outline winds around a point, from the angles under which its edges are seen. */
function winding(points: readonly Point2[], u: number, v: number): number {
  const angles = points.map(([x, y], n) => {
    const [nextX, nextY] = points[(n + 1) % points.length]!;
    const [a, b] = [
      [x - u, y - v],
      [nextX - u, nextY - v],
    ] as const;
    return Math.atan2(a[0]! * b[1]! - a[1]! * b[0]!, a[0]! * b[0]! + a[1]! * b[1]!);
  });
  return Math.round(angles.reduce((sum, angle) => sum + angle, 0) / (2 * Math.PI));
}

describe.each(Object.entries(GRIDS))('on %s', (_, grid) => {
  test.each([0, 1, 2] as const)(
    'an outline across axis %i holds the centres around which it winds',
    (axis: Axis) => {
      const random = randomFrom(21);
      const [lower, higher] = axesOfPlane(axis);
      for (let n = 0; n < 12; n += 1) {
        const point = (): Point2 => [
          random() * (grid.size[lower] + 4) - 2,
          random() * (grid.size[higher] + 4) - 2,
        ];
        const points = Array.from({ length: 3 + below(random, 8) }, point);
        const index = below(random, grid.size[axis]);
        const expected = indicesWhere(
          grid,
          (voxel) => voxel[axis] === index && winding(points, voxel[lower], voxel[higher]) !== 0,
        );
        expect(indicesOf(polygonInterior(grid, { axis, index }, points))).toEqual(expected);
      }
    },
  );
});

const grid = GRIDS['cubes of 1 mm']!;

test('an outline holds for several slices, within the CT', () => {
  const square: Point2[] = [
    [1.5, 1.5],
    [3.5, 1.5],
    [3.5, 3.5],
    [1.5, 3.5],
  ];
  const slices = (from: number, to: number): number[] => [
    ...new Set(
      indicesOf(polygonInterior(grid, { axis: 2, index: from }, square, to)).map((index) =>
        Math.floor(index / 90),
      ),
    ),
  ];
  expect(slices(4, 6)).toEqual([4, 5, 6]);
  expect(slices(6, 4)).toEqual([4, 5, 6]);
  expect(slices(9, 20)).toEqual([9, 10]);
  expect(slices(-5, -2)).toEqual([]);
});

test('two squares side by side along a line through centres share no voxel and leave none out', () => {
  const left = polygonInterior(grid, { axis: 2, index: 0 }, [
    [1, 1],
    [4, 1],
    [4, 4],
    [1, 4],
  ]);
  const right = polygonInterior(grid, { axis: 2, index: 0 }, [
    [4, 1],
    [7, 1],
    [7, 4],
    [4, 4],
  ]);
  const both = [...indicesOf(left), ...indicesOf(right)].sort((a, b) => a - b);
  expect(both).toEqual(indicesWhere(grid, ([i, j, k]) => i >= 1 && i < 7 && j >= 1 && j < 4 && k === 0));
});

test('a line is refused, as it holds nothing', () => {
  expect(() =>
    polygonInterior(grid, { axis: 2, index: 0 }, [
      [1, 1],
      [4, 1],
    ]),
  ).toThrow(/draw at least 3/);
});
