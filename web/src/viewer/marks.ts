/** Marks above a plane: crosshair, the hot spot's box, the patient's sides, a scale, the swipe line. */

import type { HotSpot } from '../api/types';
import { toScreen } from '../geometry/camera';
import type { PlaneView, Ring, Scene } from './planeView';

const GAP_PIXELS = 10;
const SCALES_MM = [1, 2, 5, 10, 20, 50, 100, 200];
const LEAST_SCALE_PIXELS = 36;

/** Draw all marks; the context is in CSS pixels. */
export function drawMarks(context: CanvasRenderingContext2D, plane: PlaneView, scene: Scene): void {
  drawCrosshair(context, plane, scene);
  for (const spot of scene.task.spots) drawSpot(context, plane, spot, spot.number === scene.spot);
  if (scene.view.compareMode === 'swipe' && scene.view.other !== undefined) drawSwipe(context, plane, scene);
  drawLetters(context, plane);
  drawScale(context, plane);
  if (plane.ring !== undefined) drawRing(context, plane.ring);
}

function drawRing(context: CanvasRenderingContext2D, { x, y, radius }: Ring): void {
  for (const [colour, width] of [
    ['rgba(0, 0, 0, 0.6)', 3],
    ['#ffffff', 1],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
  }
}

function drawCrosshair(context: CanvasRenderingContext2D, plane: PlaneView, { task }: Scene): void {
  const [x, y] = toScreen(plane.axes, plane.projection, task.cursor);
  const { width, height } = plane.screen;
  context.strokeStyle = 'rgba(120, 200, 255, 0.55)';
  context.lineWidth = 1;
  context.beginPath();
  for (const [x0, y0, x1, y1] of [
    [0, y, x - GAP_PIXELS, y],
    [x + GAP_PIXELS, y, width, y],
    [x, 0, x, y - GAP_PIXELS],
    [x, y + GAP_PIXELS, x, height],
  ] as const) {
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
  }
  context.stroke();
}

function drawSpot(
  context: CanvasRenderingContext2D,
  plane: PlaneView,
  spot: HotSpot,
  isCurrent: boolean,
): void {
  const { across, right, down } = plane.axes;
  if (plane.index < spot.low_voxel[across] || plane.index > spot.high_voxel[across]) return;
  const p = plane.projection;
  const x = p.originX + (spot.low_voxel[right] - 0.5) * p.scaleRight;
  const y = p.originY + (spot.low_voxel[down] - 0.5) * p.scaleDown;
  const width = (spot.high_voxel[right] - spot.low_voxel[right] + 1) * p.scaleRight;
  const height = (spot.high_voxel[down] - spot.low_voxel[down] + 1) * p.scaleDown;
  context.setLineDash([5, 4]);
  context.lineWidth = isCurrent ? 1.5 : 1;
  context.strokeStyle = isCurrent ? '#ffd54a' : 'rgba(255, 213, 74, 0.45)';
  context.strokeRect(x, y, width, height);
  context.setLineDash([]);
}

function drawSwipe(context: CanvasRenderingContext2D, plane: PlaneView, { view }: Scene): void {
  const x = Math.round(view.swipeAt * plane.screen.width) + 0.5;
  context.strokeStyle = '#ffffff';
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x, 0);
  context.lineTo(x, plane.screen.height);
  context.stroke();
}

function text(context: CanvasRenderingContext2D, said: string, x: number, y: number): void {
  context.strokeStyle = 'rgba(0, 0, 0, 0.85)';
  context.lineWidth = 3;
  context.strokeText(said, x, y);
  context.fillStyle = '#e8eef4';
  context.fillText(said, x, y);
}

/** How much larger than at 13 px the page's text is. */
const textScale = (): number => parseFloat(getComputedStyle(document.documentElement).fontSize) / 13;

function drawLetters(context: CanvasRenderingContext2D, plane: PlaneView): void {
  const { width, height } = plane.screen;
  const { left, right, top, bottom } = plane.axes.letters;
  const scale = textScale();
  const inset = 12 * scale;
  context.font = `600 ${13 * scale}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  text(context, left, inset, height / 2);
  text(context, right, width - inset, height / 2);
  text(context, top, width / 2, inset);
  text(context, bottom, width / 2, height - inset);
}

function drawScale(context: CanvasRenderingContext2D, plane: PlaneView): void {
  const { pixelsPerMm } = plane.camera;
  const mm = SCALES_MM.find((length) => length * pixelsPerMm >= LEAST_SCALE_PIXELS) ?? 200;
  const [x, y] = [plane.screen.width - 16 - mm * pixelsPerMm, plane.screen.height - 14];
  context.strokeStyle = '#e8eef4';
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(x, y - 3);
  context.lineTo(x, y);
  context.lineTo(x + mm * pixelsPerMm, y);
  context.lineTo(x + mm * pixelsPerMm, y - 3);
  context.stroke();
  context.font = `${11 * textScale()}px system-ui, sans-serif`;
  context.textAlign = 'right';
  text(context, mm >= 10 ? `${mm / 10} cm` : `${mm} mm`, x - 5, y - 3);
}
