/** Islands: keep or remove connected pieces of a mask. */

import { type Connectivity, componentAt, components } from './components';
import type { Grid, Vec3 } from './grid';
import { NO_RUNS, type Runs, countVoxels, subtractRuns, unionOfAll } from './runs';

/** Pieces of a mask touch at corners, as everywhere in Omentum. */
export const PIECE_CONNECTIVITY: Connectivity = 26;

/** The voxels to remove so that the largest piece is left. */
export function allButLargest(grid: Grid, mask: Runs): Runs {
  return unionOfAll(components(grid, mask, PIECE_CONNECTIVITY).slice(1));
}

/** The voxels to remove so that the piece at a voxel is left; none if the mask does not have the voxel. */
export function allButPieceAt(grid: Grid, mask: Runs, voxel: Vec3): Runs {
  const piece = componentAt(grid, mask, voxel, PIECE_CONNECTIVITY);
  return piece === undefined ? NO_RUNS : subtractRuns(mask, piece);
}

/** The voxels of the piece at a voxel; none if the mask does not have the voxel. */
export function pieceAt(grid: Grid, mask: Runs, voxel: Vec3): Runs {
  return componentAt(grid, mask, voxel, PIECE_CONNECTIVITY) ?? NO_RUNS;
}

/** The voxels of all pieces that are smaller than a volume in mL. */
export function piecesBelow(grid: Grid, mask: Runs, leastMl: number): Runs {
  const isSmall = (piece: Runs): boolean => countVoxels(piece) * grid.voxelMl < leastMl;
  return unionOfAll(components(grid, mask, PIECE_CONNECTIVITY).filter(isSmall));
}
