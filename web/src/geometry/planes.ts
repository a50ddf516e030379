/** Anatomical planes of a CT: which array axes a plane shows, in radiological convention. */

import type { Axis, Vec3 } from '../engine';

export type PlaneName = 'axial' | 'coronal' | 'sagittal';

export const PLANES: readonly PlaneName[] = ['axial', 'coronal', 'sagittal'];

/** How slices along one array axis lie on the screen. */
export interface PlaneAxes {
  readonly name: PlaneName;
  /** The array axis across the slices. */
  readonly across: Axis;
  /** The array axis that goes along the screen's rows, and whether its index falls to the right. */
  readonly right: Axis;
  readonly isRightFlipped: boolean;
  /** The array axis that goes down the screen, and whether its index falls downwards. */
  readonly down: Axis;
  readonly isDownFlipped: boolean;
  /** Letters of the patient's sides at the edges of the screen. */
  readonly letters: {
    readonly left: string;
    readonly right: string;
    readonly top: string;
    readonly bottom: string;
  };
}

const OPPOSITE: Readonly<Record<string, string>> = { L: 'R', R: 'L', A: 'P', P: 'A', S: 'I', I: 'S' };

/** The sides to which the screen's right and bottom point: the patient's left is on the right. */
const TARGETS: Readonly<Record<PlaneName, { right: string; down: string; across: string }>> = {
  axial: { right: 'L', down: 'P', across: 'S' },
  coronal: { right: 'L', down: 'I', across: 'A' },
  sagittal: { right: 'P', down: 'I', across: 'L' },
};

function axisOf(orientation: string, letter: string): Axis {
  const found = [...orientation].findIndex((one) => one === letter || one === OPPOSITE[letter]);
  return (found < 0 ? 0 : found) as Axis;
}

/**
 * Describe a plane of a CT.
 *
 * @param orientation To which side each array axis rises, such as `LAS`.
 */
export function planeAxes(orientation: string, name: PlaneName): PlaneAxes {
  const target = TARGETS[name];
  const right = axisOf(orientation, target.right);
  const down = axisOf(orientation, target.down);
  return {
    name,
    across: axisOf(orientation, target.across),
    right,
    isRightFlipped: orientation[right] !== target.right,
    down,
    isDownFlipped: orientation[down] !== target.down,
    letters: {
      left: OPPOSITE[target.right]!,
      right: target.right,
      top: OPPOSITE[target.down]!,
      bottom: target.down,
    },
  };
}

/** All three planes of a CT. */
export function planesOf(orientation: string): Readonly<Record<PlaneName, PlaneAxes>> {
  return {
    axial: planeAxes(orientation, 'axial'),
    coronal: planeAxes(orientation, 'coronal'),
    sagittal: planeAxes(orientation, 'sagittal'),
  };
}

/** World position in mm (RAS+) of voxel coordinates. */
export function mmOfVoxel(affine: readonly (readonly number[])[], [i, j, k]: Vec3): Vec3 {
  const row = (n: number): number =>
    affine[n]![0]! * i + affine[n]![1]! * j + affine[n]![2]! * k + affine[n]![3]!;
  return [row(0), row(1), row(2)];
}

/** Voxel coordinates, with fractions, of a world position in mm. */
export function voxelOfMm(affine: readonly (readonly number[])[], mm: Vec3): Vec3 {
  const column = (c: number): Vec3 => [affine[0]![c]!, affine[1]![c]!, affine[2]![c]!];
  const [x, y, z] = [column(0), column(1), column(2)];
  const origin = column(3);
  const point: Vec3 = [mm[0] - origin[0], mm[1] - origin[1], mm[2] - origin[2]];
  const volume = dot(x, cross(y, z));
  return [
    dot(point, cross(y, z)) / volume,
    dot(point, cross(z, x)) / volume,
    dot(point, cross(x, y)) / volume,
  ];
}

const dot = (a: Vec3, b: Vec3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

const cross = (a: Vec3, b: Vec3): Vec3 => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** The same vector with one coordinate changed. */
export function withCoordinate(v: Vec3, axis: Axis, value: number): Vec3 {
  return [axis === 0 ? value : v[0], axis === 1 ? value : v[1], axis === 2 ? value : v[2]];
}

/** The nearest voxel, within a CT. */
export const nearestVoxel = (size: Vec3, v: Vec3): Vec3 => [
  Math.min(size[0] - 1, Math.max(0, Math.round(v[0]))),
  Math.min(size[1] - 1, Math.max(0, Math.round(v[1]))),
  Math.min(size[2] - 1, Math.max(0, Math.round(v[2]))),
];
