/** Lasso and polygon: an outline on a slice whose inside is added or removed. */

import { type Vec3, axesOfPlane, polygonInterior } from '../engine';
import { toScreen } from '../geometry/camera';
import type { Page } from '../page';
import type { PlaneView } from '../viewer/planeView';
import type { PlanePoint, PointerTool } from './tool';

const CLOSE_PIXELS = 8;
const LEAST_POINTS = 3;

/** Adds, or with Ctrl removes, what an outline encloses. */
export class OutlineTool implements PointerTool {
  private points: PlanePoint[] = [];
  private isDown = false;

  /** @param isPolygon Whether each click sets a corner; else the outline follows the pointer. */
  constructor(
    private readonly page: Page,
    private readonly isPolygon: boolean,
  ) {}

  down(point: PlanePoint): void {
    if (!this.page.mayEdit() || !this.page.isLoaded(point.voxel)) return;
    const [first] = this.points;
    if (first !== undefined && (first.plane !== point.plane || first.plane.index !== this.indexOf(first))) {
      this.points = [];
    }
    if (this.isPolygon && first !== undefined && this.isNear(first, point)) {
      this.finish();
      return;
    }
    this.isDown = true;
    this.points.push(point);
    this.page.redraw();
  }

  move(points: readonly PlanePoint[]): void {
    if (this.isPolygon || !this.isDown) return;
    this.points.push(...points);
    this.page.redrawPlane(points[0]!.plane);
  }

  up(): void {
    this.isDown = false;
    if (!this.isPolygon) this.finish();
  }

  cancel(): boolean {
    const hasBegun = this.points.length > 0;
    this.isDown = false;
    this.points = [];
    this.page.redraw();
    return hasBegun;
  }

  finish(): boolean {
    const { points } = this;
    this.points = [];
    const isShape = points.length >= LEAST_POINTS;
    if (isShape) this.fill(points);
    this.page.redraw();
    return isShape;
  }

  paint(context: CanvasRenderingContext2D, plane: PlaneView): void {
    if (this.points[0]?.plane !== plane) return;
    context.strokeStyle = '#ffffff';
    context.lineWidth = 1.25;
    context.beginPath();
    for (const { voxel } of this.points) context.lineTo(...toScreen(plane.axes, plane.projection, voxel));
    context.stroke();
    if (this.isPolygon) this.paintCorners(context, plane);
  }

  private paintCorners(context: CanvasRenderingContext2D, plane: PlaneView): void {
    context.fillStyle = '#ffffff';
    for (const { voxel } of this.points) {
      const [x, y] = toScreen(plane.axes, plane.projection, voxel);
      context.fillRect(x - 2.5, y - 2.5, 5, 5);
    }
  }

  private fill(points: readonly PlanePoint[]): void {
    const { plane, isInverted } = points[0]!;
    const task = this.page.task!;
    const [lower, higher] = axesOfPlane(plane.axes.across);
    const slice = { axis: plane.axes.across, index: this.indexOf(points[0]!) };
    const runs = polygonInterior(
      task.grid,
      slice,
      points.map(({ voxel }) => [voxel[lower], voxel[higher]]),
    );
    const edits = isInverted ? [{ organ: this.page.organ, remove: runs }] : this.page.editsToAdd(runs);
    this.page.noteDrawn(points[0]!);
    this.page.apply(this.isPolygon ? 'polygon' : 'lasso', edits);
  }

  private indexOf({ plane, voxel }: PlanePoint): number {
    return Math.round(voxel[plane.axes.across]);
  }

  private isNear(first: PlanePoint, point: PlanePoint): boolean {
    if (first.plane !== point.plane || this.points.length < LEAST_POINTS) return false;
    const at = (v: Vec3): readonly [number, number] => toScreen(first.plane.axes, first.plane.projection, v);
    const [a, b] = [at(first.voxel), at(point.voxel)];
    return Math.hypot(a[0] - b[0], a[1] - b[1]) <= CLOSE_PIXELS;
  }
}
