/**
 * The voxel grid of a CT: its size, its edges in mm, and boxes of voxels in it.
 *
 * Voxels lie in the CT's native order with the first axis fastest, as in a NIfTI file:
 * `index = i + size[0] * (j + size[1] * k)`. Voxel coordinates are integers at voxel centres.
 */

import { EngineError } from './errors';

export type Vec3 = readonly [number, number, number];
export type Axis = 0 | 1 | 2;

/** Voxels from `min` up to, but without, `max`. */
export interface Box {
  readonly min: Vec3;
  readonly max: Vec3;
}

/** One slice of the array: all voxels whose coordinate on `axis` is `index`. */
export interface Plane {
  readonly axis: Axis;
  readonly index: number;
}

/** Size of a CT in voxels and the geometry of one voxel. */
export interface Grid {
  readonly size: Vec3;
  /** Vector of a voxel's edge along each array axis, in mm. */
  readonly edges: readonly [Vec3, Vec3, Vec3];
  /** Lengths of the edges, in mm. */
  readonly spacingMm: Vec3;
  /** Products of the edges: `xx, yy, zz, xy, xz, yz`, in mm². */
  readonly gram: readonly [number, number, number, number, number, number];
  /** Whether two edges are not at right angles. */
  readonly isSheared: boolean;
  readonly voxelMl: number;
}

/** Distances that differ by less than this are equal, in mm: spacings are rounded in file headers. */
export const TOLERANCE_MM = 1e-4;

const MM3_PER_ML = 1000;
const MOST_VOXELS = 2 ** 32 - 1;
const RIGHT_ANGLE_COSINE = 1e-4;

const dot = (a: Vec3, b: Vec3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/**
 * Describe a CT's grid.
 *
 * @param size Voxels along each array axis.
 * @param edges Edge vectors in mm, that is, the first three columns of the affine.
 * @throws EngineError The size is not positive or too large, or a voxel has no volume.
 */
export function makeGrid(size: Vec3, edges: readonly [Vec3, Vec3, Vec3]): Grid {
  checkSize(size);
  const [x, y, z] = edges;
  const spacingMm: Vec3 = [Math.hypot(...x), Math.hypot(...y), Math.hypot(...z)];
  const gram = [dot(x, x), dot(y, y), dot(z, z), dot(x, y), dot(x, z), dot(y, z)] as const;
  const volume = Math.sqrt(Math.max(0, gramDeterminant(gram)));
  if (!(volume > 0)) {
    throw new EngineError(`voxel edges ${JSON.stringify(edges)} span no volume; check the CT's affine`);
  }
  const isSheared =
    Math.abs(gram[3]) > RIGHT_ANGLE_COSINE * spacingMm[0] * spacingMm[1] ||
    Math.abs(gram[4]) > RIGHT_ANGLE_COSINE * spacingMm[0] * spacingMm[2] ||
    Math.abs(gram[5]) > RIGHT_ANGLE_COSINE * spacingMm[1] * spacingMm[2];
  return { size, edges, spacingMm, gram, isSheared, voxelMl: volume / MM3_PER_ML };
}

/** Describe the grid of a CT from its affine, four rows of four numbers as nibabel has it. */
export function gridFromAffine(size: Vec3, affine: readonly (readonly number[])[]): Grid {
  const column = (c: number): Vec3 => [affine[0]![c]!, affine[1]![c]!, affine[2]![c]!];
  return makeGrid(size, [column(0), column(1), column(2)]);
}

function checkSize(size: Vec3): void {
  if (size.some((n) => !Number.isInteger(n) || n < 1) || size[0] * size[1] * size[2] > MOST_VOXELS) {
    throw new EngineError(
      `size ${size.join(' x ')}: each side must be a positive whole number, below 2^32 voxels in all`,
    );
  }
}

function gramDeterminant([xx, yy, zz, xy, xz, yz]: Grid['gram']): number {
  return xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz);
}

/** Number of voxels of a grid or box side by side. */
export const voxelCount = (size: Vec3): number => size[0] * size[1] * size[2];

/** Linear index of a voxel; the voxel must be inside. */
export const indexOf = (size: Vec3, [i, j, k]: Vec3): number => i + size[0] * (j + size[1] * k);

/** Voxel of a linear index. */
export function voxelAt(size: Vec3, index: number): Vec3 {
  const i = index % size[0];
  const row = (index - i) / size[0];
  return [i, row % size[1], Math.floor(row / size[1])];
}

/** Whether a voxel is in a box. */
export const isInside = (box: Box, v: Vec3): boolean =>
  v.every((value, axis) => value >= box.min[axis]! && value < box.max[axis]!);

/** Squared length in mm² of a difference of voxel coordinates. */
export function squaredMm({ gram }: Grid, dx: number, dy: number, dz: number): number {
  const [xx, yy, zz, xy, xz, yz] = gram;
  return xx * dx * dx + yy * dy * dy + zz * dz * dz + 2 * (xy * dx * dy + xz * dx * dz + yz * dy * dz);
}

/** Voxels that a ball of a radius in mm reaches from its centre along each axis, rounded up. */
export function ballReach(grid: Grid, radiusMm: number): Vec3 {
  const [xx, yy, zz, xy, xz, yz] = grid.gram;
  const determinant = gramDeterminant(grid.gram);
  const reach = (minor: number): number =>
    Math.ceil((radiusMm + TOLERANCE_MM) * Math.sqrt(minor / determinant));
  return [reach(yy * zz - yz * yz), reach(xx * zz - xz * xz), reach(xx * yy - xy * xy)];
}

/** All voxels of a grid. */
export const wholeBox = (size: Vec3): Box => ({ min: [0, 0, 0], max: size });

/** Voxels of a box along each axis. */
export const boxSize = ({ min, max }: Box): Vec3 => [
  Math.max(0, max[0] - min[0]),
  Math.max(0, max[1] - min[1]),
  Math.max(0, max[2] - min[2]),
];

/** Whether a box has no voxel. */
export const isEmptyBox = (box: Box): boolean => voxelCount(boxSize(box)) === 0;

/** The voxels of two boxes that are in both; empty if they do not meet. */
export function intersectBoxes(a: Box, b: Box): Box {
  const at = (axis: Axis): [number, number] => {
    const low = Math.max(a.min[axis], b.min[axis]);
    return [low, Math.max(low, Math.min(a.max[axis], b.max[axis]))];
  };
  const [x, y, z] = [at(0), at(1), at(2)];
  return { min: [x[0], y[0], z[0]], max: [x[1], y[1], z[1]] };
}

/** The least box with the voxels of both. */
export function joinBoxes(a: Box, b: Box): Box {
  if (isEmptyBox(a)) return b;
  if (isEmptyBox(b)) return a;
  const low = (axis: Axis): number => Math.min(a.min[axis], b.min[axis]);
  const high = (axis: Axis): number => Math.max(a.max[axis], b.max[axis]);
  return { min: [low(0), low(1), low(2)], max: [high(0), high(1), high(2)] };
}

/** A box made larger by some voxels on both ends of each axis, within the grid. */
export function padBox(size: Vec3, { min, max }: Box, by: Vec3): Box {
  const padded: Box = {
    min: [min[0] - by[0], min[1] - by[1], min[2] - by[2]],
    max: [max[0] + by[0], max[1] + by[1], max[2] + by[2]],
  };
  return intersectBoxes(padded, wholeBox(size));
}

/** The part of a box that lies in a plane. */
export function sliceOfBox(box: Box, { axis, index }: Plane): Box {
  const min: [number, number, number] = [...box.min];
  const max: [number, number, number] = [...box.max];
  min[axis] = index;
  max[axis] = index + 1;
  return intersectBoxes(box, { min, max });
}

/** The two axes of a plane, the lower one first. */
export function axesOfPlane(axis: Axis): readonly [Axis, Axis] {
  return axis === 0 ? [1, 2] : axis === 1 ? [0, 2] : [0, 1];
}
