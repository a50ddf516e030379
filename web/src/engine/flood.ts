/** Flood fill: the voxels in a band of HU that are connected with a seed. */

import { type Bits, bitAt, emptyBits } from './bits';
import { EngineError } from './errors';
import {
  type Box,
  type Grid,
  type Plane,
  type Vec3,
  boxSize,
  intersectBoxes,
  isInside,
  sliceOfBox,
  voxelCount,
} from './grid';
import { type Runs, sortedRuns } from './runs';
import { type Band, type Scan, rowOfScan } from './scan';
import type { Steps } from './steps';

/** Where a flood fill starts and what stops it. */
export interface Flood {
  readonly seeds: readonly Vec3[];
  readonly band: Band;
  /** Voxels it may reach; all of the scan if it is not given. */
  readonly box?: Box;
  /** The slice it stays in. */
  readonly plane?: Plane;
  /** Voxels it never enters, such as other organs. */
  readonly barriers?: readonly Bits[];
  /** Largest volume in mL; it stops there. */
  readonly mostMl?: number;
}

/** What a flood fill found. */
export interface Flooded {
  readonly runs: Runs;
  /** Whether it stopped at the largest volume, so that there is more. */
  readonly isCut: boolean;
}

const SPANS_PER_STEP = 2000;

/**
 * Fill from seeds over faces of voxels (6 neighbours) within a band of HU.
 *
 * @throws EngineError No seed is inside the box and has an intensity in the band.
 */
export function* floodFill(grid: Grid, scan: Scan, flood: Flood): Steps<Flooded> {
  const fill = new SpanFill(grid, scan, flood);
  const starts = flood.seeds.filter((seed) => fill.mayEnter(seed));
  if (starts.length === 0) throw noSeed(scan, flood);
  starts.forEach((seed) => fill.addSpanAt(seed));
  while (fill.advance(SPANS_PER_STEP)) yield fill.share;
  return fill.result();
}

function noSeed(scan: Scan, { seeds, band }: Flood): EngineError {
  const values = seeds.map(([i, j, k]) =>
    isInside(scan.box, [i, j, k]) ? scan.hu[rowOfScan(scan, j, k) + i] : 'outside',
  );
  return new EngineError(
    `no seed is inside ${band.low} to ${band.high} HU (seen: ${values.join(', ')}); widen it or click elsewhere`,
  );
}

/** Fills spans of rows, and looks for further ones in the four rows beside each. */
class SpanFill {
  private readonly box: Box;
  private readonly size: Vec3;
  private readonly seen: Bits;
  private readonly most: number;
  private readonly low: number;
  private readonly high: number;
  private readonly barriers: readonly Bits[];
  private readonly scanSize: Vec3;
  private readonly queue: number[] = [];
  private readonly pairs: [number, number][] = [];
  private head = 0;
  private count = 0;

  constructor(
    private readonly grid: Grid,
    private readonly scan: Scan,
    flood: Flood,
  ) {
    ({ low: this.low, high: this.high } = flood.band);
    this.barriers = flood.barriers ?? [];
    this.scanSize = boxSize(scan.box);
    const asked = intersectBoxes(scan.box, flood.box ?? scan.box);
    this.box = flood.plane === undefined ? asked : sliceOfBox(asked, flood.plane);
    this.size = boxSize(this.box);
    this.seen = emptyBits(this.size);
    this.most = flood.mostMl === undefined ? Infinity : Math.floor(flood.mostMl / grid.voxelMl);
  }

  /** Share of the largest volume, or else of the box, that is filled. */
  get share(): number {
    return this.count / Math.min(this.most, voxelCount(this.size));
  }

  mayEnter(voxel: Vec3): boolean {
    return isInside(this.box, voxel) && this.isOpen(voxel[0], voxel[1], voxel[2]);
  }

  /** Follow some spans; false when there are none left or the largest volume is reached. */
  advance(spans: number): boolean {
    const { queue } = this;
    for (let n = 0; n < spans && this.head < queue.length && this.count <= this.most; n += 1) {
      const [from, to, j, k] = [
        queue[this.head]!,
        queue[this.head + 1]!,
        queue[this.head + 2]!,
        queue[this.head + 3]!,
      ];
      this.head += 4;
      this.scanRow(from, to, j - 1, k);
      this.scanRow(from, to, j + 1, k);
      this.scanRow(from, to, j, k - 1);
      this.scanRow(from, to, j, k + 1);
    }
    return this.head < queue.length && this.count <= this.most;
  }

  /** Fill the whole span of a row around an open voxel. */
  addSpanAt([i, j, k]: Vec3): number {
    let [from, to] = [i, i + 1];
    while (from > this.box.min[0] && this.isOpen(from - 1, j, k)) from -= 1;
    while (to < this.box.max[0] && this.isOpen(to, j, k)) to += 1;
    if (!bitAt(this.seen, this.place(i, j, k))) this.keep(from, to, j, k);
    return to;
  }

  result(): Flooded {
    return { runs: sortedRuns(this.pairs), isCut: this.count > this.most };
  }

  private keep(from: number, to: number, j: number, k: number): void {
    for (let i = from; i < to; i += 1) {
      const place = this.place(i, j, k);
      this.seen[place >>> 3]! |= 1 << (place & 7);
    }
    const [width, height] = this.grid.size;
    const first = width * (j + height * k);
    this.pairs.push([first + from, first + to]);
    this.queue.push(from, to, j, k);
    this.count += to - from;
  }

  private scanRow(from: number, to: number, j: number, k: number): void {
    const { min, max } = this.box;
    if (j < min[1] || j >= max[1] || k < min[2] || k >= max[2]) return;
    for (let i = from; i < to; i += 1) {
      if (bitAt(this.seen, this.place(i, j, k)) || !this.isOpen(i, j, k)) continue;
      i = this.addSpanAt([i, j, k]);
    }
  }

  private place(i: number, j: number, k: number): number {
    const { min } = this.box;
    return i - min[0] + this.size[0] * (j - min[1] + this.size[1] * (k - min[2]));
  }

  private isOpen(i: number, j: number, k: number): boolean {
    const { min } = this.scan.box;
    const hu = this.scan.hu[i - min[0] + this.scanSize[0] * (j - min[1] + this.scanSize[1] * (k - min[2]))]!;
    if (!(hu >= this.low && hu <= this.high)) return false;
    const index = i + this.grid.size[0] * (j + this.grid.size[1] * k);
    for (const bits of this.barriers) if (bitAt(bits, index)) return false;
    return true;
  }
}

/** The box around a voxel that reaches some mm along each axis: a bound for floods and seeds. */
export function boxAroundVoxel(grid: Grid, voxel: Vec3, radiusMm: number): Box {
  const reach = grid.spacingMm.map((spacing) => Math.ceil(radiusMm / spacing));
  return {
    min: [voxel[0] - reach[0]!, voxel[1] - reach[1]!, voxel[2] - reach[2]!],
    max: [voxel[0] + reach[0]! + 1, voxel[1] + reach[1]! + 1, voxel[2] + reach[2]! + 1],
  };
}
