import { describe, expect, test } from 'vitest';

import {
  type Axis,
  type Grid,
  type Runs,
  type Vec3,
  allButLargest,
  allButPieceAt,
  componentAt,
  components,
  hasVoxel,
  holesInPlane,
  holesInPlanes,
  holesInVolume,
  pieceAt,
  piecesBelow,
  subtractRuns,
  voxelAt,
} from '../../src/engine';
import { GRIDS, below, indicesOf, indicesWhere, pieces, randomFrom, randomRuns, runsOf } from './reference';

const sorted = (indices: Iterable<number>): number[] => [...indices].sort((a, b) => a - b);
const inOrder = (sets: Iterable<number>[]): number[][] => sets.map(sorted).sort((a, b) => a[0]! - b[0]!);

/** Background pieces that do not reach the border of the grid, or of the slice where `across` is given. */
function naiveHoles(grid: Grid, mask: Runs, across?: Axis, index = 0): number[] {
  const background = indicesWhere(
    grid,
    (voxel, at) => !hasVoxel(mask, at) && (across === undefined || voxel[across] === index),
  );
  const isAtBorder = (at: number): boolean =>
    voxelAt(grid.size, at).some(
      (value, axis) => axis !== across && (value === 0 || value === grid.size[axis]! - 1),
    );
  return sorted(
    pieces(grid, background, 6)
      .filter((piece) => ![...piece].some(isAtBorder))
      .flatMap((piece) => [...piece]),
  );
}

describe.each(Object.entries(GRIDS))('on %s', (_, grid) => {
  test.each([6, 26] as const)(
    'pieces that touch by %i neighbours are those of a walk, the largest first',
    (connectivity) => {
      const random = randomFrom(51);
      for (let n = 0; n < 8; n += 1) {
        const mask = randomRuns(random, grid, below(random, 3), 60);
        const found = components(grid, mask, connectivity).map(indicesOf);
        expect(inOrder(found)).toEqual(inOrder(pieces(grid, indicesOf(mask), connectivity)));
        expect(found.map((piece) => piece.length)).toEqual(
          found.map((piece) => piece.length).sort((a, b) => b - a),
        );
      }
    },
  );

  test('holes are the background that does not reach the border', () => {
    const random = randomFrom(52);
    for (let n = 0; n < 8; n += 1) {
      const holed = subtractRuns(randomRuns(random, grid, 3, 0), randomRuns(random, grid, 0, 120));
      expect(indicesOf(holesInVolume(grid, holed))).toEqual(naiveHoles(grid, holed));
      for (const axis of [0, 1, 2] as const) {
        const slices = Array.from({ length: grid.size[axis] }, (_slice, index) =>
          naiveHoles(grid, holed, axis, index),
        );
        expect(indicesOf(holesInPlanes(grid, holed, axis))).toEqual(sorted(slices.flat()));
        const index = below(random, grid.size[axis]);
        expect(indicesOf(holesInPlane(grid, holed, { axis, index }))).toEqual(slices[index]);
      }
    }
  });

  test('islands are kept and removed by size and by place', () => {
    const random = randomFrom(53);
    const mask = randomRuns(random, grid, 1, 25);
    const found = pieces(grid, indicesOf(mask), 26).sort((a, b) => b.size - a.size);
    const voxel = voxelAt(grid.size, [...found.at(-1)!][0]!);
    const rest = (kept: Set<number>): number[] => indicesOf(mask).filter((index) => !kept.has(index));
    expect(indicesOf(allButPieceAt(grid, mask, voxel))).toEqual(rest(found.at(-1)!));
    expect(indicesOf(pieceAt(grid, mask, voxel))).toEqual(sorted(found.at(-1)!));
    expect(allButLargest(grid, mask)).toEqual(subtractRuns(mask, components(grid, mask, 26)[0]!));
    const leastMl = 3 * grid.voxelMl;
    const small = found.filter((piece) => piece.size * grid.voxelMl < leastMl).flatMap((piece) => [...piece]);
    expect(indicesOf(piecesBelow(grid, mask, leastMl))).toEqual(sorted(small));
  });
});

const grid = GRIDS['cubes of 1 mm']!;

test('a click beside the mask keeps and removes nothing', () => {
  const mask = runsOf([100, 101]);
  const beside: Vec3 = [0, 0, 0];
  expect(allButPieceAt(grid, mask, beside)).toHaveLength(0);
  expect(pieceAt(grid, mask, beside)).toHaveLength(0);
  expect(componentAt(grid, mask, beside, 26)).toBeUndefined();
});

test('a hole that is larger than allowed stays', () => {
  const box = indicesWhere(grid, ([i, j, k]) => i > 1 && i < 7 && j > 1 && j < 7 && k > 1 && k < 7);
  const hole = indicesWhere(grid, ([i, j, k]) => i === 4 && j === 4 && k > 2 && k < 6);
  const mask = runsOf(box.filter((index) => !hole.includes(index)));
  expect(indicesOf(holesInVolume(grid, mask, 0.003))).toEqual(hole);
  expect(holesInVolume(grid, mask, 0.0029)).toHaveLength(0);
});

test('an empty mask has neither holes nor islands', () => {
  const nothing = runsOf([]);
  expect(holesInVolume(grid, nothing)).toHaveLength(0);
  expect(holesInPlanes(grid, nothing, 2)).toHaveLength(0);
  expect(allButLargest(grid, nothing)).toHaveLength(0);
  expect(components(grid, nothing, 6)).toEqual([]);
});
