import { describe, expect, test } from 'vitest';

import {
  type Grid,
  type Runs,
  HU_PER_MM,
  growFromSeeds,
  hasVoxel,
  indexOf,
  isInside,
  makeGrid,
  makeScan,
  runAll,
  wholeBox,
} from '../../src/engine';
import { stepCost } from '../../src/engine/seeds';
import {
  GRIDS,
  allVoxels,
  distanceMm,
  indicesOf,
  indicesWhere,
  neighbours,
  randomBox,
  randomFrom,
  randomHu,
  randomRuns,
  runsOf,
} from './reference';

/** Costs from one competitor's seeds, by relaxing all steps until nothing changes (Bellman and Ford). */
function costsFrom(
  grid: Grid,
  hu: Int16Array,
  seeds: readonly number[],
  isOpen: (index: number) => boolean,
): number[] {
  const voxels = allVoxels(grid);
  const costs = voxels.map(() => Infinity);
  seeds.forEach((seed) => (costs[seed] = 0));
  for (let changed = true; changed; ) {
    changed = false;
    voxels.forEach((voxel, from) => {
      if (costs[from] === Infinity) return;
      for (const near of neighbours(grid, voxel, 6)) {
        const to = indexOf(grid.size, near);
        const cost = costs[from]! + stepCost(hu[from]!, hu[to]!, distanceMm(grid, voxel, near), HU_PER_MM);
        if (!isOpen(to) || cost >= costs[to]!) continue;
        costs[to] = cost;
        changed = true;
      }
    });
  }
  return costs;
}

describe.each(Object.entries(GRIDS))('on %s', (_, grid) => {
  test('each voxel goes to the seed with the cheapest path, and to the first of equal ones', () => {
    const random = randomFrom(81);
    const all = allVoxels(grid);
    for (let n = 0; n < 4; n += 1) {
      const hu = randomHu(random, grid);
      const box = n === 0 ? wholeBox(grid.size) : randomBox(random, grid.size);
      const band = n === 1 ? { low: -60, high: 100 } : undefined;
      const seeds = Array.from({ length: 3 }, () => randomRuns(random, grid, 0, 5));
      const taken = new Set<number>();
      const own = seeds.map((runs) =>
        indicesOf(runs).filter((at) => isInside(box, all[at]!) && !taken.has(at) && taken.add(at)),
      );
      if (taken.size === 0) continue;
      const isOpen = (index: number): boolean =>
        isInside(box, all[index]!) && !taken.has(index) && (band === undefined || hu[index]! >= band.low);
      const costs = own.map((indices) => costsFrom(grid, hu, indices, isOpen));
      const winner = all.map((_voxel, index) => {
        const least = Math.min(...costs.map((cost) => cost[index]!));
        return least === Infinity ? -1 : costs.findIndex((cost) => cost[index] === least);
      });
      const growth = { seeds, box, ...(band === undefined ? {} : { band }) };
      const grown = runAll(growFromSeeds(grid, makeScan(wholeBox(grid.size), hu), growth));
      grown.forEach((runs, label) =>
        expect(indicesOf(runs)).toEqual(indicesWhere(grid, (_voxel, index) => winner[index] === label)),
      );
    }
  });
});

const grid = GRIDS['cubes of 1 mm']!;
const scan = makeScan(
  wholeBox(grid.size),
  Int16Array.from(allVoxels(grid), ([i]) => (i < 5 ? 0 : 200)),
);
const grow = (seeds: Runs[], box = wholeBox(grid.size)): Runs[] =>
  runAll(growFromSeeds(grid, scan, { seeds, box }));

test('seeds meet at the edge in the CT, wherever they were drawn', () => {
  const [left, right] = grow([runsOf([0]), runsOf([indexOf(grid.size, [5, 9, 10])])]);
  expect(indicesOf(left!)).toEqual(indicesWhere(grid, ([i]) => i < 5));
  expect(indicesOf(right!)).toEqual(indicesWhere(grid, ([i]) => i >= 5));
  expect(hasVoxel(left!, 0)).toBe(true);
});

test('what cannot grow is refused with the cure', () => {
  expect(() => grow([runsOf([])])).toThrow(/draw seeds there/);
  expect(() => grow([runsOf([0])], { min: [90, 0, 0], max: [99, 9, 9] })).toThrow(
    /choose it around the seeds/,
  );
  expect(() => grow(Array.from({ length: 256 }, () => runsOf([0])))).toThrow(/at most 255/);
  const large = makeGrid(
    [300, 300, 300],
    [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  );
  const wide = { box: wholeBox(large.size), hu: new Int16Array(0) };
  expect(() => runAll(growFromSeeds(large, wide, { seeds: [runsOf([0])], box: wide.box }))).toThrow(
    /at most 16000000 voxels/,
  );
});
