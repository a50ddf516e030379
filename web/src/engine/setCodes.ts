/** Read masks as the server sends them: a code for each voxel, and for each code the organs that hold it. */

import { runsInBox } from './bits';
import { EngineError } from './errors';
import { type Box, type Grid, boxSize, voxelCount } from './grid';
import type { Runs } from './runs';

/**
 * The voxels of one organ in set-coded masks.
 *
 * @param codes One code a voxel of the box, the first axis fastest.
 * @param holds For each code whether the organ holds its voxels: `sets.map((set) => set.includes(index))`.
 * @throws EngineError There are more or fewer codes than voxels.
 */
export function runsOfCodes(
  grid: Grid,
  box: Box,
  codes: Uint8Array | Uint16Array,
  holds: readonly boolean[],
): Runs {
  if (codes.length !== voxelCount(boxSize(box))) {
    throw new EngineError(
      `${codes.length} codes for a box of ${boxSize(box).join(' x ')} voxels; use those of one answer`,
    );
  }
  return runsInBox(grid.size, box, (place) => holds[codes[place]!] === true);
}
