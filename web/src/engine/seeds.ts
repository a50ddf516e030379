/**
 * Grow from seeds: organs and background compete for the voxels between their seeds.
 *
 * Each voxel goes to the seed with the cheapest path, where a step costs its length and its change of HU.
 * Source: Zhu et al. 2014, "An effective interactive medical image segmentation method using fast GrowCut",
 * MICCAI workshop on interactive medical image computing. Equal costs go to the seed that is named first.
 */

import { EngineError } from './errors';
import { type Box, type Grid, type Vec3, boxSize, intersectBoxes, isEmptyBox, voxelCount } from './grid';
import { runsInBox } from './bits';
import { type Runs, clipToBox, forEachRowPiece } from './runs';
import { type Band, type Scan, rowOfScan } from './scan';
import type { Steps } from './steps';

/** How seeds grow. */
export interface SeedGrowth {
  /** Seeds of each competitor, at most 255: organs, and background as one of them. */
  readonly seeds: readonly Runs[];
  /** Voxels that they compete for; memory limits it to `MOST_VOXELS`. */
  readonly box: Box;
  /** HU of voxels that can be reached, besides the seeds; all if it is not given. */
  readonly band?: Band;
  /** HU that a path of 1 mm costs; `HU_PER_MM` if it is not given. More makes rounder borders. */
  readonly huPerMm?: number;
}

/** Cost of 1 mm of path, in HU. */
export const HU_PER_MM = 2;
/** Largest box, in voxels: it takes 16 bytes a voxel. */
export const MOST_VOXELS = 16e6;

const COST_PER_HU = 4;
const MOST_HU_STEP = 1000;
const MOST_SEEDS = 255;
const VOXELS_PER_STEP = 20000;

/** Cost of a step between two neighbours, in quarters of a HU. */
export function stepCost(huA: number, huB: number, lengthMm: number, huPerMm: number): number {
  const change = Math.min(MOST_HU_STEP, Math.abs(huA - huB));
  return Math.round(COST_PER_HU * change) + Math.max(1, Math.round(COST_PER_HU * huPerMm * lengthMm));
}

/**
 * Grow seeds until they meet.
 *
 * @returns For each competitor the voxels that it wins, its seeds among them.
 * @throws EngineError There is no seed in the box, there are too many competitors, or the box is too large.
 */
export function* growFromSeeds(grid: Grid, scan: Scan, growth: SeedGrowth): Steps<Runs[]> {
  const box = intersectBoxes(scan.box, growth.box);
  checkGrowth(growth, box);
  const front = new Front(grid, scan, growth, box);
  while (front.advance(VOXELS_PER_STEP)) yield front.share;
  return growth.seeds.map((_, n) => runsInBox(grid.size, box, (place) => front.owner[place] === n + 1));
}

function checkGrowth({ seeds }: SeedGrowth, box: Box): void {
  if (seeds.length > MOST_SEEDS) {
    throw new EngineError(`${seeds.length} competitors; grow at most ${MOST_SEEDS} at once`);
  }
  if (isEmptyBox(box)) {
    throw new EngineError('the box to grow in is outside the CT that is loaded; choose it around the seeds');
  }
  if (voxelCount(boxSize(box)) > MOST_VOXELS) {
    throw new EngineError(
      `a box of ${boxSize(box).join(' x ')} voxels; choose one of at most ${MOST_VOXELS} voxels`,
    );
  }
}

/** Dijkstra's algorithm with a ring of buckets, as costs are small whole numbers. */
class Front {
  readonly owner: Uint8Array;
  private readonly size: Vec3;
  private readonly cost: Uint32Array;
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  private readonly isDone: Uint8Array;
  private readonly heads: Int32Array;
  private readonly stepMm: Vec3;
  private readonly hu: Int16Array | Float32Array;
  private now = 0;
  private waiting = 0;
  private done = 0;

  constructor(
    grid: Grid,
    scan: Scan,
    private readonly growth: SeedGrowth,
    box: Box,
  ) {
    this.size = boxSize(box);
    const voxels = voxelCount(this.size);
    this.hu = intensities(scan, box);
    this.owner = new Uint8Array(voxels);
    this.isDone = new Uint8Array(voxels);
    this.cost = new Uint32Array(voxels).fill(0xffffffff);
    this.next = new Int32Array(voxels);
    this.previous = new Int32Array(voxels);
    this.stepMm = grid.spacingMm;
    const huPerMm = growth.huPerMm ?? HU_PER_MM;
    this.heads = new Int32Array(stepCost(0, MOST_HU_STEP, Math.max(...this.stepMm), huPerMm) + 1).fill(-1);
    growth.seeds.forEach((runs, n) => this.plant(grid, box, runs, n + 1));
    if (this.waiting === 0)
      throw new EngineError('no seed lies in the box; draw seeds there or choose a larger box');
  }

  get share(): number {
    return this.done / this.owner.length;
  }

  /** Settle some voxels, cheapest first; false when none is left. */
  advance(voxels: number): boolean {
    for (let n = 0; n < voxels && this.waiting > 0; n += 1) this.settle(this.cheapest());
    return this.waiting > 0;
  }

  private plant({ size }: Grid, box: Box, runs: Runs, label: number): void {
    forEachRowPiece(size, clipToBox(size, runs, box), (row, from, to) => {
      const [j, k] = [(row % size[1]) - box.min[1], Math.floor(row / size[1]) - box.min[2]];
      const first = this.size[0] * (j + this.size[1] * k) - box.min[0];
      for (let i = from; i < to; i += 1) this.reach(first + i, label, 0);
    });
  }

  private cheapest(): number {
    const { heads } = this;
    while (heads[this.now % heads.length] === -1) this.now += 1;
    const place = heads[this.now % heads.length]!;
    this.unlink(place);
    return place;
  }

  private settle(place: number): void {
    this.isDone[place] = 1;
    this.done += 1;
    const width = this.size[0];
    const slice = width * this.size[1];
    const i = place % width;
    const inSlice = place % slice;
    if (i > 0) this.step(place, place - 1, this.stepMm[0]);
    if (i < width - 1) this.step(place, place + 1, this.stepMm[0]);
    if (inSlice >= width) this.step(place, place - width, this.stepMm[1]);
    if (inSlice < slice - width) this.step(place, place + width, this.stepMm[1]);
    if (place >= slice) this.step(place, place - slice, this.stepMm[2]);
    if (place < this.owner.length - slice) this.step(place, place + slice, this.stepMm[2]);
  }

  private step(from: number, to: number, lengthMm: number): void {
    const { band } = this.growth;
    const hu = this.hu[to]!;
    if (this.isDone[to] === 1 || (band !== undefined && !(hu >= band.low && hu <= band.high))) return;
    const huPerMm = this.growth.huPerMm ?? HU_PER_MM;
    const cost = this.cost[from]! + stepCost(this.hu[from]!, hu, lengthMm, huPerMm);
    this.reach(to, this.owner[from]!, cost);
  }

  private reach(place: number, label: number, cost: number): void {
    const known = this.cost[place]!;
    if (cost > known || (cost === known && this.owner[place]! <= label)) return;
    if (known !== 0xffffffff) this.unlink(place);
    this.cost[place] = cost;
    this.owner[place] = label;
    this.link(place, cost % this.heads.length);
  }

  private link(place: number, bucket: number): void {
    const head = this.heads[bucket]!;
    this.next[place] = head;
    this.previous[place] = -1;
    if (head !== -1) this.previous[head] = place;
    this.heads[bucket] = place;
    this.waiting += 1;
  }

  private unlink(place: number): void {
    const next = this.next[place]!;
    const previous = this.previous[place]!;
    if (next !== -1) this.previous[next] = previous;
    if (previous !== -1) this.next[previous] = next;
    else this.heads[this.cost[place]! % this.heads.length] = next;
    this.waiting -= 1;
  }
}

/** The intensities of a part of a scan. */
function intensities(scan: Scan, box: Box): Int16Array | Float32Array {
  const size = boxSize(box);
  const part = new (scan.hu instanceof Int16Array ? Int16Array : Float32Array)(voxelCount(size));
  let at = 0;
  for (let k = box.min[2]; k < box.max[2]; k += 1) {
    for (let j = box.min[1]; j < box.max[1]; j += 1) {
      const first = rowOfScan(scan, j, k) + box.min[0];
      part.set(scan.hu.subarray(first, first + size[0]), at);
      at += size[0];
    }
  }
  return part;
}
