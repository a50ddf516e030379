/** Holes: the background that a mask encloses, in the volume or in each slice. */

import { components } from './components';
import { type Axis, type Box, type Grid, type Plane, isEmptyBox, padBox, sliceOfBox } from './grid';
import {
  NO_RUNS,
  type Runs,
  boxOfRuns,
  boxRuns,
  clipToBox,
  countVoxels,
  subtractRuns,
  unionOfAll,
} from './runs';

const FACES = 6;

/**
 * Select the holes of a mask: background that is not connected, over faces, with the mask's surroundings.
 *
 * Background that reaches the border of the grid is no hole.
 *
 * @param mostMl Largest volume of a hole that is selected, in mL.
 */
export function holesInVolume(grid: Grid, mask: Runs, mostMl = Infinity): Runs {
  return holesInBox(grid, mask, padBox(grid.size, boxOfRuns(grid.size, mask), [1, 1, 1]), mostMl);
}

/** Select the holes of a mask in one slice, where only the slice's own voxels enclose. */
export function holesInPlane(grid: Grid, mask: Runs, plane: Plane, mostMl = Infinity): Runs {
  const box = boxOfRuns(
    grid.size,
    clipToBox(grid.size, mask, sliceOfBox({ min: [0, 0, 0], max: grid.size }, plane)),
  );
  if (isEmptyBox(box)) return NO_RUNS;
  return holesInBox(grid, mask, sliceOfBox(padBox(grid.size, box, [1, 1, 1]), plane), mostMl, plane.axis);
}

/** Select the holes of a mask in every slice across an axis. */
export function holesInPlanes(grid: Grid, mask: Runs, axis: Axis, mostMl = Infinity): Runs {
  const { min, max } = boxOfRuns(grid.size, mask);
  const slices = Array.from({ length: max[axis] - min[axis] }, (_, n) => min[axis] + n);
  return unionOfAll(slices.map((index) => holesInPlane(grid, mask, { axis, index }, mostMl)));
}

function holesInBox(grid: Grid, mask: Runs, box: Box, mostMl: number, across?: Axis): Runs {
  const background = subtractRuns(boxRuns(grid.size, box), mask);
  const isHole = (piece: Runs): boolean =>
    !touchesSides(boxOfRuns(grid.size, piece), box, across) && countVoxels(piece) * grid.voxelMl <= mostMl;
  return unionOfAll(components(grid, background, FACES).filter(isHole));
}

function touchesSides(inner: Box, outer: Box, across?: Axis): boolean {
  const isAtSide = (axis: Axis): boolean =>
    inner.min[axis] === outer.min[axis] || inner.max[axis] === outer.max[axis];
  return ([0, 1, 2] as const).some((axis) => axis !== across && isAtSide(axis));
}
