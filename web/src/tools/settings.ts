/** Settings of the tools, all lengths in mm and intensities in HU. */

import type { Band, Overlap } from '../engine';

/** Where a copy from another source goes. */
export type CopyScope = 'slice' | 'spot' | 'loaded';

/** Sizes of the brush that keys step through, in mm. */
const RADII_MM = [0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40];

/** What the reader set for the tools. */
export class ToolSettings {
  radiusMm = 5;
  isBall = false;
  band: Band = { low: 0, high: 200 };
  overlap: Overlap = 'take';
  /** Distance by which a mask grows or shrinks. */
  stepMm = 1;
  /** Standard deviation of smoothing. */
  sigmaMm = 1.5;
  /** Largest volume that a flood fill may add. */
  floodMl = 200;
  /** Pieces below this are removed as islands. */
  islandMl = 1;
  copyScope: CopyScope = 'spot';

  /** Take the next larger or smaller brush. */
  stepRadius(direction: 1 | -1): void {
    const larger = RADII_MM.find((mm) => mm > this.radiusMm) ?? this.radiusMm;
    const smaller = RADII_MM.filter((mm) => mm < this.radiusMm).at(-1) ?? 0;
    this.radiusMm = direction > 0 ? larger : smaller;
  }
}
