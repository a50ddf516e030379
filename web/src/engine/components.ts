/** Connected pieces of a selection, found from its runs: small organs take little time on any CT. */

import { type Grid, type Vec3, indexOf } from './grid';
import { RunBuilder, type Runs, forEachRowPiece, hasVoxel } from './runs';

/** Which voxels touch: over faces (6), or over faces, edges and corners (26). */
export type Connectivity = 6 | 26;

interface RowPieces {
  /** Row number, from, to (not included) of each piece. */
  readonly pieces: number[];
  /** Place of each row's first piece, and of the one after its last. */
  readonly ofRow: Map<number, [number, number]>;
}

/** Split a selection into its connected pieces, the largest first. */
export function components({ size }: Grid, selection: Runs, connectivity: Connectivity): Runs[] {
  const rows = piecesByRow(size, selection);
  const parents = joinPieces(size, rows, connectivity);
  const built = new Map<number, { builder: RunBuilder; count: number }>();
  for (let p = 0; p < parents.length; p += 1) {
    const root = rootOf(parents, p);
    const entry = built.get(root) ?? { builder: new RunBuilder(), count: 0 };
    const [row, from, to] = [rows.pieces[3 * p]!, rows.pieces[3 * p + 1]!, rows.pieces[3 * p + 2]!];
    entry.builder.push(row * size[0] + from, row * size[0] + to);
    entry.count += to - from;
    built.set(root, entry);
  }
  return [...built.values()].sort((a, b) => b.count - a.count).map(({ builder }) => builder.runs());
}

/** The connected piece that has a voxel; `undefined` if the selection does not have it. */
export function componentAt(
  grid: Grid,
  selection: Runs,
  voxel: Vec3,
  connectivity: Connectivity,
): Runs | undefined {
  const index = indexOf(grid.size, voxel);
  return components(grid, selection, connectivity).find((piece) => hasVoxel(piece, index));
}

function piecesByRow(size: Vec3, selection: Runs): RowPieces {
  const pieces: number[] = [];
  const ofRow = new Map<number, [number, number]>();
  forEachRowPiece(size, selection, (row, from, to) => {
    const place = pieces.length / 3;
    const known = ofRow.get(row);
    if (known === undefined) ofRow.set(row, [place, place + 1]);
    else known[1] = place + 1;
    pieces.push(row, from, to);
  });
  return { pieces, ofRow };
}

function joinPieces(size: Vec3, rows: RowPieces, connectivity: Connectivity): Int32Array {
  const parents = Int32Array.from({ length: rows.pieces.length / 3 }, (_, p) => p);
  const earlier = earlierRows(size, connectivity);
  for (const [row, own] of rows.ofRow) {
    for (const other of earlier(row)) {
      const near = rows.ofRow.get(other);
      if (near !== undefined) joinRows(rows.pieces, parents, [own, near], connectivity === 26 ? 1 : 0);
    }
  }
  return parents;
}

/** The rows before one that touch it. */
function earlierRows([, height]: Vec3, connectivity: Connectivity): (row: number) => number[] {
  return (row) => {
    const j = row % height;
    const below = row - height;
    const near = [below];
    if (j > 0) near.push(row - 1);
    if (connectivity === 26 && j > 0) near.push(below - 1);
    if (connectivity === 26 && j < height - 1) near.push(below + 1);
    return near;
  };
}

/** Join the pieces of two rows that overlap, or that touch at a corner where `reach` is 1. */
function joinRows(
  pieces: number[],
  parents: Int32Array,
  [a, b]: readonly [readonly [number, number], readonly [number, number]],
  reach: number,
): void {
  let [p, q] = [a[0], b[0]];
  while (p < a[1] && q < b[1]) {
    const [fromP, toP] = [pieces[3 * p + 1]!, pieces[3 * p + 2]!];
    const [fromQ, toQ] = [pieces[3 * q + 1]!, pieces[3 * q + 2]!];
    if (fromP < toQ + reach && fromQ < toP + reach) join(parents, p, q);
    if (toP < toQ) p += 1;
    else q += 1;
  }
}

function join(parents: Int32Array, p: number, q: number): void {
  const [a, b] = [rootOf(parents, p), rootOf(parents, q)];
  parents[Math.max(a, b)] = Math.min(a, b);
}

function rootOf(parents: Int32Array, piece: number): number {
  let root = piece;
  while (parents[root]! !== root) {
    parents[root] = parents[parents[root]!]!;
    root = parents[root]!;
  }
  return root;
}
