/** What differs from the loaded masks: what a save sends. */

import { type Bits, countBits, differingRuns, packBox, unpackBox } from './bits';
import { type Edit, replaceWithin } from './edits';
import type { Box } from './grid';
import type { OrganMasks, ReadableMasks } from './masks';
import { type Runs, boxOfRuns, boxRuns } from './runs';

/** The part of an organ's mask that has changed. */
export interface OrganDiff {
  readonly organ: string;
  /** The least box that has all changed voxels, in the CT's voxels. */
  readonly box: Box;
  /** The mask as it is now in the box: one bit a voxel, the first axis fastest, the lowest bit first. */
  readonly bits: Bits;
  /** Voxels of the mask in the box. */
  readonly voxelsNow: number;
}

/** The voxels of an organ that differ from what was loaded. */
export function changedRuns(masks: OrganMasks, organ: string): Runs {
  if (!masks.mayDiffer(organ)) return new Uint32Array(0);
  return differingRuns(masks.bits(organ), masks.loadedBits(organ));
}

/** The changed part of each organ's mask; organs that equal what was loaded are left out. */
export function diffOf(masks: OrganMasks): OrganDiff[] {
  return masks.organs.flatMap((organ) => {
    const changed = changedRuns(masks, organ);
    if (changed.length === 0) return [];
    const box = boxOfRuns(masks.grid.size, changed);
    const bits = packBox(masks.grid.size, masks.bits(organ), box);
    return [{ organ, box, bits, voxelsNow: countBits(bits) }];
  });
}

/** The edit that makes a box of an organ's mask what a diff has: work on an older base, kept as a draft. */
export function editOfDiff(masks: ReadableMasks, { organ, box, bits }: Omit<OrganDiff, 'voxelsNow'>): Edit {
  const { size } = masks.grid;
  return replaceWithin(masks.bits(organ), organ, unpackBox(size, bits, box), boxRuns(size, box));
}
