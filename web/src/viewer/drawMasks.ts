/** Draw masks on a plane: filled, outlined, and compared with those of another source. */

import type { MaskSource } from '../task/maskSource';
import { type DrawnOrgan, type MaskLayer, type OrganPixels, colourPixels } from './maskLayer';
import type { PlaneView, Scene } from './planeView';

/** An organ that may be drawn. */
export interface OrganToDraw extends DrawnOrgan {
  readonly isActive: boolean;
}

const fills = new WeakMap<Uint8Array, HTMLCanvasElement>();

/** Draw all visible organs of the scene; the context is in voxel coordinates. */
export function drawMasks(
  context: CanvasRenderingContext2D,
  plane: PlaneView,
  layer: MaskLayer,
  scene: Scene,
): void {
  const { view, task } = scene;
  if (view.areMasksHidden) return;
  const { other } = view;
  if (other === undefined || view.compareMode === 'off')
    return drawSource(context, plane, layer, scene, task.masks);
  if (view.compareMode === 'flicker') {
    return drawSource(context, plane, layer, scene, view.isFlickered ? other : task.masks);
  }
  const split = view.swipeAt * plane.screen.width;
  clipped(context, plane, [0, split], () => drawSource(context, plane, layer, scene, task.masks));
  clipped(context, plane, [split, plane.screen.width], () => drawSource(context, plane, layer, scene, other));
}

function clipped(
  context: CanvasRenderingContext2D,
  plane: PlaneView,
  [from, to]: readonly [number, number],
  draw: () => void,
): void {
  context.save();
  plane.inPixels(context);
  context.beginPath();
  context.rect(from, 0, to - from, plane.screen.height);
  context.clip();
  plane.inVoxels(context);
  draw();
  context.restore();
}

function drawSource(
  context: CanvasRenderingContext2D,
  plane: PlaneView,
  layer: MaskLayer,
  scene: Scene,
  source: MaskSource,
): void {
  const { view } = scene;
  const organs = scene.organs.filter(({ organ }) => !view.hiddenOrgans.has(organ));
  context.imageSmoothingEnabled = false;
  for (const drawn of view.hasFill ? organs : []) {
    const pixels = layer.filled(source, drawn.organ, plane.index);
    if (pixels === undefined) continue;
    context.globalAlpha = view.opacity * (drawn.isActive ? 1 : 0.6);
    context.drawImage(fillOf(pixels, drawn), pixels.at[0], pixels.at[1]);
  }
  context.globalAlpha = 1;
  if (view.hasOutlines || !view.hasFill) drawOutlines(context, plane, layer, organs, source);
}

/** The filled pixels as a canvas, kept as long as the pixels are. */
export function fillOf(pixels: OrganPixels, { colour }: Pick<DrawnOrgan, 'colour'>): HTMLCanvasElement {
  const known = fills.get(pixels.bytes);
  if (known !== undefined) return known;
  const canvas = document.createElement('canvas');
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  canvas.getContext('2d', { willReadFrequently: true })!.putImageData(colourPixels(pixels, colour, 1), 0, 0);
  fills.set(pixels.bytes, canvas);
  return canvas;
}

function drawOutlines(
  context: CanvasRenderingContext2D,
  plane: PlaneView,
  layer: MaskLayer,
  organs: readonly OrganToDraw[],
  source: MaskSource,
): void {
  plane.inPixels(context);
  context.lineCap = 'square';
  for (const { organ, colour, isActive } of organs) {
    context.lineWidth = isActive ? 1.6 : 1;
    context.strokeStyle = cssOutline(colour);
    strokeOutline(context, plane, layer.outline(source, organ, plane.index));
  }
  plane.inVoxels(context);
}

/** Stroke an outline; the context is in CSS pixels. */
export function strokeOutline(
  context: CanvasRenderingContext2D,
  plane: PlaneView,
  { segments, at }: ReturnType<MaskLayer['outline']>,
): void {
  if (segments.length === 0) return;
  const p = plane.projection;
  context.beginPath();
  for (let n = 0; n < segments.length; n += 4) {
    context.moveTo(
      p.originX + (segments[n]! + at[0]) * p.scaleRight,
      p.originY + (segments[n + 1]! + at[1]) * p.scaleDown,
    );
    context.lineTo(
      p.originX + (segments[n + 2]! + at[0]) * p.scaleRight,
      p.originY + (segments[n + 3]! + at[1]) * p.scaleDown,
    );
  }
  context.stroke();
}

/** A lighter shade of the organ's colour: an outline has to be seen on dark and on bright tissue. */
function cssOutline([r, g, b]: DrawnOrgan['colour']): string {
  const light = (value: number): number => Math.round(value + (255 - value) * 0.35);
  return `rgb(${light(r)}, ${light(g)}, ${light(b)})`;
}
