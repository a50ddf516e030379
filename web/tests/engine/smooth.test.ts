import { describe, expect, test } from 'vitest';

import {
  type Grid,
  type Runs,
  bitsOfRuns,
  hasVoxel,
  indexOf,
  isInside,
  runAll,
  smoothed,
  wholeBox,
} from '../../src/engine';
import { GRIDS, allVoxels, indicesOf, randomFrom, randomRuns, runsOf } from './reference';

/** The Gaussian's sum over weights in three dimensions at once; outside the grid the border is repeated. */
function blurred(grid: Grid, mask: Runs, sigmaMm: number): number[] {
  const reach = grid.spacingMm.map((spacing) => Math.ceil((3 * sigmaMm) / spacing));
  const weight = (axis: number, d: number): number =>
    Math.exp(-(((d * grid.spacingMm[axis]!) / sigmaMm) ** 2) / 2);
  const clamp = (value: number, axis: number): number => Math.min(grid.size[axis]! - 1, Math.max(0, value));
  return allVoxels(grid).map(([i, j, k]) => {
    let [sum, total] = [0, 0];
    for (let z = -reach[2]!; z <= reach[2]!; z += 1)
      for (let y = -reach[1]!; y <= reach[1]!; y += 1)
        for (let x = -reach[0]!; x <= reach[0]!; x += 1) {
          const w = weight(0, x) * weight(1, y) * weight(2, z);
          total += w;
          if (hasVoxel(mask, indexOf(grid.size, [clamp(i + x, 0), clamp(j + y, 1), clamp(k + z, 2)])))
            sum += w;
        }
    return sum / total;
  });
}

describe.each(Object.entries(GRIDS))('on %s', (_, grid) => {
  test.each([0.8, 1.7])(
    'a mask smoothed by %f mm is where a Gaussian of it is at least one half',
    (sigmaMm) => {
      const mask = randomRuns(randomFrom(71), grid, 2, 8);
      const values = blurred(grid, mask, sigmaMm);
      const { wanted, region } = runAll(
        smoothed(grid, bitsOfRuns(grid.size, mask), sigmaMm, wholeBox(grid.size)),
      );
      allVoxels(grid).forEach((voxel, index) => {
        if (Math.abs(values[index]! - 0.5) > 1e-6) expect(hasVoxel(wanted, index)).toBe(values[index]! > 0.5);
        if (hasVoxel(mask, index) || values[index]! > 0) expect(isInside(region, voxel)).toBe(true);
      });
    },
  );
});

const grid = GRIDS['cubes of 1 mm']!;

test('a speck goes, and an organ that fills the CT stays whole', () => {
  const smooth = (mask: Runs): Runs =>
    runAll(smoothed(grid, bitsOfRuns(grid.size, mask), 1, wholeBox(grid.size))).wanted;
  expect(smooth(runsOf([400]))).toHaveLength(0);
  expect([...smooth(new Uint32Array([0, 990]))]).toEqual([0, 990]);
});

test('only the given box is smoothed', () => {
  const within = { min: [2, 2, 2], max: [6, 6, 6] } as const;
  const { region, wanted } = runAll(
    smoothed(grid, bitsOfRuns(grid.size, new Uint32Array([0, 990])), 1, within),
  );
  expect(region).toEqual(within);
  expect(indicesOf(wanted)).toHaveLength(64);
});
