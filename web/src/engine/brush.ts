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
  return points.map(([i, j, k]) => [
    shape === 0 ? slice : i,
    shape === 1 ? slice : j,
    shape === 2 ? slice : k,
  ]);
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
  const rowTest = nearSegment(grid, a, b, brush.radiusMm);
  const low = box.min[0];
  forEachRow(grid.size, box, (first, j, k) => {
    const isNear = rowTest(j, k);
    let from = low;
    let to = box.max[0];
    while (from < to && !isNear(from)) from += 1;
    while (from < to && !isNear(to - 1)) to -= 1;
    result.push(first + from - low, first + to - low);
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

/** Test, row by row, of the distance in mm between voxel centres and a piece of line. */
function nearSegment(
  grid: Grid,
  a: Vec3,
  b: Vec3,
  radiusMm: number,
): (j: number, k: number) => (i: number) => boolean {
  const [a0, a1, a2] = a;
  const [dx, dy, dz] = [b[0] - a0, b[1] - a1, b[2] - a2];
  const [xx, yy, zz, xy, xz, yz] = grid.gram;
  const [alongX, alongY, alongZ] = [
    xx * dx + xy * dy + xz * dz,
    xy * dx + yy * dy + yz * dz,
    xz * dx + yz * dy + zz * dz,
  ];
  const perLength = 1 / (squaredMm(grid, dx, dy, dz) || 1);
  const limit = (radiusMm + TOLERANCE_MM) ** 2;
  return (j, k) => {
    const y = j - a1;
    const z = k - a2;
    const alongRow = alongY * y + alongZ * z;
    return (i) => {
      const x = i - a0;
      const t = Math.min(1, Math.max(0, (alongX * x + alongRow) * perLength));
      const u = x - t * dx;
      const v = y - t * dy;
      const w = z - t * dz;
      return xx * u * u + yy * v * v + zz * w * w + 2 * (xy * u * v + xz * u * w + yz * v * w) <= limit;
    };
  };
}
