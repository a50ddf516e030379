/**
 * Fill between slices: interpolate an outline from the slices in which it was drawn.
 *
 * Source: Raya and Udupa 1990, "Shape-based interpolation of multidimensional objects", IEEE TMI 9(1).
 */

import { type Bits, bytesOfBox, maskRuns, runsInBox } from './bits';
import { squaredDistances } from './distance';
import { EngineError } from './errors';
import {
  type Axis,
  type Box,
  type Grid,
  TOLERANCE_MM,
  boxSize,
  intersectBoxes,
  isEmptyBox,
  joinBoxes,
  padBox,
  sliceOfBox,
} from './grid';
import { type Runs, boxOfRuns, unionOfAll } from './runs';
import { type Steps, runAll } from './steps';

/** What the slices between the drawn ones should have, and the voxels for which this was computed. */
export interface Interpolated {
  readonly wanted: Runs;
  /** All voxels of the slices between; what the mask has there and is not wanted is to be removed. */
  readonly region: Box;
}

/** Two slices in which the mask is right, the lower one first. */
export type SlicePair = readonly [lower: number, upper: number];

/** The pairs of slices around each run of empty slices: where a reader has left slices out. */
export function emptyGaps(grid: Grid, mask: Bits, axis: Axis, within: Box): SlicePair[] {
  const pairs: SlicePair[] = [];
  let last: number | undefined;
  for (let index = within.min[axis]; index < within.max[axis]; index += 1) {
    if (maskRuns(grid.size, mask, sliceOfBox(within, { axis, index })).length === 0) continue;
    if (last !== undefined && index - last > 1) pairs.push([last, index]);
    last = index;
  }
  return pairs;
}

/** The pairs of slices that follow each other, of slices in any order. */
export function pairsOfSlices(slices: readonly number[]): SlicePair[] {
  const sorted = [...new Set(slices)].sort((a, b) => a - b);
  return sorted.slice(1).map((upper, n) => [sorted[n]!, upper]);
}

/**
 * Interpolate a mask between slices in which it is right.
 *
 * Between two of them the signed distances to the outline, in mm within the slice, change linearly; voxels
 * half-way between are outside. A slice in which the mask is empty says nothing about its neighbours, so the
 * gap beside it stays as it is.
 *
 * @param pairs Slices to fill between, from `emptyGaps` or `pairsOfSlices`.
 * @param within Voxels that are known.
 * @returns One result for each pair whose slices are apart and not empty.
 * @throws EngineError There is no pair.
 */
export function* fillBetween(
  grid: Grid,
  mask: Bits,
  axis: Axis,
  pairs: readonly SlicePair[],
  within: Box,
): Steps<Interpolated[]> {
  if (pairs.length === 0) {
    throw new EngineError('there are no slices to fill between; draw the organ in 2 slices that are apart');
  }
  const results: Interpolated[] = [];
  for (const [n, pair] of pairs.entries()) {
    const filled = fillGap(grid, mask, axis, pair, within);
    if (filled !== undefined) results.push(filled);
    yield (n + 1) / pairs.length;
  }
  return results;
}

function fillGap(
  grid: Grid,
  mask: Bits,
  axis: Axis,
  [lower, upper]: SlicePair,
  within: Box,
): Interpolated | undefined {
  const drawn = [lower, upper].map((index) => boxOfDrawn(grid, mask, sliceOfBox(within, { axis, index })));
  if (upper - lower < 2 || drawn.some(isEmptyBox)) return undefined;
  const frame = intersectBoxes(within, padBox(grid.size, joinBoxes(drawn[0]!, drawn[1]!), [1, 1, 1]));
  const [a, b] = [lower, upper].map((index) =>
    signedDistances(grid, mask, sliceOfBox(frame, { axis, index })),
  );
  const parts: Runs[] = [];
  for (let index = lower + 1; index < upper; index += 1) {
    const share = (index - lower) / (upper - lower);
    const isIn = (place: number): boolean => a![place]! * (1 - share) + b![place]! * share > TOLERANCE_MM;
    parts.push(runsInBox(grid.size, sliceOfBox(frame, { axis, index }), isIn));
  }
  return { wanted: unionOfAll(parts), region: between(within, axis, lower, upper) };
}

const boxOfDrawn = (grid: Grid, mask: Bits, slice: Box): Box =>
  boxOfRuns(grid.size, maskRuns(grid.size, mask, slice));

function between(within: Box, axis: Axis, lower: number, upper: number): Box {
  const min: [number, number, number] = [...within.min];
  const max: [number, number, number] = [...within.max];
  min[axis] = lower + 1;
  max[axis] = upper;
  return { min, max };
}

/** Distances in mm within a slice: positive inside the outline, negative outside. */
function signedDistances(grid: Grid, mask: Bits, slice: Box): Float32Array {
  const inside = bytesOfBox(grid.size, mask, slice);
  const outside = inside.map((byte) => 1 - byte);
  const [toInside, toOutside] = [inside, outside].map((set) =>
    runAll(squaredDistances(set, boxSize(slice), grid.spacingMm)),
  );
  return toInside!.map((outer, n) => Math.sqrt(toOutside![n]!) - Math.sqrt(outer));
}
