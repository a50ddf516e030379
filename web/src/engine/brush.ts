/** Brushes: a disc in a slice or a ball, drawn along a line without gaps. */

import {
  type Axis,
  type Box,
  type Grid,
  type Vec3,
  TOLERANCE_MM,
  ballReach,
  indexOf,
  intersectBoxes,
  isInside,
  squaredMm,
  wholeBox,
} from './grid';
import { RunBuilder, type Runs, forEachRow, sortedRuns, unionOfAll, unionRuns } from './runs';

/** A ball, or the disc in the slices across one array axis. */
export type BrushShape = 'ball' | Axis;

/** How a brush draws. */
export interface Brush {
  readonly shape: BrushShape;
  /** Distance in mm from the line up to which voxel centres are drawn; 0 draws a line one voxel wide. */
  readonly radiusMm: number;
}

/**
 * Select the voxels of a stroke.
 *
 * A voxel is selected if its centre is no further than the radius from the line through the points, or if
 * the line of nearest voxels between two points has it. A disc stays in the slice of the first point.
 *
 * @param points Voxel coordinates along the stroke, also between centres; one point draws a dot.
 * @returns The voxels inside the grid.
 */
export function brushStroke(grid: Grid, points: readonly Vec3[], brush: Brush): Runs {
  const flat = flattened(points, brush.shape);
  const first = flat[0];
  if (first === undefined) return new Uint32Array(0);
  const ends = flat.length === 1 ? [first, first] : flat;
  return unionOfAll(ends.slice(1).map((end, n) => segment(grid, ends[n]!, end, brush)));
}

/** Points of a disc all lie in the middle of the first point's slice. */
function flattened(points: readonly Vec3[], shape: BrushShape): readonly Vec3[] {
  if (shape === 'ball') return points;
  const slice = Math.round(points[0]?.[shape] ?? 0);
  return points.map(([i, j, k]) => [shape === 0 ? slice : i, shape === 1 ? slice : j, shape === 2 ? slice : k]);
}

function segment(grid: Grid, a: Vec3, b: Vec3, brush: Brush): Runs {
  return unionRuns(lineOfVoxels(grid, a, b), capsule(grid, a, b, brush));
}

/** Nearest voxels along a line, in steps of at most one voxel. */
function lineOfVoxels({ size }: Grid, a: Vec3, b: Vec3): Runs {
  const [p, q] = [a.map(Math.round), b.map(Math.round)];
  const delta = p.map((from, axis) => q[axis]! - from);
  const steps = Math.max(1, ...delta.map(Math.abs));
  const pairs: [number, number][] = [];
  for (let s = 0; s <= steps; s += 1) {
    const at = (axis: Axis): number => p[axis]! + Math.round((delta[axis]! * s) / steps);
    const voxel: Vec3 = [at(0), at(1), at(2)];
    if (isInside(wholeBox(size), voxel)) pairs.push([indexOf(size, voxel), indexOf(size, voxel) + 1]);
  }
  return sortedRuns(pairs);
}

/** Voxels no further from a piece of line than the radius. */
function capsule(grid: Grid, a: Vec3, b: Vec3, brush: Brush): Runs {
  const result = new RunBuilder();
  const box = boxAround(grid, a, b, brush);
  const isNear = nearSegment(grid, a, b, brush.radiusMm);
  forEachRow(grid.size, box, (first, j, k) => {
    let [from, to] = [box.min[0], box.max[0]];
    while (from < to && !isNear(from, j, k)) from += 1;
    while (from < to && !isNear(to - 1, j, k)) to -= 1;
    result.push(first + from - box.min[0], first + to - box.min[0]);
  });
  return result.runs();
}

function boxAround(grid: Grid, a: Vec3, b: Vec3, { shape, radiusMm }: Brush): Box {
  const reach = ballReach(grid, radiusMm);
  const low = (axis: Axis): number =>
    shape === axis ? a[axis] : Math.floor(Math.min(a[axis], b[axis]) - reach[axis]);
  const high = (axis: Axis): number =>
    shape === axis ? a[axis] + 1 : Math.ceil(Math.max(a[axis], b[axis]) + reach[axis]) + 1;
  const box: Box = { min: [low(0), low(1), low(2)], max: [high(0), high(1), high(2)] };
  return intersectBoxes(box, wholeBox(grid.size));
}

/** Test of the distance in mm between a voxel's centre and a piece of line. */
function nearSegment(grid: Grid, a: Vec3, b: Vec3, radiusMm: number): (i: number, j: number, k: number) => boolean {
  const [dx, dy, dz] = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
  const [xx, yy, zz, xy, xz, yz] = grid.gram;
  const along: Vec3 = [xx * dx + xy * dy + xz * dz, xy * dx + yy * dy + yz * dz, xz * dx + yz * dy + zz * dz];
  const lengthSquared = squaredMm(grid, dx, dy, dz);
  const limit = (radiusMm + TOLERANCE_MM) ** 2;
  return (i, j, k) => {
    const [x, y, z] = [i - a[0], j - a[1], k - a[2]];
    const part = lengthSquared === 0 ? 0 : (along[0] * x + along[1] * y + along[2] * z) / lengthSquared;
    const t = Math.min(1, Math.max(0, part));
    return squaredMm(grid, x - t * dx, y - t * dy, z - t * dz) <= limit;
  };
}
