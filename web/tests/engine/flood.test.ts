import { describe, expect, test } from 'vitest';

import {
  type Box,
  type Vec3,
  bitsOfRuns,
  boxAroundVoxel,
  boxRuns,
  boxSize,
  countVoxels,
  floodFill,
  hasVoxel,
  indexOf,
  isInside,
  makeScan,
  runAll,
  runInSlices,
  voxelAt,
  voxelCount,
  wholeBox,
  withinBand,
} from '../../src/engine';
import {
  GRIDS,
  allVoxels,
  below,
  indicesOf,
  indicesWhere,
  pieces,
  randomBox,
  randomFrom,
  randomHu,
  randomRuns,
} from './reference';

const BAND = { low: -40, high: 100 };

describe.each(Object.entries(GRIDS))('on %s', (_, grid) => {
  test('a flood fill is the connected piece of the band, without barriers and inside its box', () => {
    const random = randomFrom(31);
    for (let n = 0; n < 10; n += 1) {
      const hu = randomHu(random, grid);
      const scan = makeScan(wholeBox(grid.size), hu);
      const [box, barrier] = [randomBox(random, grid.size), randomRuns(random, grid, 0, 9)];
      const open = indicesWhere(
        grid,
        (voxel, index) =>
          hu[index]! >= -40 && hu[index]! <= 100 && isInside(box, voxel) && !hasVoxel(barrier, index),
      );
      if (open.length === 0) continue;
      const start = open[below(random, open.length)]!;
      const piece = pieces(grid, open, 6).find((found) => found.has(start))!;
      const flood = {
        seeds: [voxelAt(grid.size, start)],
        band: BAND,
        box,
        barriers: [bitsOfRuns(grid.size, barrier)],
      };
      const found = runAll(floodFill(grid, scan, flood));
      expect(indicesOf(found.runs)).toEqual([...piece].sort((a, b) => a - b));
      expect(found.isCut).toBe(false);
    }
  });

  test('a band of a selection has its voxels with HU from the lower to the upper end, both included', () => {
    const random = randomFrom(32);
    const [selection, box] = [randomRuns(random, grid), randomBox(random, grid.size)];
    const all = randomHu(random, grid);
    const inBox = indicesOf(boxRuns(grid.size, box));
    const scan = makeScan(
      box,
      Int16Array.from(inBox, (index) => all[index]!),
    );
    const band = { low: all[inBox[0]!]!, high: 60 };
    expect(indicesOf(withinBand(grid, scan, selection, band))).toEqual(
      inBox.filter((index) => hasVoxel(selection, index) && all[index]! >= band.low && all[index]! <= 60),
    );
  });
});

const grid = GRIDS['cubes of 1 mm']!;
const everywhere = makeScan(wholeBox(grid.size), new Int16Array(voxelCount(grid.size)));

test('a flood fill stays in its slice', () => {
  const found = runAll(
    floodFill(grid, everywhere, { seeds: [[2, 3, 4]], band: BAND, plane: { axis: 0, index: 2 } }),
  );
  expect(indicesOf(found.runs)).toEqual(indicesWhere(grid, ([i]) => i === 2));
});

test('a flood fill stops at the largest volume and says so', () => {
  const found = runAll(floodFill(grid, everywhere, { seeds: [[2, 3, 4]], band: BAND, mostMl: 0.1 }));
  expect(found.isCut).toBe(true);
  expect(countVoxels(found.runs)).toBeGreaterThan(100);
  expect(countVoxels(found.runs)).toBeLessThan(130);
});

test('several seeds fill together, and one outside the band does not matter', () => {
  const hu = new Int16Array(voxelCount(grid.size)).fill(500);
  const seeds: Vec3[] = [
    [0, 0, 0],
    [8, 9, 10],
    [4, 4, 4],
  ];
  seeds.slice(0, 2).forEach((seed) => {
    hu[indexOf(grid.size, seed)] = 0;
  });
  const found = runAll(floodFill(grid, makeScan(wholeBox(grid.size), hu), { seeds, band: BAND }));
  expect(indicesOf(found.runs)).toEqual([0, voxelCount(grid.size) - 1]);
});

test('a seed outside the band is refused with its HU', () => {
  const flood = {
    seeds: [
      [2, 3, 4],
      [99, 0, 0],
    ] as Vec3[],
    band: { low: 10, high: 20 },
  };
  expect(() => runAll(floodFill(grid, everywhere, flood))).toThrow(/10 to 20 HU \(seen: 0, outside\)/);
});

test('a scan of a region is filled inside the region only', () => {
  const box: Box = { min: [2, 2, 2], max: [5, 6, 7] };
  const scan = makeScan(box, new Float32Array(voxelCount(boxSize(box))));
  const found = runAll(floodFill(grid, scan, { seeds: [[3, 3, 3]], band: BAND }));
  expect(found.runs).toEqual(boxRuns(grid.size, box));
});

test('a box around a voxel has all voxels within a distance along each axis', () => {
  const thick = GRIDS['thick slices of 5 mm']!;
  expect(boxAroundVoxel(thick, [6, 5, 3], 2)).toEqual({ min: [3, 2, 2], max: [10, 9, 5] });
});

test('intensities that do not fill their box are refused', () => {
  expect(() => makeScan(wholeBox([2, 2, 2]), new Int16Array(7))).toThrow(
    /7 intensities for a box of 8 voxels/,
  );
});

test('a fill in slices finds the same, tells its progress and can be cancelled', async () => {
  const noise = randomHu(randomFrom(33), grid);
  const scan = makeScan(wholeBox(grid.size), noise);
  const seed = allVoxels(grid).find((_voxel, index) => noise[index]! >= -40)!;
  const flood = { seeds: [seed], band: BAND };
  const shares: number[] = [];
  const options = {
    sliceMs: -1,
    pause: () => Promise.resolve(),
    onProgress: (share: number) => void shares.push(share),
  };
  const found = await runInSlices(floodFill(grid, scan, flood), options);
  expect(found).toEqual(runAll(floodFill(grid, scan, flood)));
  const steps = (function* () {
    for (;;) yield 0.5;
  })();
  await expect(runInSlices(steps, { ...options, isCancelled: () => shares.length > 3 })).rejects.toThrow(
    /nothing has changed/,
  );
});
