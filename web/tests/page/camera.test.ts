import { describe, expect, it } from 'vitest';
import type { Vec3 } from '../../src/engine';
import { fitCamera, panBy, project, toScreen, toVoxel, zoomAt } from '../../src/geometry/camera';
import { PLANES, planesOf } from '../../src/geometry/planes';

const SPACING: Vec3 = [0.7, 0.9, 5];
const SIZE: Vec3 = [100, 80, 30];
const SCREEN = { width: 500, height: 420 };

describe.each(PLANES)('the %s plane', (name) => {
  const plane = planesOf('LPS')[name];
  const camera = fitCamera(plane, SIZE, SPACING, SCREEN);

  it('leads from a voxel to the screen and back', () => {
    const voxel: Vec3 = [33.5, 20.25, 11];
    const p = project(plane, SPACING, camera, SCREEN);
    const back = toVoxel(plane, p, ...toScreen(plane, p, voxel), voxel[plane.across]);
    back.forEach((value, axis) => expect(value).toBeCloseTo(voxel[axis]!, 9));
  });

  it('shows all of the slice once it is fitted, as large as the screen allows', () => {
    const p = project(plane, SPACING, camera, SCREEN);
    const ends = [[-0.5, -0.5, -0.5], SIZE.map((n) => n - 0.5)] as unknown as readonly [Vec3, Vec3];
    const corners = ends.map((end) => toScreen(plane, p, end));
    const [xs, ys] = [
      corners.map(([x]) => x).sort((a, b) => a - b),
      corners.map(([, y]) => y).sort((a, b) => a - b),
    ];
    expect(xs[0]).toBeGreaterThanOrEqual(-1e-9);
    expect(xs[1]).toBeLessThanOrEqual(SCREEN.width + 1e-9);
    expect(ys[0]).toBeGreaterThanOrEqual(-1e-9);
    expect(ys[1]).toBeLessThanOrEqual(SCREEN.height + 1e-9);
    const [width, height] = [xs[1]! - xs[0]!, ys[1]! - ys[0]!];
    expect(Math.max(width / SCREEN.width, height / SCREEN.height)).toBeCloseTo(1, 9);
  });

  it('has as many pixels a millimetre in both directions', () => {
    const p = project(plane, SPACING, camera, SCREEN);
    const right = Math.abs(p.scaleRight) / SPACING[plane.right];
    expect(Math.abs(p.scaleDown) / SPACING[plane.down]).toBeCloseTo(right, 12);
  });

  it('keeps the voxel under the pointer when it zooms', () => {
    const at = [123, 77] as const;
    const before = toVoxel(plane, project(plane, SPACING, camera, SCREEN), ...at, 3);
    const zoomed = zoomAt(plane, SPACING, { camera, screen: SCREEN }, at, 2.5);
    const after = toVoxel(plane, project(plane, SPACING, zoomed, SCREEN), ...at, 3);
    after.forEach((value, axis) => expect(value).toBeCloseTo(before[axis]!, 9));
  });

  it('moves by exactly the pixels of a drag', () => {
    const voxel: Vec3 = [10, 10, 10];
    const before = toScreen(plane, project(plane, SPACING, camera, SCREEN), voxel);
    const moved = panBy(plane, SPACING, camera, 14, -9);
    const after = toScreen(plane, project(plane, SPACING, moved, SCREEN), voxel);
    expect(after[0] - before[0]).toBeCloseTo(14, 9);
    expect(after[1] - before[1]).toBeCloseTo(-9, 9);
  });
});
