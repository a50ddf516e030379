/** Adapter to NiiVue, which renders the 3D view of an organ; nothing else of the page knows NiiVue. */

import { Niivue, SLICE_TYPE } from '@niivue/niivue';
import { type Box, type Vec3, boxSize, bytesOfBox, intersectBoxes, isEmptyBox, padBox } from '../engine';
import type { Page } from '../page';
import { niftiOfBox } from './nifti';

const MOST_VOXELS = 3e6;

let renderer: Promise<Niivue> | undefined;
let attachedTo: HTMLCanvasElement | undefined;

async function rendererOn(canvas: HTMLCanvasElement): Promise<Niivue> {
  if (renderer === undefined || attachedTo !== canvas) {
    attachedTo = canvas;
    renderer = attached(canvas);
  }
  return renderer;
}

async function attached(canvas: HTMLCanvasElement): Promise<Niivue> {
  const niivue = new Niivue({
    sliceType: SLICE_TYPE.RENDER,
    dragAndDropEnabled: false,
    show3Dcrosshair: false,
    isOrientCube: false,
    backColor: [0, 0, 0, 1],
    loadingText: '',
    logLevel: 'error',
  });
  await niivue.attachToCanvas(canvas);
  return niivue;
}

/** Render the organ's mask as it is now, in what is loaded. */
export async function showOrgan(canvas: HTMLCanvasElement, page: Page): Promise<void> {
  const { task, organ } = page;
  if (task === undefined) return;
  const { masks, detail } = task;
  const box = padBox(masks.size, intersectBoxes(masks.extent(organ), masks.loadedBox), [1, 1, 1]);
  if (isEmptyBox(box)) return;
  const { bytes, size, step } = thinned(bytesOfBox(masks.size, masks.bits(organ), box), box);
  const file = niftiOfBox({ affine: detail.geometry.affine, first: box.min, size, step }, bytes);
  const niivue = await rendererOn(canvas);
  for (const volume of [...niivue.volumes]) niivue.removeVolume(volume);
  await niivue.loadFromArrayBuffer(file, `${organ}.nii`);
}

/** Keep every few voxels, so that software rendering stays quick. */
function thinned(bytes: Uint8Array, box: Box): { bytes: Uint8Array; size: Vec3; step: number } {
  const whole = boxSize(box);
  const step = Math.max(1, Math.ceil(Math.cbrt(bytes.length / MOST_VOXELS)));
  const size: Vec3 = [Math.ceil(whole[0] / step), Math.ceil(whole[1] / step), Math.ceil(whole[2] / step)];
  const kept = new Uint8Array(size[0] * size[1] * size[2]);
  let at = 0;
  for (let k = 0; k < whole[2]; k += step) {
    for (let j = 0; j < whole[1]; j += step) {
      for (let i = 0; i < whole[0]; i += step, at += 1)
        kept[at] = 200 * bytes[i + whole[0] * (j + whole[1] * k)]!;
    }
  }
  return { bytes: kept, size, step };
}
