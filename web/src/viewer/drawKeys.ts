/** What the canvases of a plane show: a canvas whose key is the same is not drawn again. */

import type { CtPart } from '../api/voxels';
import type { OpenTask } from '../task/openTask';
import type { PlaneView, Scene } from './planeView';

type Key = readonly unknown[];

/** Whether two keys are the same, part by part. */
export const isSame = (a: Key | undefined, b: Key): boolean =>
  a !== undefined && a.length === b.length && a.every((value, n) => value === b[n]);

/** The parts of a CT that are there, from below to above. */
export const partsOf = (task: OpenTask): readonly (readonly [string, CtPart | undefined])[] => [
  ['preview', task.preview],
  ['arriving', task.arriving],
  ['ct', task.ct],
];

/** What the picture shows: voxels, window, attention. */
export function pictureKey({ index, camera }: PlaneView, { task, view }: Scene): Key {
  const heat = view.hasHeat ? task.attention : undefined;
  return [
    index,
    camera,
    view.table,
    heat,
    ...partsOf(task).map(([, part]) => part),
    task.arriving && task.wholeShare,
  ];
}

/** What the masks show; what a tool previews changes without a key. */
export function maskKey({ index, camera }: PlaneView, { task, view, organs, paintTool }: Scene): Key {
  const {
    hasOutlines,
    hasFill,
    opacity,
    areMasksHidden,
    compareMode,
    other,
    isFlickered,
    swipeAt,
    readings,
  } = view;
  const versions = organs
    .map(({ organ, isActive }) => [organ, isActive, task.masks.version(organ)].join())
    .join(';');
  const shown = [
    hasOutlines,
    hasFill,
    opacity,
    areMasksHidden,
    compareMode,
    other,
    isFlickered,
    swipeAt,
    readings,
  ];
  return [index, camera, versions, [...view.hiddenOrgans].join(), paintTool && NaN, ...shown];
}

/** What the marks show: crosshair, hot spots, swipe line. */
export const markKey = ({ index, camera, ring }: PlaneView, { task, view, spot }: Scene): Key => [
  index,
  camera,
  task.cursor,
  spot,
  view.compareMode,
  view.other,
  view.swipeAt,
  ring,
];
