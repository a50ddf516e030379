/** Tools that move voxels between masks: copy, swap sides, hand a piece to a neighbour. */

import { type Bits, bitAt, maskRuns, runsWhere } from './bits';
import { componentAt } from './components';
import { type Edit, requireUnlocked } from './edits';
import { EngineError } from './errors';
import type { Box, Vec3 } from './grid';
import { PIECE_CONNECTIVITY } from './islands';
import type { ReadableMasks } from './masks';
import {
  type Runs,
  boxRuns,
  clipToBox,
  forEachRowPiece,
  intersectRuns,
  subtractRuns,
  unionRuns,
} from './runs';

/**
 * Copy another mask of the same CT, such as a second network's or an earlier reading, into an organ.
 *
 * @param other The other mask over the whole grid.
 * @param region Voxels to copy; what the organ has there and the other mask has not is removed. All that is
 *     loaded if it is not given.
 */
export function copyFrom(masks: ReadableMasks, organ: string, other: Bits, region?: Box | Runs): Edit {
  const asked = region instanceof Uint32Array ? region : boxRuns(masks.grid.size, region ?? masks.loadedBox);
  const selection = clipToBox(masks.grid.size, asked, masks.loadedBox);
  const add = runsWhere(other, selection, true);
  return { organ, add, remove: runsWhere(masks.bits(organ), subtractRuns(selection, add), true) };
}

/**
 * Exchange two organs, such as the kidneys.
 *
 * @param voxel A voxel of the connected piece, of both organs together, in which they are exchanged;
 *     everywhere if it is not given.
 * @throws EngineError One of the organs is locked, or neither has the voxel.
 */
export function swapOrgans(masks: ReadableMasks, [a, b]: readonly [string, string], voxel?: Vec3): Edit[] {
  requireUnlocked(masks, [a, b]);
  const [runsA, runsB] = [loadedRuns(masks, a), loadedRuns(masks, b)];
  const region = voxel === undefined ? unionRuns(runsA, runsB) : pieceAround(masks, [a, b], voxel);
  const [partA, partB] = [intersectRuns(runsA, region), intersectRuns(runsB, region)];
  return [
    { organ: a, add: partB, remove: partA },
    { organ: b, add: partA, remove: partB },
  ];
}

/**
 * Hand the connected piece of an organ at a voxel to another organ.
 *
 * @throws EngineError One of the organs is locked, or the giver does not have the voxel.
 */
export function handOver(masks: ReadableMasks, giver: string, taker: string, voxel: Vec3): Edit[] {
  requireUnlocked(masks, [giver, taker]);
  const piece = pieceAround(masks, [giver], voxel);
  return [
    { organ: giver, remove: piece },
    { organ: taker, add: piece },
  ];
}

/** The other organ that shares most faces of voxels with a piece; `undefined` if none touches it. */
export function touchingOrgan(masks: ReadableMasks, organ: string, piece: Runs): string | undefined {
  const others = masks.organs.filter((name) => name !== organ && !masks.isLocked(name));
  const counted = others.map((name) => ({ name, faces: sharedFaces(masks, piece, masks.bits(name)) }));
  const best = counted.sort((a, b) => b.faces - a.faces)[0];
  return best !== undefined && best.faces > 0 ? best.name : undefined;
}

function sharedFaces({ grid: { size } }: ReadableMasks, piece: Runs, other: Bits): number {
  let faces = 0;
  const slice = size[0] * size[1];
  const count = (isThere: boolean, index: number): void => {
    if (isThere && bitAt(other, index)) faces += 1;
  };
  forEachRowPiece(size, piece, (row, from, to) => {
    const [j, k] = [row % size[1], Math.floor(row / size[1])];
    for (let i = from; i < to; i += 1) {
      const index = row * size[0] + i;
      count(i > 0, index - 1);
      count(i < size[0] - 1, index + 1);
      count(j > 0, index - size[0]);
      count(j < size[1] - 1, index + size[0]);
      count(k > 0, index - slice);
      count(k < size[2] - 1, index + slice);
    }
  });
  return faces;
}

function loadedRuns(masks: ReadableMasks, organ: string): Runs {
  return maskRuns(masks.grid.size, masks.bits(organ), masks.loadedBox);
}

function pieceAround(masks: ReadableMasks, organs: readonly string[], voxel: Vec3): Runs {
  const selection = organs.map((organ) => loadedRuns(masks, organ)).reduce(unionRuns);
  const piece = componentAt(masks.grid, selection, voxel, PIECE_CONNECTIVITY);
  if (piece === undefined) {
    throw new EngineError(
      `voxel ${voxel.join(', ')} is not in ${organs.join(' or ')}; click inside the piece`,
    );
  }
  return piece;
}
