/** Lasso and polygon: the voxels of slices whose centres lie inside a closed outline. */

import { EngineError } from './errors';
import { type Axis, type Grid, type Plane, type Vec3, axesOfPlane, indexOf } from './grid';
import { RunBuilder, type Runs, sortedRuns } from './runs';

/** A point in a slice: voxel coordinates on the lower and the higher of the slice's axes. */
export type Point2 = readonly [number, number];

/**
 * Select the voxels inside an outline; the last point is joined to the first.
 *
 * An outline that crosses itself holds every place that it winds around (the non-zero rule), so that a lasso
 * with a loop has no hole. Centres exactly on the outline count on its lower sides only.
 *
 * @param plane The first slice.
 * @param lastIndex The last slice, if the outline is to hold for several.
 * @throws EngineError There are fewer than three points.
 */
export function polygonInterior(
  grid: Grid,
  plane: Plane,
  points: readonly Point2[],
  lastIndex = plane.index,
): Runs {
  if (points.length < 3) {
    throw new EngineError(`an outline of ${points.length} points holds nothing; draw at least 3`);
  }
  const spans = spansOf(grid, plane.axis, points);
  const [from, to] = [Math.min(plane.index, lastIndex), Math.max(plane.index, lastIndex)];
  const pairs: [number, number][] = [];
  for (let index = Math.max(0, from); index <= Math.min(to, grid.size[plane.axis] - 1); index += 1) {
    for (const span of spans) pushSpan(pairs, grid.size, { axis: plane.axis, index }, span);
  }
  return pairs.length === 0 ? new RunBuilder().runs() : sortedRuns(pairs);
}

/** Voxels `from` up to, but without, `to` on the slice's lower axis, in line `v` of its higher one. */
interface Span {
  readonly v: number;
  readonly from: number;
  readonly to: number;
}

function spansOf({ size }: Grid, axis: Axis, points: readonly Point2[]): Span[] {
  const [lower, higher] = axesOfPlane(axis);
  const heights = points.map(([, v]) => v);
  const first = Math.max(0, Math.ceil(Math.min(...heights)));
  const last = Math.min(size[higher] - 1, Math.floor(Math.max(...heights)));
  const spans: Span[] = [];
  for (let v = first; v <= last; v += 1) spans.push(...spansOfLine(points, v, size[lower]));
  return spans;
}

function spansOfLine(points: readonly Point2[], v: number, width: number): Span[] {
  const crossings = crossingsOfLine(points, v).sort((a, b) => a.u - b.u);
  const spans: Span[] = [];
  let winding = 0;
  crossings.forEach(({ u, turn }, n) => {
    winding += turn;
    const next = crossings[n + 1];
    if (winding === 0 || next === undefined) return;
    const [from, to] = [Math.max(0, Math.ceil(u)), Math.min(width, Math.ceil(next.u))];
    if (to > from) spans.push({ v, from, to });
  });
  return spans;
}

/** Where the outline's edges cross a line, and whether they go up or down; an edge has its lower end only. */
function crossingsOfLine(points: readonly Point2[], v: number): { u: number; turn: number }[] {
  const crossings: { u: number; turn: number }[] = [];
  points.forEach(([u0, v0], n) => {
    const [u1, v1] = points[(n + 1) % points.length]!;
    if (v0 <= v === v1 <= v) return;
    crossings.push({ u: u0 + ((v - v0) * (u1 - u0)) / (v1 - v0), turn: v1 > v0 ? 1 : -1 });
  });
  return crossings;
}

function pushSpan(
  pairs: [number, number][],
  size: Vec3,
  { axis, index }: Plane,
  { v, from, to }: Span,
): void {
  const at = (u: number): number =>
    indexOf(size, axis === 0 ? [index, u, v] : axis === 1 ? [u, index, v] : [u, v, index]);
  if (axis !== 0) pairs.push([at(from), at(to - 1) + 1]);
  else for (let u = from; u < to; u += 1) pairs.push([at(u), at(u) + 1]);
}
