/** Write a small uncompressed NIfTI-1 file, for a renderer that takes nothing else. */

import type { Vec3 } from '../engine';

const HEADER_BYTES = 352;
const UINT8 = 2;
const SCANNER = 1;

/** Where the voxels of a file lie: every `step`-th voxel of a grid from `first` on. */
export interface FileGrid {
  readonly affine: readonly (readonly number[])[];
  readonly first: Vec3;
  readonly size: Vec3;
  readonly step: number;
}

/** A NIfTI file of bytes; the sform says where they lie. */
export function niftiOfBox({ affine, first, size, step }: FileGrid, bytes: Uint8Array): ArrayBuffer {
  const file = new ArrayBuffer(HEADER_BYTES + bytes.length);
  const view = new DataView(file);
  view.setInt32(0, 348, true);
  [3, ...size, 1, 1, 1, 1].forEach((n, at) => view.setInt16(40 + 2 * at, n, true));
  view.setInt16(70, UINT8, true);
  view.setInt16(72, 8, true);
  const spacing = [0, 1, 2].map((c) => step * Math.hypot(affine[0]![c]!, affine[1]![c]!, affine[2]![c]!));
  [1, ...spacing, 1, 1, 1, 1].forEach((mm, at) => view.setFloat32(76 + 4 * at, mm, true));
  view.setFloat32(108, HEADER_BYTES, true);
  view.setFloat32(112, 1, true);
  view.setUint8(123, 2);
  view.setInt16(254, SCANNER, true);
  writeAffine(view, affine, first, step);
  [0x6e, 0x2b, 0x31].forEach((byte, at) => view.setUint8(344 + at, byte));
  new Uint8Array(file, HEADER_BYTES).set(bytes);
  return file;
}

function writeAffine(view: DataView, affine: FileGrid['affine'], first: Vec3, step: number): void {
  for (let row = 0; row < 3; row += 1) {
    const of = affine[row]!;
    const origin = of[3]! + of[0]! * first[0] + of[1]! * first[1] + of[2]! * first[2];
    [of[0]! * step, of[1]! * step, of[2]! * step, origin].forEach((value, column) =>
      view.setFloat32(280 + 16 * row + 4 * column, value, true),
    );
  }
}
