/** Slices of volumes as pixels: the image's rows are the plane's right axis, its columns the down axis. */

import type { Box, Plane, Vec3 } from '../engine';
import type { CtPart } from '../api/voxels';
import type { PlaneAxes } from '../geometry/planes';

/** Where the voxels of a slice lie in an array. */
interface SliceLayout {
  readonly width: number;
  readonly height: number;
  readonly first: number;
  readonly strideRight: number;
  readonly strideDown: number;
}

function layoutOf(size: Vec3, plane: PlaneAxes, index: number): SliceLayout {
  const strides: Vec3 = [1, size[0], size[0] * size[1]];
  return {
    width: size[plane.right],
    height: size[plane.down],
    first: index * strides[plane.across],
    strideRight: strides[plane.right],
    strideDown: strides[plane.down],
  };
}

/** A slice as an image, and the voxels that it covers. */
export interface SliceImage {
  readonly image: ImageData;
  /** Voxel coordinates of the image's first corner and its last, on the right and down axes. */
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
}

/** Coordinates of an image's edges: half a voxel before the first centre and after the last. */
function edgesOf(box: Box, step: Vec3, size: Vec3, plane: PlaneAxes): Pick<SliceImage, 'from' | 'to'> {
  const from = (axis: 0 | 1 | 2): number => box.min[axis] - 0.5;
  const to = (axis: 0 | 1 | 2): number => box.min[axis] - 0.5 + size[axis] * step[axis];
  return { from: [from(plane.right), from(plane.down)], to: [to(plane.right), to(plane.down)] };
}

/** Where a slice lies in a part of a CT; `undefined` if the part does not have it. */
function placeInPart({ box, step }: CtPart, across: 0 | 1 | 2, index: number): number | undefined {
  if (index < box.min[across] || index >= box.max[across]) return undefined;
  return Math.floor((index - box.min[across]) / step[across]);
}

/** The slice of a part of a CT in grey; `undefined` if the part does not have the slice. */
export function greySlice(
  part: CtPart,
  plane: PlaneAxes,
  index: number,
  table: Uint32Array,
): SliceImage | undefined {
  const place = placeInPart(part, plane.across, index);
  if (place === undefined) return undefined;
  const layout = layoutOf(part.size, plane, place);
  const image = new ImageData(layout.width, layout.height);
  const pixels = new Uint32Array(image.data.buffer);
  fillGrey(pixels, part.hu, layout, table);
  return { image, ...edgesOf(part.box, part.step, part.size, plane) };
}

function fillGrey(pixels: Uint32Array, hu: Int16Array, layout: SliceLayout, table: Uint32Array): void {
  const { width, height, first, strideRight, strideDown } = layout;
  let pixel = 0;
  for (let y = 0; y < height; y += 1) {
    let at = first + y * strideDown;
    for (let x = 0; x < width; x += 1, at += strideRight, pixel += 1) pixels[pixel] = table[hu[at]! + 32768]!;
  }
}

/** A slice of bytes in a box, coloured by a table of packed RGBA. */
export function colourSlice(
  values: Uint8Array,
  box: Box,
  plane: PlaneAxes,
  index: number,
  table: Uint32Array,
): SliceImage | undefined {
  if (index < box.min[plane.across] || index >= box.max[plane.across]) return undefined;
  const size: Vec3 = [box.max[0] - box.min[0], box.max[1] - box.min[1], box.max[2] - box.min[2]];
  const layout = layoutOf(size, plane, index - box.min[plane.across]);
  const image = new ImageData(layout.width, layout.height);
  const pixels = new Uint32Array(image.data.buffer);
  let pixel = 0;
  for (let y = 0; y < layout.height; y += 1) {
    let at = layout.first + y * layout.strideDown;
    for (let x = 0; x < layout.width; x += 1, at += layout.strideRight, pixel += 1) {
      pixels[pixel] = table[values[at]!]!;
    }
  }
  return { image, ...edgesOf(box, [1, 1, 1], size, plane) };
}

/** Value at a voxel; `undefined` where nothing is loaded. */
export function huAt({ box, step, size, hu }: CtPart, v: Vec3): number | undefined {
  if (v.some((value, axis) => value < box.min[axis]! || value >= box.max[axis]!)) return undefined;
  const at = v.map((value, axis) => Math.floor((value - box.min[axis]!) / step[axis]!));
  const value = hu[at[0]! + size[0] * (at[1]! + size[1] * at[2]!)];
  return value === -32768 ? undefined : value;
}

/** The slice of a plane by its array axis. */
export const sliceOf = (plane: PlaneAxes, index: number): Plane => ({ axis: plane.across, index });
