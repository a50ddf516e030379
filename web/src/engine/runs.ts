/**
 * Sets of voxels as sorted runs of linear indices.
 *
 * Runs are pairs `start, end` of one `Uint32Array`: rising, apart from each other, `end` not included.
 * Tools give what they select as runs, and the journal keeps changes as runs.
 */

import { type Box, type Vec3, boxSize, isEmptyBox } from './grid';

export type Runs = Uint32Array;

export const NO_RUNS: Runs = new Uint32Array(0);

/** Collects runs in rising order; a run that touches the last one is joined to it. */
export class RunBuilder {
  private pairs = new Uint32Array(64);
  private used = 0;

  /** Append the indices from `start` up to, but without, `end`; `start` must not be below the last start. */
  push(start: number, end: number): void {
    if (end <= start) return;
    const { used } = this;
    if (used > 0 && start <= this.pairs[used - 1]!) {
      this.pairs[used - 1] = Math.max(end, this.pairs[used - 1]!);
      return;
    }
    if (used === this.pairs.length) this.grow();
    this.pairs[used] = start;
    this.pairs[used + 1] = end;
    this.used = used + 2;
  }

  /** Give the runs so far. */
  runs(): Runs {
    return this.pairs.slice(0, this.used);
  }

  private grow(): void {
    const larger = new Uint32Array(this.pairs.length * 2);
    larger.set(this.pairs);
    this.pairs = larger;
  }
}

/** Number of voxels in runs. */
export function countVoxels(runs: Runs): number {
  let count = 0;
  for (let r = 0; r < runs.length; r += 2) count += runs[r + 1]! - runs[r]!;
  return count;
}

/** Runs of the voxels in `a`, in `b` or in both. */
export const unionRuns = (a: Runs, b: Runs): Runs => combine(a, b, (inA, inB) => inA || inB);

/** Runs of the voxels in both `a` and `b`. */
export const intersectRuns = (a: Runs, b: Runs): Runs => combine(a, b, (inA, inB) => inA && inB);

/** Runs of the voxels in `a` and not in `b`. */
export const subtractRuns = (a: Runs, b: Runs): Runs => combine(a, b, (inA, inB) => inA && !inB);

/** Runs of the voxels in exactly one of `a` and `b`. */
export const xorRuns = (a: Runs, b: Runs): Runs => combine(a, b, (inA, inB) => inA !== inB);

/** Sweep over the ends of both; an odd position is inside a run. */
function combine(a: Runs, b: Runs, keep: (inA: boolean, inB: boolean) => boolean): Runs {
  const result = new RunBuilder();
  let ia = 0;
  let ib = 0;
  let start = 0;
  let inside = false;
  while (ia < a.length || ib < b.length) {
    const nextA = ia < a.length ? a[ia]! : Infinity;
    const nextB = ib < b.length ? b[ib]! : Infinity;
    const at = Math.min(nextA, nextB);
    if (nextA === at) ia += 1;
    if (nextB === at) ib += 1;
    const now = keep((ia & 1) === 1, (ib & 1) === 1);
    if (now && !inside) start = at;
    if (!now && inside) result.push(start, at);
    inside = now;
  }
  return result.runs();
}

/** Sorted runs of `start, end` pairs in any order that may overlap. */
export function sortedRuns(pairs: readonly (readonly [number, number])[]): Runs {
  const result = new RunBuilder();
  for (const [start, end] of [...pairs].sort((a, b) => a[0] - b[0])) result.push(start, end);
  return result.runs();
}

/** Runs of many sets together. */
export function unionOfAll(sets: readonly Runs[]): Runs {
  if (sets.length < 3) return sets.reduce(unionRuns, NO_RUNS);
  const middle = sets.length >> 1;
  return unionRuns(unionOfAll(sets.slice(0, middle)), unionOfAll(sets.slice(middle)));
}

/** Call with the linear index of the first voxel of each row of a box, in rising order. */
export function forEachRow(size: Vec3, box: Box, row: (first: number, j: number, k: number) => void): void {
  for (let k = box.min[2]; k < box.max[2]; k += 1) {
    for (let j = box.min[1]; j < box.max[1]; j += 1) row(box.min[0] + size[0] * (j + size[1] * k), j, k);
  }
}

/** Runs of all voxels of a box. */
export function boxRuns(size: Vec3, box: Box): Runs {
  const result = new RunBuilder();
  if (isEmptyBox(box)) return NO_RUNS;
  const [width] = boxSize(box);
  forEachRow(size, box, (first) => result.push(first, first + width));
  return result.runs();
}

/** Call for each run cut at the ends of rows: its row's number and its first and last+1 coordinate in it. */
export function forEachRowPiece(
  size: Vec3,
  runs: Runs,
  piece: (row: number, from: number, to: number) => void,
): void {
  const [width] = size;
  for (let r = 0; r < runs.length; r += 2) {
    const end = runs[r + 1]!;
    for (let at = runs[r]!; at < end; ) {
      const row = Math.floor(at / width);
      const stop = Math.min(end, (row + 1) * width);
      piece(row, at - row * width, stop - row * width);
      at = stop;
    }
  }
}

/** The least box that has all voxels of runs; empty at the origin if there are none. */
export function boxOfRuns(size: Vec3, runs: Runs): Box {
  if (runs.length === 0) return { min: [0, 0, 0], max: [0, 0, 0] };
  const [min, max] = [
    [Infinity, Infinity, Infinity],
    [0, 0, 0],
  ];
  forEachRowPiece(size, runs, (row, from, to) => {
    const [j, k] = [row % size[1], Math.floor(row / size[1])];
    min[0] = Math.min(min[0]!, from);
    min[1] = Math.min(min[1]!, j);
    min[2] = Math.min(min[2]!, k);
    max[0] = Math.max(max[0]!, to);
    max[1] = Math.max(max[1]!, j + 1);
    max[2] = Math.max(max[2]!, k + 1);
  });
  return { min: [min[0]!, min[1]!, min[2]!], max: [max[0]!, max[1]!, max[2]!] };
}

/** Runs of the voxels of a set that are in a box. */
export function clipToBox(size: Vec3, runs: Runs, box: Box): Runs {
  const result = new RunBuilder();
  forEachRowPiece(size, runs, (row, from, to) => {
    const [j, k] = [row % size[1], Math.floor(row / size[1])];
    if (j < box.min[1] || j >= box.max[1] || k < box.min[2] || k >= box.max[2]) return;
    result.push(row * size[0] + Math.max(from, box.min[0]), row * size[0] + Math.min(to, box.max[0]));
  });
  return result.runs();
}

/** Whether a linear index is in runs. */
export function hasVoxel(runs: Runs, index: number): boolean {
  let [low, high] = [0, runs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (runs[middle]! <= index) low = middle + 1;
    else high = middle;
  }
  return (low & 1) === 1;
}
