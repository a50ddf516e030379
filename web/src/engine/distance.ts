/**
 * Exact Euclidean distances in mm on grids whose voxels are not cubes.
 *
 * Source: Felzenszwalb and Huttenlocher 2012, "Distance Transforms of Sampled Functions", Theory of
 * Computing 8, 415-428.
 */

import { EngineError } from './errors';
import { type Vec3, voxelCount } from './grid';
import type { Steps } from './steps';

/**
 * Compute each voxel's squared distance to the nearest voxel of a set, between centres.
 *
 * @param inSet One byte a voxel, the first axis fastest; not 0 means in the set.
 * @param size Voxels along each axis; 1 for an axis that does not count.
 * @param spacingMm Distance between neighbours along each axis, at right angles.
 * @returns mm² as float32; infinite everywhere if the set is empty.
 * @throws EngineError There are more or fewer bytes than voxels.
 */
export function* squaredDistances(inSet: Uint8Array, size: Vec3, spacingMm: Vec3): Steps<Float32Array> {
  if (inSet.length !== voxelCount(size)) {
    throw new EngineError(`${inSet.length} bytes for ${size.join(' x ')} voxels; give one byte a voxel`);
  }
  const result = new Float32Array(inSet.length);
  alongFirstAxis(inSet, result, size[0], spacingMm[0]);
  yield 1 / 3;
  yield* alongAxis(result, size, 1, spacingMm[1]);
  yield* alongAxis(result, size, 2, spacingMm[2]);
  return result;
}

/** In rows, the nearest voxel is the last one seen from the left or from the right. */
function alongFirstAxis(inSet: Uint8Array, result: Float32Array, width: number, spacing: number): void {
  for (let first = 0; first < inSet.length; first += width) {
    let steps = Infinity;
    for (let at = first; at < first + width; at += 1) {
      steps = inSet[at] !== 0 ? 0 : steps + 1;
      result[at] = steps;
    }
    steps = Infinity;
    for (let at = first + width - 1; at >= first; at -= 1) {
      steps = inSet[at] !== 0 ? 0 : steps + 1;
      const mm = Math.min(steps, result[at]!) * spacing;
      result[at] = mm * mm;
    }
  }
}

function* alongAxis(values: Float32Array, size: Vec3, axis: 1 | 2, spacing: number): Steps<void> {
  const length = size[axis];
  if (length === 1) return;
  const envelope = new Envelope(length, spacing * spacing);
  const stride = axis === 1 ? size[0] : size[0] * size[1];
  const outer = axis === 1 ? size[2] : size[1];
  const outerStride = axis === 1 ? size[0] * size[1] : size[0];
  for (let o = 0; o < outer; o += 1) {
    for (let i = 0; i < size[0]; i += 1) envelope.lower(values, o * outerStride + i, stride);
    yield (axis + o / outer) / 3;
  }
}

/** The lower envelope of parabolas, one for each voxel of a line. */
class Envelope {
  private readonly line: Float64Array;
  private readonly apex: Int32Array;
  private readonly from: Float64Array;

  constructor(
    private readonly length: number,
    private readonly step: number,
  ) {
    this.line = new Float64Array(length);
    this.apex = new Int32Array(length);
    this.from = new Float64Array(length + 1);
  }

  /** Replace a line's values by the least of value + squared distance over the line. */
  lower(values: Float32Array, first: number, stride: number): void {
    const count = this.build(values, first, stride);
    if (count === 0) return;
    let part = 0;
    for (let at = 0; at < this.length; at += 1) {
      while (part + 1 < count && this.from[part + 1]! < at) part += 1;
      const apex = this.apex[part]!;
      values[first + at * stride] = this.line[apex]! + this.step * (at - apex) ** 2;
    }
  }

  /** Find which parabolas are lowest somewhere, and from where on. */
  private build(values: Float32Array, first: number, stride: number): number {
    let count = 0;
    for (let at = 0; at < this.length; at += 1) {
      const value = values[first + at * stride]!;
      this.line[at] = value;
      if (value === Infinity) continue;
      let cross = -Infinity;
      while (count > 0) {
        cross = this.crossing(this.apex[count - 1]!, at);
        if (cross > this.from[count - 1]!) break;
        count -= 1;
        cross = -Infinity;
      }
      this.apex[count] = at;
      this.from[count] = cross;
      count += 1;
    }
    return count;
  }

  /** Where the parabola of a later voxel falls below that of an earlier one. */
  private crossing(earlier: number, later: number): number {
    const difference = this.line[later]! - this.line[earlier]!;
    return (difference / this.step + later * later - earlier * earlier) / (2 * (later - earlier));
  }
}
