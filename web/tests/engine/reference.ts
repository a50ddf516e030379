/** Naive counterparts of the tools: they look at every voxel and measure between places in mm. */

import {
  type Box,
  type Grid,
  type Runs,
  type Vec3,
  isInside,
  makeGrid,
  sortedRuns,
  voxelAt,
  voxelCount,
} from '../../src/engine';

/** Random numbers in [0, 1) that a seed repeats (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Whole random number from 0 up to, but without, `end`. */
export const below = (random: () => number, end: number): number => Math.floor(random() * end);

export const GRIDS: Readonly<Record<string, Grid>> = {
  'thick slices of 5 mm': makeGrid(
    [13, 11, 7],
    [
      [0.7, 0, 0],
      [0, 0.7, 0],
      [0, 0, 5],
    ],
  ),
  'cubes of 1 mm': makeGrid(
    [9, 10, 11],
    [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  ),
  'an oblique CT with flipped axes': makeGrid(
    [10, 8, 9],
    [
      [-0.6, -0.8, 0],
      [0.64, -0.48, 0.6],
      [-0.9, 0.675, 1.5],
    ],
  ),
  'one slice': makeGrid(
    [15, 9, 1],
    [
      [0.9, 0, 0],
      [0, 0.9, 0],
      [0, 0, 3],
    ],
  ),
};

/** A CT with a tilted gantry: the third edge is not at right angles to the second. */
export const SHEARED = makeGrid(
  [9, 10, 8],
  [
    [0.8, 0, 0],
    [0, 0.8, 0],
    [0, 0.7, 2],
  ],
);

/** Place of a voxel in mm, from the affine's columns. */
export function placeMm({ edges }: Grid, v: readonly number[]): [number, number, number] {
  const along = (row: number): number =>
    v[0]! * edges[0][row]! + v[1]! * edges[1][row]! + v[2]! * edges[2][row]!;
  return [along(0), along(1), along(2)];
}

/** Distance between two voxels in mm. */
export function distanceMm(grid: Grid, a: readonly number[], b: readonly number[]): number {
  const [p, q] = [placeMm(grid, a), placeMm(grid, b)];
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

/** All voxels of a grid, in order. */
export function allVoxels(grid: Grid): Vec3[] {
  return Array.from({ length: voxelCount(grid.size) }, (_, index) => voxelAt(grid.size, index));
}

/** Indices of the voxels for which a test holds. */
export function indicesWhere(grid: Grid, isIn: (voxel: Vec3, index: number) => boolean): number[] {
  return allVoxels(grid).flatMap((voxel, index) => (isIn(voxel, index) ? [index] : []));
}

/** Indices of runs, one by one. */
export function indicesOf(runs: Runs): number[] {
  const indices: number[] = [];
  for (let r = 0; r < runs.length; r += 2)
    for (let at = runs[r]!; at < runs[r + 1]!; at += 1) indices.push(at);
  return indices;
}

/** Runs of some indices. */
export const runsOf = (indices: Iterable<number>): Runs => sortedRuns([...indices].map((at) => [at, at + 1]));

/** A random box with a voxel at least. */
export function randomBox(random: () => number, size: Vec3): Box {
  const ends = size.map((n) => {
    const [a, b] = [below(random, n), below(random, n)];
    return [Math.min(a, b), Math.max(a, b) + 1] as const;
  });
  return { min: [ends[0]![0], ends[1]![0], ends[2]![0]], max: [ends[0]![1], ends[1]![1], ends[2]![1]] };
}

/** A random selection: boxes and single voxels. */
export function randomRuns(random: () => number, grid: Grid, boxes = 2, dots = 6): Runs {
  const areas = Array.from({ length: boxes }, () => randomBox(random, grid.size));
  const singles = new Set(Array.from({ length: dots }, () => below(random, voxelCount(grid.size))));
  return runsOf(
    indicesWhere(grid, (voxel, index) => singles.has(index) || areas.some((box) => isInside(box, voxel))),
  );
}

/** Voxels that touch a voxel, over faces or also over edges and corners, in a grid. */
export function neighbours(grid: Grid, voxel: Vec3, connectivity: 6 | 26): Vec3[] {
  const found: Vec3[] = [];
  for (const dx of [-1, 0, 1])
    for (const dy of [-1, 0, 1])
      for (const dz of [-1, 0, 1]) {
        const steps = Math.abs(dx) + Math.abs(dy) + Math.abs(dz);
        const near: Vec3 = [voxel[0] + dx, voxel[1] + dy, voxel[2] + dz];
        const touches = connectivity === 6 ? steps === 1 : steps > 0;
        if (touches && near.every((n, axis) => n >= 0 && n < grid.size[axis]!)) found.push(near);
      }
  return found;
}

/** Split indices into connected pieces by walking from voxel to voxel. */
export function pieces(grid: Grid, indices: readonly number[], connectivity: 6 | 26): Set<number>[] {
  const left = new Set(indices);
  const found: Set<number>[] = [];
  for (const start of indices) {
    if (!left.delete(start)) continue;
    const piece = new Set([start]);
    for (const at of piece) {
      for (const [i, j, k] of neighbours(grid, voxelAt(grid.size, at), connectivity)) {
        const index = i + grid.size[0] * (j + grid.size[1] * k);
        if (left.delete(index)) piece.add(index);
      }
    }
    found.push(piece);
  }
  return found;
}

/** A CT of noise between two HU. */
export function randomHu(random: () => number, grid: Grid, low = -100, high = 100): Int16Array {
  return Int16Array.from({ length: voxelCount(grid.size) }, () => low + below(random, high - low));
}
