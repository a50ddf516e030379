/** The part of a slice that a plane shows: from voxel coordinates to pixels on the screen, and back. */

import type { Vec3 } from '../engine';
import { type PlaneAxes, withCoordinate } from './planes';

/** What a plane looks at. */
export interface Camera {
  /** Voxel coordinate at the middle of the screen, on the plane's right and down axes. */
  readonly right: number;
  readonly down: number;
  readonly pixelsPerMm: number;
}

/** A rectangle on the screen, in CSS pixels. */
export interface Screen {
  readonly width: number;
  readonly height: number;
}

/** Maps between voxels of a plane and CSS pixels from the screen's upper left corner. */
export interface Projection {
  /** Pixels a voxel takes along the right and down axes, negative where the axis is flipped. */
  readonly scaleRight: number;
  readonly scaleDown: number;
  /** Pixel of voxel coordinate 0 on both axes. */
  readonly originX: number;
  readonly originY: number;
}

/** Compute how voxels of a plane map to pixels; voxel centres are at whole coordinates. */
export function project(plane: PlaneAxes, spacing: Vec3, camera: Camera, screen: Screen): Projection {
  const scaleRight = spacing[plane.right] * camera.pixelsPerMm * (plane.isRightFlipped ? -1 : 1);
  const scaleDown = spacing[plane.down] * camera.pixelsPerMm * (plane.isDownFlipped ? -1 : 1);
  return {
    scaleRight,
    scaleDown,
    originX: screen.width / 2 - camera.right * scaleRight,
    originY: screen.height / 2 - camera.down * scaleDown,
  };
}

/** Pixel of a voxel coordinate. */
export const toScreen = (plane: PlaneAxes, p: Projection, v: Vec3): readonly [number, number] => [
  p.originX + v[plane.right] * p.scaleRight,
  p.originY + v[plane.down] * p.scaleDown,
];

/** Voxel coordinate, with fractions, of a pixel, in a slice. */
export function toVoxel(plane: PlaneAxes, p: Projection, x: number, y: number, index: number): Vec3 {
  const flat = withCoordinate([0, 0, 0], plane.across, index);
  const withRight = withCoordinate(flat, plane.right, (x - p.originX) / p.scaleRight);
  return withCoordinate(withRight, plane.down, (y - p.originY) / p.scaleDown);
}

/** Fit the whole slice into the screen. */
export function fitCamera(plane: PlaneAxes, size: Vec3, spacing: Vec3, screen: Screen): Camera {
  const widthMm = size[plane.right] * spacing[plane.right];
  const heightMm = size[plane.down] * spacing[plane.down];
  return {
    right: (size[plane.right] - 1) / 2,
    down: (size[plane.down] - 1) / 2,
    pixelsPerMm: Math.max(0.01, Math.min(screen.width / widthMm, screen.height / heightMm)),
  };
}

const MOST_ZOOM = 60;
const LEAST_ZOOM = 0.1;

/** Zoom about a pixel, which stays where it is. */
export function zoomAt(
  plane: PlaneAxes,
  spacing: Vec3,
  { camera, screen }: { camera: Camera; screen: Screen },
  [x, y]: readonly [number, number],
  factor: number,
): Camera {
  const pixelsPerMm = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, camera.pixelsPerMm * factor));
  const before = project(plane, spacing, camera, screen);
  const at = toVoxel(plane, before, x, y, 0);
  const after = project(plane, spacing, { ...camera, pixelsPerMm }, screen);
  const moved = toVoxel(plane, after, x, y, 0);
  return {
    right: camera.right + at[plane.right] - moved[plane.right],
    down: camera.down + at[plane.down] - moved[plane.down],
    pixelsPerMm,
  };
}

/** Move the picture by pixels. */
export function panBy(plane: PlaneAxes, spacing: Vec3, camera: Camera, dx: number, dy: number): Camera {
  const p = project(plane, spacing, camera, { width: 0, height: 0 });
  return { ...camera, right: camera.right - dx / p.scaleRight, down: camera.down - dy / p.scaleDown };
}
