/** Pointers on a plane: tools, pan, zoom, window and slices, by mouse, pen or touch. */

import { stepSlice } from '../commands';
import { panBy, zoomAt } from '../geometry/camera';
import type { Page } from '../page';
import type { PlanePoint } from '../tools/tool';
import type { ToolId } from '../tools/toolbox';
import type { PlaneView, Ring } from './planeView';
import { draggedWindow } from './window';

type Drag = 'tool' | 'look' | 'pan' | 'window' | 'swipe' | 'pinch';

const WHEEL_ZOOM = 0.0016;
const WHEEL_LINES = 40;
const SWIPE_PIXELS = 8;
const ERASER_BUTTON = 32;
const BRUSHES: ReadonlySet<ToolId> = new Set<ToolId>(['brush', 'eraser', 'threshold-brush']);

/** Takes the pointers of one plane. */
export class Gestures {
  private readonly pointers = new Map<number, PointerEvent>();
  private drag: Drag | undefined;
  private wheelRest = 0;

  constructor(
    private readonly page: Page,
    private readonly plane: PlaneView,
  ) {
    const { surface } = plane;
    surface.addEventListener('pointerdown', (event) => this.down(event));
    surface.addEventListener('pointermove', (event) => this.move(event));
    surface.addEventListener('pointerup', (event) => this.up(event));
    surface.addEventListener('pointercancel', (event) => this.lost(event));
    surface.addEventListener('pointerleave', () => this.leave());
    surface.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    surface.addEventListener('contextmenu', (event) => event.preventDefault());
    surface.addEventListener('dblclick', () => this.page.tool.finish?.());
    surface.addEventListener('focus', () => (this.page.focused = this.plane));
  }

  private down(event: PointerEvent): void {
    const { page, plane } = this;
    if (page.task === undefined) return;
    plane.surface.focus({ preventScroll: true });
    plane.surface.setPointerCapture(event.pointerId);
    page.focused = plane;
    page.isPointerDown = true;
    page.activity.touch();
    this.pointers.set(event.pointerId, event);
    if (this.pointers.size === 2) return this.beginPinch();
    this.drag = this.dragOf(event);
    if (this.drag === 'tool') this.guarded(() => page.tool.down(this.pointOf(event)));
    else if (this.drag === 'look') page.lookAt(this.pointOf(event).voxel);
  }

  private dragOf(event: PointerEvent): Drag {
    if (event.pointerType === 'mouse' && event.button === 1) return 'pan';
    if (event.pointerType === 'mouse' && event.button === 2) return 'window';
    if (event.altKey) return 'pan';
    if (event.shiftKey) return 'look';
    return this.isOnSwipeLine(event) ? 'swipe' : 'tool';
  }

  private isOnSwipeLine(event: PointerEvent): boolean {
    const { view } = this.page;
    if (view.compareMode !== 'swipe') return false;
    return Math.abs(event.offsetX - view.swipeAt * this.plane.screen.width) <= SWIPE_PIXELS;
  }

  private move(event: PointerEvent): void {
    const { page } = this;
    if (page.task === undefined) return;
    this.point(event);
    const before = this.pointers.get(event.pointerId);
    if (before === undefined) return;
    page.activity.touch();
    if (this.drag === 'pinch') this.pinch(event);
    this.pointers.set(event.pointerId, event);
    if (this.drag === 'tool') {
      const events = event.getCoalescedEvents?.() ?? [];
      const points = (events.length > 0 ? events : [event]).map((one) => this.pointOf(one));
      this.guarded(() => page.tool.move(points));
    } else this.dragView(event, before);
  }

  private dragView(event: PointerEvent, before: PointerEvent): void {
    const { page, plane } = this;
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (this.drag === 'pan')
      plane.camera = panBy(plane.axes, page.task!.grid.spacingMm, plane.camera, dx, dy);
    else if (this.drag === 'look') return page.lookAt(this.pointOf(event).voxel);
    else if (this.drag === 'window') page.view.window = draggedWindow(page.view.window, dx, dy);
    else if (this.drag === 'swipe')
      page.view.swipeAt = Math.min(1, Math.max(0, event.offsetX / plane.screen.width));
    else return;
    page.update();
  }

  private up(event: PointerEvent): void {
    if (!this.pointers.delete(event.pointerId)) return;
    if (this.drag === 'tool') this.guarded(() => this.page.tool.up());
    if (this.pointers.size > 0) return;
    this.drag = undefined;
    this.page.isPointerDown = false;
  }

  private lost(event: PointerEvent): void {
    if (this.drag === 'tool') this.page.tool.cancel();
    this.drag = undefined;
    this.pointers.delete(event.pointerId);
    this.page.isPointerDown = this.pointers.size > 0;
  }

  private leave(): void {
    if (this.pointers.size > 0) return;
    this.page.pointer = undefined;
    this.page.onHover(undefined);
    this.setRing(undefined);
  }

  /** A second finger: what the first one began is taken back, and both zoom and move the picture. */
  private beginPinch(): void {
    if (this.drag === 'tool') this.page.tool.cancel();
    this.drag = 'pinch';
  }

  private pinch(event: PointerEvent): void {
    const { page, plane } = this;
    const other = [...this.pointers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
    const before = this.pointers.get(event.pointerId);
    if (other === undefined || before === undefined) return;
    const span = (one: PointerEvent): number =>
      Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    const frame = plane.surface.getBoundingClientRect();
    const middle = [
      (event.clientX + other.clientX) / 2 - frame.left,
      (event.clientY + other.clientY) / 2 - frame.top,
    ] as const;
    const { spacingMm } = page.task!.grid;
    const [dx, dy] = [(event.clientX - before.clientX) / 2, (event.clientY - before.clientY) / 2];
    plane.camera = panBy(plane.axes, spacingMm, plane.camera, dx, dy);
    const factor = span(event) / Math.max(1, span(before));
    plane.camera = zoomAt(plane.axes, spacingMm, plane, middle, factor);
    page.redraw();
  }

  private wheel(event: WheelEvent): void {
    const { page, plane } = this;
    event.preventDefault();
    if (page.task === undefined) return;
    page.activity.touch();
    page.focused = plane;
    if (event.ctrlKey || event.metaKey) {
      const factor = Math.exp(-event.deltaY * WHEEL_ZOOM * (event.deltaMode === 0 ? 1 : WHEEL_LINES));
      plane.camera = zoomAt(
        plane.axes,
        page.task.grid.spacingMm,
        plane,
        [event.offsetX, event.offsetY],
        factor,
      );
      return page.redraw();
    }
    const moved = (event.deltaY || event.deltaX) * (event.deltaMode === 0 ? 1 : WHEEL_LINES);
    if (event.shiftKey) {
      page.settings.stepRadius(moved < 0 ? 1 : -1);
      return page.update();
    }
    this.scroll(moved);
  }

  /** One slice for each notch of a wheel; a trackpad's small steps add up. */
  private scroll(moved: number): void {
    this.wheelRest += moved;
    const slices = Math.trunc(this.wheelRest / WHEEL_LINES);
    if (slices === 0) return;
    this.wheelRest -= slices * WHEEL_LINES;
    stepSlice(this.page, -Math.sign(slices) * Math.min(3, Math.abs(slices)));
  }

  private point(event: PointerEvent): void {
    const { page, plane } = this;
    page.pointer = { plane, x: event.clientX, y: event.clientY };
    page.onHover(page.pointerVoxel);
    const radius = Math.max(1.5, page.settings.radiusMm * plane.camera.pixelsPerMm);
    const isBrush = BRUSHES.has(page.toolId);
    this.setRing(isBrush ? { x: event.offsetX, y: event.offsetY, radius } : undefined);
  }

  private setRing(ring: Ring | undefined): void {
    if (ring === this.plane.ring) return;
    this.plane.ring = ring;
    this.page.redrawPlane(this.plane);
  }

  private pointOf(event: PointerEvent): PlanePoint {
    const { plane } = this;
    const voxel = plane.voxelAtClient(event.clientX, event.clientY);
    return {
      plane,
      voxel,
      isInverted: event.ctrlKey || event.metaKey || (event.buttons & ERASER_BUTTON) !== 0,
    };
  }

  private guarded(work: () => void): void {
    try {
      work();
    } catch (problem) {
      this.page.fail(problem);
    }
  }
}
