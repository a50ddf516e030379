/** Draw the readings of a task above each other: each as an outline, and what they have in common filled. */

import type { MaskSource } from '../task/maskSource';
import { drawMasks, fillOf, strokeOutline } from './drawMasks';
import type { DrawnOrgan, MaskLayer } from './maskLayer';
import type { PlaneView, Scene } from './planeView';

/** How a reading's outline is drawn, so that the colour-blind and a print without colours tell readings apart. */
export interface ReadingStyle {
  readonly colour: DrawnOrgan['colour'];
  /** Lengths of dashes and gaps in CSS pixels; none for a line without gaps. */
  readonly dash: readonly number[];
}

/**
 * Styles of readings by their order; every colour stays apart from the others in all kinds of colour blindness.
 *
 * Source: the palette of Okabe and Ito, 2008, "Color Universal Design".
 */
export const READING_STYLES: readonly [ReadingStyle, ...ReadingStyle[]] = [
  { colour: [86, 180, 233], dash: [] },
  { colour: [230, 159, 0], dash: [6, 4] },
  { colour: [240, 228, 66], dash: [2, 4] },
  { colour: [204, 121, 167], dash: [10, 3, 2, 3] },
];

/** The style of a reading by its place. */
export const styleOf = (place: number): ReadingStyle =>
  READING_STYLES[place % READING_STYLES.length] ?? READING_STYLES[0];

/** What the planes show of readings; another object for every change. */
export interface ReadingsView {
  readonly organ: string;
  /** In the order of their letters. */
  readonly readings: readonly MaskSource[];
  readonly common: MaskSource;
  /** Id of the one source that is shown, or `all`. */
  readonly shown: string;
  /** Whether a mask is edited, which is drawn below the outlines. */
  readonly hasEdit: boolean;
}

const COMMON_COLOUR = [235, 235, 235] as const;
const LINE_PIXELS = 2;
const UNDER_PIXELS = 4;

/** Draw the readings; the context is in voxel coordinates. */
export function drawReadings(
  context: CanvasRenderingContext2D,
  plane: PlaneView,
  layer: MaskLayer,
  scene: Scene,
  view: ReadingsView,
): void {
  if (scene.view.areMasksHidden) return;
  const { common, readings, shown, hasEdit, organ } = view;
  if (hasEdit) drawMasks(context, plane, layer, scene);
  const isShown = (source: MaskSource): boolean => shown === 'all' || shown === source.id;
  context.imageSmoothingEnabled = false;
  context.globalAlpha = scene.view.opacity * 0.8;
  if (!hasEdit && scene.view.hasFill && isShown(common)) {
    const pixels = layer.filled(common, organ, plane.index);
    if (pixels !== undefined)
      context.drawImage(fillOf(pixels, { colour: COMMON_COLOUR }), pixels.at[0], pixels.at[1]);
  }
  context.globalAlpha = 1;
  plane.inPixels(context);
  context.lineCap = 'butt';
  readings.forEach((source, place) => {
    if (isShown(source))
      drawReading(context, plane, layer.outline(source, organ, plane.index), styleOf(place));
  });
  context.setLineDash([]);
  plane.inVoxels(context);
}

/** Draw one outline above a dark one, which keeps it apart from bright tissue. */
function drawReading(
  context: CanvasRenderingContext2D,
  plane: PlaneView,
  outline: ReturnType<MaskLayer['outline']>,
  { colour, dash }: ReadingStyle,
): void {
  context.setLineDash([]);
  context.strokeStyle = 'rgba(0, 0, 0, 0.45)';
  context.lineWidth = UNDER_PIXELS;
  strokeOutline(context, plane, outline);
  context.setLineDash([...dash]);
  context.strokeStyle = `rgb(${colour.join(', ')})`;
  context.lineWidth = LINE_PIXELS;
  strokeOutline(context, plane, outline);
}
