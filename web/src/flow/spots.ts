/** From hot spot to hot spot. */

import type { HotSpot } from '../api/types';
import { PLANES } from '../geometry/planes';
import type { Page } from '../page';

const SPOT_MARGIN_MM = 45;
/** A plane shows at least this much around a hot spot: anatomy has to be recognised. */
const LEAST_VIEW_MM = 160;

/** Show a hot spot: the crosshair in its middle, the planes zoomed so that it and its surroundings are seen. */
export function showSpot(page: Page, spot: HotSpot): void {
  const { task } = page;
  if (task === undefined) return;
  page.spot = spot.number;
  const centre = task.voxelOfSpot(spot);
  page.lookAt(centre);
  for (const name of PLANES) {
    const plane = page.planes[name];
    const { right, down } = plane.axes;
    const { spacingMm } = task.grid;
    const extentMm = (axis: 0 | 1 | 2): number =>
      (spot.high_voxel[axis] - spot.low_voxel[axis] + 1) * spacingMm[axis];
    const viewMm = (axis: 0 | 1 | 2): number => Math.max(LEAST_VIEW_MM, extentMm(axis) + 2 * SPOT_MARGIN_MM);
    const { width, height } = plane.screen;
    plane.centre(centre);
    plane.camera = { ...plane.camera, pixelsPerMm: Math.min(width / viewMm(right), height / viewMm(down)) };
  }
  page.update();
}

/** Go to the next or the previous hot spot. */
export function stepSpot(page: Page, direction: 1 | -1): void {
  const spots = page.task?.spots ?? [];
  if (spots.length === 0) {
    page.say('This task has no hot spots; look at the whole organ.');
    return;
  }
  const now = spots.findIndex(({ number }) => number === page.spot);
  showSpot(page, spots[(now + direction + spots.length) % spots.length]!);
}

/** Mark the hot spot as looked at; true if another is left, which is shown. */
export function passSpot(page: Page): boolean {
  const { task } = page;
  if (task === undefined) return false;
  if (page.spot !== undefined) task.seenSpots.add(page.spot);
  const left = task.spots.find(({ number }) => !task.seenSpots.has(number));
  if (left === undefined) return false;
  showSpot(page, left);
  return true;
}
