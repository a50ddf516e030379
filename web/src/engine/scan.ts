/** The intensities of a CT, or of a region of it, and the bands of HU that tools ask for. */

import { EngineError } from './errors';
import { type Box, type Grid, boxSize, intersectBoxes, voxelCount } from './grid';
import { RunBuilder, type Runs, clipToBox, forEachRowPiece } from './runs';

/** Intensities in HU of the voxels of a box, the first axis fastest. */
export interface Scan {
  readonly box: Box;
  readonly hu: Int16Array | Float32Array;
}

/** HU from `low` to `high`, both included. */
export interface Band {
  readonly low: number;
  readonly high: number;
}

/**
 * Check that a scan's intensities fill its box.
 *
 * @throws EngineError There are more or fewer intensities than voxels.
 */
export function makeScan(box: Box, hu: Int16Array | Float32Array): Scan {
  const voxels = voxelCount(boxSize(box));
  if (hu.length !== voxels) {
    throw new EngineError(
      `${hu.length} intensities for a box of ${voxels} voxels; load both from one answer`,
    );
  }
  return { box, hu };
}

/** What to add to a voxel's coordinate on the first axis, in a row of the CT, to get its place in a scan. */
export function rowOfScan({ box }: Scan, j: number, k: number): number {
  const [width, height] = boxSize(box);
  return width * (j - box.min[1] + height * (k - box.min[2])) - box.min[0];
}

/** The voxels of a selection whose intensity is in a band; voxels outside the scan are not. */
export function withinBand({ size }: Grid, scan: Scan, selection: Runs, { low, high }: Band): Runs {
  const result = new RunBuilder();
  forEachRowPiece(size, clipToBox(size, selection, scan.box), (row, from, to) => {
    const place = rowOfScan(scan, row % size[1], Math.floor(row / size[1]));
    for (let i = from; i < to; i += 1) {
      const hu = scan.hu[place + i]!;
      if (hu >= low && hu <= high) result.push(row * size[0] + i, row * size[0] + i + 1);
    }
  });
  return result.runs();
}

/** The part of a box that a scan covers. */
export const scannedPart = (scan: Scan, box: Box): Box => intersectBoxes(scan.box, box);
