/** Outlines of masks along the edges of voxels, sharp at any zoom. */

/** Ends of straight pieces, `x0, y0, x1, y1` each, in pixels of the image. */
export type Segments = Float32Array;

/**
 * Find the edges between voxels inside and outside a mask.
 *
 * @param bytes One byte a voxel, not 0 inside, rows first.
 */
export function outlineSegments(bytes: Uint8Array, width: number, height: number): Segments {
  const found: number[] = [];
  const isIn = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && bytes[x + y * width] !== 0;
  collectRows(found, isIn, width, height);
  collectColumns(found, isIn, width, height);
  return Float32Array.from(found);
}

type Inside = (x: number, y: number) => boolean;

function collectRows(found: number[], isIn: Inside, width: number, height: number): void {
  for (let y = 0; y <= height; y += 1) {
    let start = -1;
    for (let x = 0; x <= width; x += 1) {
      const isEdge = x < width && isIn(x, y - 1) !== isIn(x, y);
      if (isEdge && start < 0) start = x;
      if (isEdge || start < 0) continue;
      found.push(start, y, x, y);
      start = -1;
    }
  }
}

function collectColumns(found: number[], isIn: Inside, width: number, height: number): void {
  for (let x = 0; x <= width; x += 1) {
    let start = -1;
    for (let y = 0; y <= height; y += 1) {
      const isEdge = y < height && isIn(x - 1, y) !== isIn(x, y);
      if (isEdge && start < 0) start = y;
      if (isEdge || start < 0) continue;
      found.push(x, start, x, y);
      start = -1;
    }
  }
}
