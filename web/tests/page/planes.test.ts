import { describe, expect, it } from 'vitest';
import type { Vec3 } from '../../src/engine';
import { mmOfVoxel, nearestVoxel, planeAxes, planesOf, voxelOfMm } from '../../src/geometry/planes';

const LETTERS: Readonly<Record<string, number>> = { L: -1, R: 1, P: -1, A: 1, I: -1, S: 1 };

/** All 48 ways in which array axes can lie. */
function allOrientations(): string[] {
  const pairs = ['LR', 'PA', 'IS'];
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];
  return orders.flatMap((order) =>
    [0, 1, 2, 3, 4, 5, 6, 7].map((signs) => order.map((pair, n) => pairs[pair]![(signs >> n) & 1]).join('')),
  );
}

/** The affine of an orientation with spacing 1, 2, 3 mm along the array axes. */
function affineOf(orientation: string): number[][] {
  const rows = [
    [0, 0, 0, 5],
    [0, 0, 0, -7],
    [0, 0, 0, 11],
    [0, 0, 0, 1],
  ];
  [...orientation].forEach((letter, axis) => {
    const row = 'LR'.includes(letter) ? 0 : 'PA'.includes(letter) ? 1 : 2;
    rows[row]![axis] = (axis + 1) * LETTERS[letter]!;
  });
  return rows;
}

/** Direction in mm in which the screen's right or bottom goes. */
function directionMm(orientation: string, axis: number, isFlipped: boolean): Vec3 {
  const step = [0, 0, 0];
  step[axis] = isFlipped ? -1 : 1;
  const affine = affineOf(orientation);
  const [from, to] = [mmOfVoxel(affine, [0, 0, 0]), mmOfVoxel(affine, step as unknown as Vec3)];
  return [Math.sign(to[0] - from[0]), Math.sign(to[1] - from[1]), Math.sign(to[2] - from[2])];
}

describe('planes', () => {
  it.each(allOrientations())('of %s are radiological', (orientation) => {
    const { axial, coronal, sagittal } = planesOf(orientation);
    for (const plane of [axial, coronal]) {
      expect(directionMm(orientation, plane.right, plane.isRightFlipped)).toEqual([-1, 0, 0]);
    }
    expect(directionMm(orientation, sagittal.right, sagittal.isRightFlipped)).toEqual([0, -1, 0]);
    expect(directionMm(orientation, axial.down, axial.isDownFlipped)).toEqual([0, -1, 0]);
    for (const plane of [coronal, sagittal]) {
      expect(directionMm(orientation, plane.down, plane.isDownFlipped)).toEqual([0, 0, -1]);
    }
  });

  it('show each array axis across exactly one plane', () => {
    for (const orientation of allOrientations()) {
      const planes = Object.values(planesOf(orientation));
      expect(planes.map(({ across }) => across).sort()).toEqual([0, 1, 2]);
      for (const { across, right, down } of planes) expect(new Set([across, right, down]).size).toBe(3);
    }
  });

  it('put the letter L on the right of an axial slice', () => {
    expect(planeAxes('RAS', 'axial').letters).toEqual({ left: 'R', right: 'L', top: 'A', bottom: 'P' });
    expect(planeAxes('PIR', 'sagittal').letters).toEqual({ left: 'A', right: 'P', top: 'S', bottom: 'I' });
  });
});

describe('positions in mm', () => {
  it('lead back to the voxel on an oblique grid', () => {
    const affine = [
      [0.7, 0.1, -0.2, 3],
      [-0.15, 0.8, 0.3, -20],
      [0.2, -0.25, 2.4, 100],
      [0, 0, 0, 1],
    ];
    const voxel: Vec3 = [12.25, 7.5, 31];
    const back = voxelOfMm(affine, mmOfVoxel(affine, voxel));
    back.forEach((value, axis) => expect(value).toBeCloseTo(voxel[axis]!, 9));
  });

  it('outside the CT are moved to its nearest voxel', () => {
    expect(nearestVoxel([10, 10, 5], [-3, 4.6, 9])).toEqual([0, 5, 4]);
  });
});
