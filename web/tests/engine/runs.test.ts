import { describe, expect, test } from 'vitest';

import {
  RunBuilder,
  bitAt,
  bitsOfRuns,
  boxOfRuns,
  boxRuns,
  bytesOfBox,
  clipToBox,
  countBits,
  countVoxels,
  flipRuns,
  hasVoxel,
  intersectRuns,
  isInside,
  maskRuns,
  packBox,
  runsWhere,
  setRuns,
  sortedRuns,
  subtractRuns,
  unionOfAll,
  unionRuns,
  unpackBox,
  wholeBox,
  xorRuns,
} from '../../src/engine';
import {
  GRIDS,
  below,
  indicesOf,
  indicesWhere,
  randomBox,
  randomFrom,
  randomRuns,
  runsOf,
} from './reference';

describe.each(Object.entries(GRIDS))('on %s', (_, grid) => {
  test('sets of runs combine as sets of voxels do', () => {
    const random = randomFrom(1);
    for (let n = 0; n < 30; n += 1) {
      const [a, b] = [randomRuns(random, grid), randomRuns(random, grid)];
      const [inA, inB] = [new Set(indicesOf(a)), new Set(indicesOf(b))];
      const expected = (keep: (x: boolean, y: boolean) => boolean): number[] =>
        indicesWhere(grid, (_voxel, index) => keep(inA.has(index), inB.has(index)));
      expect(indicesOf(unionRuns(a, b))).toEqual(expected((x, y) => x || y));
      expect(indicesOf(intersectRuns(a, b))).toEqual(expected((x, y) => x && y));
      expect(indicesOf(subtractRuns(a, b))).toEqual(expected((x, y) => x && !y));
      expect(indicesOf(xorRuns(a, b))).toEqual(expected((x, y) => x !== y));
    }
  });

  test('runs are apart and rising, whatever made them', () => {
    const random = randomFrom(2);
    for (let n = 0; n < 20; n += 1) {
      const sets = Array.from({ length: 5 }, () => randomRuns(random, grid));
      for (const runs of [
        unionOfAll(sets),
        sets.reduce(xorRuns),
        maskRuns(grid.size, bitsOfRuns(grid.size, sets[0]!)),
      ]) {
        expect([...runs]).toEqual([...runs].sort((a, b) => a - b));
        expect(new Set(runs).size).toBe(runs.length);
      }
    }
  });

  test('a mask gives back the runs that it was made of, by bit, by count and by box', () => {
    const random = randomFrom(3);
    for (let n = 0; n < 20; n += 1) {
      const runs = randomRuns(random, grid);
      const box = randomBox(random, grid.size);
      const bits = bitsOfRuns(grid.size, runs);
      const inBox = indicesWhere(grid, (voxel, index) => hasVoxel(runs, index) && isInside(box, voxel));
      expect(maskRuns(grid.size, bits)).toEqual(runs);
      expect(indicesWhere(grid, (_voxel, index) => bitAt(bits, index))).toEqual(indicesOf(runs));
      expect(countBits(bits)).toBe(countVoxels(runs));
      expect(indicesOf(maskRuns(grid.size, bits, box))).toEqual(inBox);
      expect(indicesOf(clipToBox(grid.size, runs, box))).toEqual(inBox);
      expect(indicesOf(unpackBox(grid.size, packBox(grid.size, bits, box), box))).toEqual(inBox);
    }
  });

  test('packed bits of a box are those of numpy with little bit order', () => {
    const random = randomFrom(4);
    const [runs, box] = [randomRuns(random, grid), randomBox(random, grid.size)];
    const bits = bitsOfRuns(grid.size, runs);
    const bytes = indicesOf(boxRuns(grid.size, box)).map((index) => (hasVoxel(runs, index) ? 1 : 0));
    expect([...bytesOfBox(grid.size, bits, box)]).toEqual(bytes);
    const packed = Array.from({ length: Math.ceil(bytes.length / 8) }, (_, b) =>
      bytes.slice(8 * b, 8 * b + 8).reduce((sum: number, bit, place) => sum + bit * 2 ** place, 0),
    );
    expect([...packBox(grid.size, bits, box)]).toEqual(packed);
  });

  test('flipping twice restores every bit, and the counts of both times cancel', () => {
    const random = randomFrom(5);
    for (let n = 0; n < 20; n += 1) {
      const [runs, flips] = [randomRuns(random, grid), randomRuns(random, grid)];
      const bits = bitsOfRuns(grid.size, runs);
      const more = flipRuns(bits, flips);
      expect(maskRuns(grid.size, bits)).toEqual(xorRuns(runs, flips));
      expect(countBits(bits)).toBe(countVoxels(runs) + more);
      expect(flipRuns(bits, flips)).toBe(0 - more);
      expect(maskRuns(grid.size, bits)).toEqual(runs);
    }
  });

  test('a selection splits into the voxels that a mask has and those that it has not', () => {
    const random = randomFrom(6);
    const [runs, selection] = [randomRuns(random, grid), randomRuns(random, grid)];
    const bits = bitsOfRuns(grid.size, runs);
    expect(runsWhere(bits, selection, true)).toEqual(intersectRuns(selection, runs));
    expect(runsWhere(bits, selection, false)).toEqual(subtractRuns(selection, runs));
    setRuns(bits, selection, true);
    expect(maskRuns(grid.size, bits)).toEqual(unionRuns(runs, selection));
    setRuns(bits, selection, false);
    expect(maskRuns(grid.size, bits)).toEqual(subtractRuns(runs, selection));
  });

  test('the box of a selection touches its voxels on each side', () => {
    const random = randomFrom(7);
    for (let n = 0; n < 20; n += 1) {
      const runs = randomRuns(random, grid, 1, 1);
      const { min, max } = boxOfRuns(grid.size, runs);
      const inside = indicesWhere(grid, (_voxel, index) => hasVoxel(runs, index));
      const coordinates = (axis: 0 | 1 | 2): number[] =>
        inside.map(
          (index) =>
            [
              index % grid.size[0],
              Math.floor(index / grid.size[0]) % grid.size[1],
              Math.floor(index / grid.size[0] / grid.size[1]),
            ][axis]!,
        );
      for (const axis of [0, 1, 2] as const) {
        expect([min[axis], max[axis]]).toEqual([
          Math.min(...coordinates(axis)),
          Math.max(...coordinates(axis)) + 1,
        ]);
      }
    }
  });
});

test('runs that touch or overlap become one', () => {
  expect([
    ...sortedRuns([
      [8, 9],
      [2, 5],
      [4, 6],
      [6, 8],
    ]),
  ]).toEqual([2, 9]);
});

test('a builder keeps more runs than it has room for at first', () => {
  const builder = new RunBuilder();
  for (let n = 0; n < 1000; n += 1) builder.push(3 * n, 3 * n + 1);
  expect(builder.runs().length).toBe(2000);
});

test('a whole box is one run', () => {
  expect([...boxRuns([4, 5, 6], wholeBox([4, 5, 6]))]).toEqual([0, 120]);
});

test('runs of random indices have exactly these', () => {
  const random = randomFrom(8);
  const indices = new Set(Array.from({ length: 50 }, () => below(random, 500)));
  expect(indicesOf(runsOf(indices))).toEqual([...indices].sort((a, b) => a - b));
});
