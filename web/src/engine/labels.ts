/** Label maps for drawing: one value a voxel, where organs that are drawn later cover earlier ones. */

import { bytesOfBox } from './bits';
import { type Box, type Plane, boxSize, intersectBoxes, sliceOfBox, voxelCount, wholeBox } from './grid';
import type { ReadableMasks } from './masks';

/** An organ and its value in the label map, from 1 to 255. */
export type LabelOrder = readonly (readonly [organ: string, value: number])[];

/** Label map of a box, the first axis fastest. */
export function labelsOfBox(masks: ReadableMasks, box: Box, order: LabelOrder): Uint8Array {
  const labels = new Uint8Array(voxelCount(boxSize(box)));
  for (const [organ, value] of order) {
    const bytes = bytesOfBox(masks.grid.size, masks.bits(organ), box);
    for (let v = 0; v < bytes.length; v += 1) if (bytes[v] === 1) labels[v] = value;
  }
  return labels;
}

/** Label map of a slice, or of the part of it in a box; the lower of its two axes is the fastest. */
export function labelsOfPlane(masks: ReadableMasks, plane: Plane, order: LabelOrder, box?: Box): Uint8Array {
  const whole = wholeBox(masks.grid.size);
  return labelsOfBox(masks, sliceOfBox(box === undefined ? whole : intersectBoxes(box, whole), plane), order);
}
