/** Grow or shrink a mask by a distance in mm. */

import { type Bits, bytesOfBox, maskRuns, runsInBox, runsWhere } from './bits';
import { squaredDistances } from './distance';
import {
  type Box,
  type Grid,
  type Vec3,
  TOLERANCE_MM,
  ballReach,
  boxSize,
  intersectBoxes,
  padBox,
  squaredMm,
} from './grid';
import { type Runs, boxOfRuns, subtractRuns } from './runs';
import type { Steps } from './steps';

/**
 * Select the voxels to add so that a mask grows by a distance.
 *
 * @param within Voxels that are known, such as the loaded box; nothing outside is read or selected.
 * @returns Voxels outside the mask whose centre is at most `byMm` from the centre of one of its voxels.
 */
export function* shell(grid: Grid, mask: Bits, byMm: number, within: Box): Steps<Runs> {
  const own = maskRuns(grid.size, mask, within);
  const box = intersectBoxes(within, padBox(grid.size, boxOfRuns(grid.size, own), ballReach(grid, byMm)));
  const near = yield* nearVoxels(grid, bytesOfBox(grid.size, mask, box), box, byMm);
  return subtractRuns(near, own);
}

/**
 * Select the voxels to remove so that a mask shrinks by a distance.
 *
 * Voxels outside `within` are unknown and not background: an organ that the CT cuts keeps its cut side.
 *
 * @returns Voxels of the mask whose centre is no further than `byMm` from the centre of a voxel outside it.
 */
export function* rind(grid: Grid, mask: Bits, byMm: number, within: Box): Steps<Runs> {
  const own = boxOfRuns(grid.size, maskRuns(grid.size, mask, within));
  const pad: Vec3 = grid.isSheared ? ballReach(grid, byMm) : [1, 1, 1];
  const box = intersectBoxes(within, padBox(grid.size, own, pad));
  const background = bytesOfBox(grid.size, mask, box).map((byte) => 1 - byte);
  const near = yield* nearVoxels(grid, background, box, byMm);
  return runsWhere(mask, near, true);
}

/** Runs of all voxels of a box that are within a distance of a set. */
function* nearVoxels(grid: Grid, inSet: Uint8Array, box: Box, byMm: number): Steps<Runs> {
  const limit = (byMm + TOLERANCE_MM) ** 2;
  if (grid.isSheared) return yield* nearOnShearedGrid(grid, inSet, box, byMm);
  const squared = yield* squaredDistances(inSet, boxSize(box), grid.spacingMm);
  return runsInBox(grid.size, box, (place) => squared[place]! <= limit);
}

/** On sheared grids distances do not separate by axis: draw a ball around each voxel on the set's border. */
function* nearOnShearedGrid(grid: Grid, inSet: Uint8Array, box: Box, byMm: number): Steps<Runs> {
  const size = boxSize(box);
  const near = inSet.slice();
  const ball = ballOffsets(grid, byMm);
  const slice = size[0] * size[1];
  for (let k = 0; k < size[2]; k += 1) {
    for (let place = k * slice; place < (k + 1) * slice; place += 1) {
      if (inSet[place] !== 0 && isAtBorder(inSet, size, place)) stamp(near, size, place, ball);
    }
    yield k / size[2];
  }
  return runsInBox(grid.size, box, (place) => near[place] !== 0);
}

function ballOffsets(grid: Grid, byMm: number): Vec3[] {
  const reach = ballReach(grid, byMm);
  const limit = (byMm + TOLERANCE_MM) ** 2;
  const offsets: Vec3[] = [];
  for (let z = -reach[2]; z <= reach[2]; z += 1) {
    for (let y = -reach[1]; y <= reach[1]; y += 1) {
      for (let x = -reach[0]; x <= reach[0]; x += 1)
        if (squaredMm(grid, x, y, z) <= limit) offsets.push([x, y, z]);
    }
  }
  return offsets;
}

function isAtBorder(inSet: Uint8Array, size: Vec3, place: number): boolean {
  const [i, row] = [place % size[0], Math.floor(place / size[0])];
  const [j, k] = [row % size[1], Math.floor(row / size[1])];
  for (let n = 0; n < 27; n += 1) {
    const [x, y, z] = [i + (n % 3) - 1, j + (Math.floor(n / 3) % 3) - 1, k + Math.floor(n / 9) - 1];
    const inside = x >= 0 && x < size[0] && y >= 0 && y < size[1] && z >= 0 && z < size[2];
    if (inside && inSet[x + size[0] * (y + size[1] * z)] === 0) return true;
  }
  return false;
}

function stamp(near: Uint8Array, size: Vec3, place: number, ball: readonly Vec3[]): void {
  const [i, row] = [place % size[0], Math.floor(place / size[0])];
  const [j, k] = [row % size[1], Math.floor(row / size[1])];
  for (const [dx, dy, dz] of ball) {
    const [x, y, z] = [i + dx, j + dy, k + dz];
    if (x >= 0 && x < size[0] && y >= 0 && y < size[1] && z >= 0 && z < size[2])
      near[x + size[0] * (y + size[1] * z)] = 1;
  }
}
