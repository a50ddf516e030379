import { expect, test } from 'vitest';

import { hasVoxel, isInside, labelsOfBox, labelsOfPlane, wholeBox } from '../../src/engine';
import { masksOfRuns } from '../../src/engine/masks';
import { GRIDS, allVoxels, randomBox, randomFrom, randomRuns } from './reference';

test.each(Object.entries(GRIDS))(
  'on %s later organs cover earlier ones, in a box and in a slice',
  (_, grid) => {
    const random = randomFrom(121);
    const [liver, spleen] = [randomRuns(random, grid), randomRuns(random, grid)];
    const masks = masksOfRuns(grid, { liver, spleen });
    const box = randomBox(random, grid.size);
    const label = (index: number): number => (hasVoxel(spleen, index) ? 3 : hasVoxel(liver, index) ? 6 : 0);
    const order = [
      ['liver', 6],
      ['spleen', 3],
    ] as const;
    const values = (isIn: (voxel: readonly [number, number, number]) => boolean): number[] =>
      allVoxels(grid).flatMap((voxel, index) => (isIn(voxel) ? [label(index)] : []));
    expect([...labelsOfBox(masks, box, order)]).toEqual(values((voxel) => isInside(box, voxel)));
    for (const axis of [0, 1, 2] as const) {
      const index = box.min[axis];
      expect([...labelsOfPlane(masks, { axis, index }, order)]).toEqual(
        values((voxel) => voxel[axis] === index),
      );
      expect([...labelsOfPlane(masks, { axis, index }, order, box)]).toEqual(
        values((voxel) => voxel[axis] === index && isInside(box, voxel)),
      );
    }
    expect(labelsOfBox(masks, wholeBox(grid.size), [])).toEqual(new Uint8Array(allVoxels(grid).length));
  },
);
