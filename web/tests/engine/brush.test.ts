import { describe, expect, test } from 'vitest';

import { type Brush, type Grid, type Vec3, brushStroke, countVoxels, makeGrid } from '../../src/engine';
import { GRIDS, SHEARED, distanceMm, below, indicesOf, indicesWhere, randomFrom } from './reference';

/** Least distance from a voxel to a piece of line, by ternary search along it. */
function distanceToLine(grid: Grid, voxel: Vec3, a: readonly number[], b: readonly number[]): number {
  let [low, high] = [0, 1];
  const at = (t: number): number =>
    distanceMm(
      grid,
      voxel,
      a.map((from, n) => from + t * (b[n]! - from)),
    );
  for (let n = 0; n < 45; n += 1) {
    const third = (high - low) / 3;
    if (at(low + third) < at(high - third)) high -= third;
    else low += third;
  }
  return Math.min(at(low), at(0), at(1));
}

function nearestVoxels(a: readonly number[], b: readonly number[]): string[] {
  const [p, q] = [a.map(Math.round), b.map(Math.round)];
  const steps = Math.max(1, ...p.map((from, n) => Math.abs(q[n]! - from)));
  return Array.from({ length: steps + 1 }, (_, s) =>
    p.map((from, n) => from + Math.round(((q[n]! - from) * s) / steps)).join(),
  );
}

function naiveStroke(grid: Grid, points: readonly Vec3[], { shape, radiusMm }: Brush): number[] {
  const slice = shape === 'ball' ? 0 : Math.round(points[0]![shape]);
  const flat = points.map((point) => point.map((value, axis) => (axis === shape ? slice : value)));
  const pairs =
    flat.length === 1
      ? [[flat[0]!, flat[0]!] as const]
      : flat.slice(1).map((end, n) => [flat[n]!, end] as const);
  const lines = new Set(pairs.flatMap(([a, b]) => nearestVoxels(a, b)));
  return indicesWhere(grid, (voxel) => {
    if (shape !== 'ball' && voxel[shape] !== slice) return false;
    return (
      lines.has(voxel.join()) || pairs.some(([a, b]) => distanceToLine(grid, voxel, a, b) <= radiusMm + 1e-4)
    );
  });
}

describe.each([...Object.entries(GRIDS), ['a sheared CT', SHEARED] as const])('on %s', (_, grid) => {
  test.each(['ball', 0, 1, 2] as const)('a stroke with %s selects what is near its line', (shape) => {
    const random = randomFrom(11);
    for (let n = 0; n < 6; n += 1) {
      const point = (): Vec3 => [
        random() * (grid.size[0] + 4) - 2,
        random() * grid.size[1],
        random() * grid.size[2],
      ];
      const points = Array.from({ length: 1 + below(random, 4) }, point);
      const brush = { shape, radiusMm: [0, 0.4, 1.4, 3.5, 6][below(random, 5)]! };
      expect(indicesOf(brushStroke(grid, points, brush))).toEqual(naiveStroke(grid, points, brush));
    }
  });
});

test.each(['ball', 0, 1, 2] as const)(
  'a click with radius 0 and %s selects the voxel that was clicked',
  (shape) => {
    const grid = GRIDS['thick slices of 5 mm']!;
    expect(indicesOf(brushStroke(grid, [[4.4, 5.6, 2.1]], { shape, radiusMm: 0 }))).toEqual([
      4 + 13 * (6 + 11 * 2),
    ]);
  },
);

test('a radius of five voxels reaches the fifth, though 5 * 0.7 is more than 3.5 in binary', () => {
  const grid = GRIDS['thick slices of 5 mm']!;
  expect(indicesOf(brushStroke(grid, [[6, 5, 3]], { shape: 2, radiusMm: 3.5 }))).toContain(
    11 + 13 * (5 + 11 * 3),
  );
});

test('a quick stroke has no gap and has its last voxel', () => {
  const grid = GRIDS['cubes of 1 mm']!;
  const drawn = indicesOf(
    brushStroke(
      grid,
      [
        [0, 0, 5],
        [8, 9, 5],
      ],
      { shape: 2, radiusMm: 0 },
    ),
  );
  expect(drawn).toHaveLength(10);
  expect(drawn).toContain(8 + 9 * (9 + 10 * 5));
});

test('a stroke outside the CT selects nothing, and one without points as well', () => {
  const grid = GRIDS['cubes of 1 mm']!;
  expect(brushStroke(grid, [[-30, 4, 4]], { shape: 'ball', radiusMm: 2 })).toHaveLength(0);
  expect(brushStroke(grid, [[4, 4, 40]], { shape: 2, radiusMm: 2 })).toHaveLength(0);
  expect(brushStroke(grid, [], { shape: 2, radiusMm: 2 })).toHaveLength(0);
});

test('a CT of more than 2^31 voxels is drawn up to its last one', () => {
  const large = makeGrid(
    [2000, 2000, 600],
    [
      [0.2, 0, 0],
      [0, 0.2, 0],
      [0, 0, 0.5],
    ],
  );
  const drawn = brushStroke(large, [[1999, 1999, 599]], { shape: 'ball', radiusMm: 0.3 });
  expect([...drawn.slice(-2)]).toEqual([2.4e9 - 2, 2.4e9]);
  expect(countVoxels(drawn)).toBe(4);
});
