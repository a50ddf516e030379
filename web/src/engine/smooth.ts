/** Smooth a mask: its border follows the half-way surface of a Gaussian filter. */

import { type Bits, boxOfBits, bytesOfBox, runsInBox } from './bits';
import { type Box, type Grid, type Vec3, boxSize, intersectBoxes, padBox } from './grid';
import type { Runs } from './runs';
import type { Steps } from './steps';

/** Standard deviations up to which the Gaussian is computed. */
export const GAUSSIAN_REACH = 3;

/** One half, less what rounding takes from it. */
const HALF = 0.5 - 1e-6;

/** What a smoothed mask has, and the voxels in which it was computed. */
export interface Smoothed {
  readonly wanted: Runs;
  readonly region: Box;
}

/**
 * Smooth a mask by a Gaussian filter whose result is cut at one half.
 *
 * At the sides of `within` the outermost voxels are repeated: an organ that the CT cuts keeps its cut side.
 *
 * @param sigmaMm Standard deviation of the Gaussian.
 * @param within Voxels that are known; to smooth a part of the mask, give a smaller box.
 */
export function* smoothed(grid: Grid, mask: Bits, sigmaMm: number, within: Box): Steps<Smoothed> {
  const kernels = grid.spacingMm.map((spacing) => gaussianKernel(sigmaMm / spacing));
  const reach = kernels.map((kernel) => kernel.length - 1);
  const own = boxOfBits(grid.size, mask, within);
  const region = intersectBoxes(within, padBox(grid.size, own, [reach[0]!, reach[1]!, reach[2]!]));
  const values = Float32Array.from(bytesOfBox(grid.size, mask, region));
  for (const axis of [0, 1, 2] as const) {
    yield* filterAxis(values, boxSize(region), axis, kernels[axis]!);
  }
  return { wanted: runsInBox(grid.size, region, (place) => values[place]! >= HALF), region };
}

/** Weights of a Gaussian at 0, 1, 2 ... voxels; the two sides together add up to 1. */
export function gaussianKernel(sigmaVoxels: number): Float64Array {
  const reach = Math.ceil(GAUSSIAN_REACH * sigmaVoxels);
  const kernel = Float64Array.from({ length: reach + 1 }, (_, n) =>
    n === 0 ? 1 : Math.exp((-n * n) / (2 * sigmaVoxels * sigmaVoxels)),
  );
  const sum = kernel.reduce((total, weight) => total + 2 * weight, -1);
  return kernel.map((weight) => weight / sum);
}

function* filterAxis(values: Float32Array, size: Vec3, axis: 0 | 1 | 2, kernel: Float64Array): Steps<void> {
  if (kernel.length === 1) return;
  const stride = axis === 0 ? 1 : axis === 1 ? size[0] : size[0] * size[1];
  const length = size[axis];
  const block = stride * length;
  const line = new Float64Array(length + 2 * (kernel.length - 1));
  for (let start = 0; start < values.length; start += block) {
    for (let first = start; first < start + stride; first += 1)
      filterLine(values, first, stride, length, line, kernel);
    yield (axis + start / values.length) / 3;
  }
}

function filterLine(
  values: Float32Array,
  first: number,
  stride: number,
  length: number,
  line: Float64Array,
  kernel: Float64Array,
): void {
  const reach = kernel.length - 1;
  for (let n = 0; n < line.length; n += 1) {
    line[n] = values[first + stride * Math.min(length - 1, Math.max(0, n - reach))]!;
  }
  let equal = 1;
  for (let n = 1; n < line.length; n += 1) {
    equal = line[n] === line[n - 1] ? equal + 1 : 1;
    const isUneven = equal <= 2 * reach;
    if (n >= 2 * reach)
      values[first + stride * (n - 2 * reach)] = isUneven ? weighted(line, n - reach, kernel) : line[n]!;
  }
}

/** Weighted sum around a place; far from the mask's border all values are equal and it is not needed. */
function weighted(line: Float64Array, at: number, kernel: Float64Array): number {
  let sum = kernel[0]! * line[at]!;
  for (let d = 1; d < kernel.length; d += 1) sum += kernel[d]! * (line[at - d]! + line[at + d]!);
  return sum;
}
