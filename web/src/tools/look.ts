/** Tools that change no mask: the crosshair, the window, and distances. */

import { type Vec3, squaredMm } from '../engine';
import { toScreen } from '../geometry/camera';
import type { Page } from '../page';
import type { PlaneView } from '../viewer/planeView';
import { draggedWindow } from '../viewer/window';
import type { PlanePoint, PointerTool } from './tool';

/** Moves the crosshair to where the pointer is. */
export class LookTool implements PointerTool {
  private isDown = false;

  constructor(private readonly page: Page) {}

  down(point: PlanePoint): void {
    this.isDown = true;
    this.page.lookAt(point.voxel);
  }

  move(points: readonly PlanePoint[]): void {
    if (this.isDown) this.page.lookAt(points.at(-1)!.voxel);
  }

  up(): void {
    this.isDown = false;
  }

  cancel(): boolean {
    this.isDown = false;
    return false;
  }
}

/** Changes the window: sideways its width, up and down its level. */
export class WindowTool implements PointerTool {
  private last: readonly [number, number] | undefined;

  constructor(private readonly page: Page) {}

  down({ plane, voxel }: PlanePoint): void {
    this.last = toScreen(plane.axes, plane.projection, voxel);
  }

  move(points: readonly PlanePoint[]): void {
    const point = points.at(-1);
    if (this.last === undefined || point === undefined) return;
    const now = toScreen(point.plane.axes, point.plane.projection, point.voxel);
    const { view } = this.page;
    view.window = draggedWindow(view.window, now[0] - this.last[0], now[1] - this.last[1]);
    this.last = now;
    this.page.update();
  }

  up(): void {
    this.last = undefined;
  }

  cancel(): boolean {
    this.last = undefined;
    return false;
  }
}

/** Measures the distance between two places. */
export class DistanceTool implements PointerTool {
  private ends: { readonly plane: PlaneView; readonly from: Vec3; to: Vec3 } | undefined;
  private isDown = false;

  constructor(private readonly page: Page) {}

  down({ plane, voxel }: PlanePoint): void {
    this.isDown = true;
    this.ends = { plane, from: voxel, to: voxel };
    this.page.redraw();
  }

  move(points: readonly PlanePoint[]): void {
    if (!this.isDown || this.ends === undefined) return;
    this.ends.to = points.at(-1)!.voxel;
    this.page.redrawPlane(this.ends.plane);
  }

  up(): void {
    this.isDown = false;
    if (this.ends !== undefined) this.page.say(`Distance: ${this.millimetres().toFixed(1)} mm.`);
  }

  cancel(): boolean {
    const hasBegun = this.ends !== undefined;
    this.isDown = false;
    this.ends = undefined;
    this.page.redraw();
    return hasBegun;
  }

  paint(context: CanvasRenderingContext2D, plane: PlaneView): void {
    const { ends } = this;
    if (ends?.plane !== plane || Math.round(ends.from[plane.axes.across]) !== plane.index) return;
    const [from, to] = [ends.from, ends.to].map((v) => toScreen(plane.axes, plane.projection, v));
    context.strokeStyle = '#7ee0ff';
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(...from!);
    context.lineTo(...to!);
    context.stroke();
    context.font = '600 12px system-ui, sans-serif';
    context.textAlign = 'left';
    context.fillStyle = '#7ee0ff';
    context.fillText(`${this.millimetres().toFixed(1)} mm`, to![0] + 8, to![1] - 8);
  }

  private millimetres(): number {
    const { from, to } = this.ends!;
    return Math.sqrt(squaredMm(this.page.task!.grid, to[0] - from[0], to[1] - from[1], to[2] - from[2]));
  }
}
