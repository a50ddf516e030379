/** One plane on the screen: a canvas with the CT, and one above it with masks and marks. */

import type { Vec3 } from '../engine';
import type { CtPart } from '../api/voxels';
import {
  type Camera,
  type Projection,
  type Screen,
  fitCamera,
  project,
  toScreen,
  toVoxel,
} from '../geometry/camera';
import type { PlaneAxes, PlaneName } from '../geometry/planes';
import type { OpenTask } from '../task/openTask';
import { heatTable } from './heat';
import { MaskLayer } from './maskLayer';
import { drawMarks } from './marks';
import { type OrganToDraw, drawMasks } from './drawMasks';
import { type SliceImage, colourSlice, greySlice } from './slices';
import type { ViewState } from './viewState';

/** What a plane needs to draw itself. */
export interface Scene {
  readonly task: OpenTask;
  readonly view: ViewState;
  /** Organs from below to above; the active one is the last. */
  readonly organs: readonly OrganToDraw[];
  readonly spot: number | undefined;
  /** Draws what the tool previews, above all else. */
  readonly paintTool: (context: CanvasRenderingContext2D, plane: PlaneView) => void;
}

const SHARP_FROM_PIXELS = 6;

/** Draws one plane of the task and maps its pixels to voxels. */
export class PlaneView {
  readonly element: HTMLDivElement;
  camera: Camera = { right: 0, down: 0, pixelsPerMm: 1 };
  private readonly picture = document.createElement('canvas');
  private readonly overlay = document.createElement('canvas');
  private readonly ring = document.createElement('div');
  private readonly stamps = new Map<
    string,
    { key: unknown[]; canvas: HTMLCanvasElement; slice: SliceImage }
  >();
  private masks: MaskLayer | undefined;
  private task: OpenTask | undefined;
  private screenSize: Screen = { width: 0, height: 0 };
  private isFitted = false;

  constructor(readonly name: PlaneName) {
    this.element = document.createElement('div');
    this.element.className = 'plane-canvases';
    this.picture.className = 'picture';
    this.overlay.className = 'overlay';
    this.overlay.dataset['testid'] = `plane-${name}`;
    this.overlay.tabIndex = 0;
    this.overlay.setAttribute('role', 'application');
    this.overlay.setAttribute('aria-label', `${name} plane; arrow keys change the slice`);
    this.ring.className = 'ring';
    this.ring.hidden = true;
    this.element.append(this.picture, this.overlay, this.ring);
  }

  /** Show the size of a brush around a pixel. */
  showRing(x: number, y: number, radiusMm: number): void {
    const pixels = Math.max(1.5, radiusMm * this.camera.pixelsPerMm);
    this.ring.hidden = false;
    this.ring.style.width = `${2 * pixels}px`;
    this.ring.style.height = `${2 * pixels}px`;
    this.ring.style.transform = `translate(${x - pixels}px, ${y - pixels}px)`;
  }

  hideRing(): void {
    this.ring.hidden = true;
  }

  /** The canvas that takes pointers. */
  get surface(): HTMLCanvasElement {
    return this.overlay;
  }

  get screen(): Screen {
    return this.screenSize;
  }

  get axes(): PlaneAxes {
    if (this.task === undefined) throw new Error('a plane is asked for its axes before a task is open');
    return this.task.planes[this.name];
  }

  get index(): number {
    return this.task?.cursor[this.axes.across] ?? 0;
  }

  get projection(): Projection {
    return project(this.axes, this.task!.grid.spacingMm, this.camera, this.screenSize);
  }

  /** Begin with another task, at its whole slice. */
  open(task: OpenTask): void {
    this.task = task;
    this.masks = new MaskLayer(task.planes[this.name]);
    this.stamps.clear();
    this.isFitted = false;
    this.fit();
  }

  /** Show the whole slice. */
  fit(): void {
    if (this.task === undefined || this.screenSize.width === 0) return;
    const { grid } = this.task;
    this.camera = fitCamera(this.axes, grid.size, grid.spacingMm, this.screenSize);
    this.isFitted = true;
  }

  /** Move so that a voxel is in the middle. */
  centre(voxel: Vec3): void {
    this.camera = { ...this.camera, right: voxel[this.axes.right], down: voxel[this.axes.down] };
  }

  /** Take the size on the screen; true if it is another one. */
  measure(): boolean {
    const { clientWidth: width, clientHeight: height } = this.element;
    const ratio = window.devicePixelRatio;
    const isSame =
      this.picture.width === Math.round(width * ratio) && this.picture.height === Math.round(height * ratio);
    if (isSame) return false;
    for (const canvas of [this.picture, this.overlay]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    this.screenSize = { width, height };
    if (!this.isFitted) this.fit();
    return true;
  }

  /** Voxel coordinates, with fractions, of a place in the window. */
  voxelAtClient(clientX: number, clientY: number): Vec3 {
    const frame = this.overlay.getBoundingClientRect();
    return toVoxel(this.axes, this.projection, clientX - frame.left, clientY - frame.top, this.index);
  }

  /** Place in the window of voxel coordinates. */
  clientOfVoxel(voxel: Vec3): readonly [number, number] {
    const frame = this.overlay.getBoundingClientRect();
    const [x, y] = toScreen(this.axes, this.projection, voxel);
    return [frame.left + x, frame.top + y];
  }

  /** Draw everything. */
  draw(scene: Scene): void {
    this.measure();
    if (this.screenSize.width === 0 || this.task === undefined) return;
    this.drawPicture(scene);
    this.drawOverlay(scene);
  }

  private drawPicture({ task, view }: Scene): void {
    const context = cleared(this.picture);
    const p = this.projection;
    this.inVoxels(context, p);
    const isSharp = Math.abs(p.scaleRight) >= SHARP_FROM_PIXELS;
    const parts: [string, CtPart | undefined][] = [
      ['preview', task.preview],
      ['arriving', task.arriving],
      ['ct', task.ct],
    ];
    for (const [name, part] of parts) {
      if (part === undefined) continue;
      const key = [part, this.index, view.table, name === 'arriving' ? task.wholeShare : 0];
      const stamp = this.stamp(name, key, () => greySlice(part, this.axes, this.index, view.table));
      context.imageSmoothingEnabled = name === 'preview' || !isSharp;
      this.place(context, stamp);
    }
  }

  private drawOverlay(scene: Scene): void {
    const { task, view } = scene;
    const context = cleared(this.overlay);
    this.inVoxels(context, this.projection);
    const { attention } = task;
    if (view.hasHeat && attention !== undefined) {
      const key = [attention, this.index];
      const heat = this.stamp('heat', key, () =>
        colourSlice(attention.values, attention.box, this.axes, this.index, HEAT),
      );
      context.imageSmoothingEnabled = true;
      this.place(context, heat);
    }
    drawMasks(context, this, this.masks!, scene);
    this.inPixels(context);
    drawMarks(context, this, scene);
    scene.paintTool(context, this);
  }

  /** Let the context draw in voxel coordinates of the plane's right and down axes. */
  inVoxels(context: CanvasRenderingContext2D, p: Projection = this.projection): void {
    const ratio = window.devicePixelRatio;
    const { scaleRight, scaleDown, originX, originY } = p;
    context.setTransform(scaleRight * ratio, 0, 0, scaleDown * ratio, originX * ratio, originY * ratio);
  }

  /** Let the context draw in CSS pixels. */
  inPixels(context: CanvasRenderingContext2D): void {
    const ratio = window.devicePixelRatio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  private place(
    context: CanvasRenderingContext2D,
    stamp: { canvas: HTMLCanvasElement; slice: SliceImage } | undefined,
  ): void {
    if (stamp === undefined) return;
    const { from, to } = stamp.slice;
    context.drawImage(stamp.canvas, from[0], from[1], to[0] - from[0], to[1] - from[1]);
  }

  /** Give a slice as a canvas, computed anew only if its key changed. */
  private stamp(
    name: string,
    key: unknown[],
    make: () => SliceImage | undefined,
  ): { canvas: HTMLCanvasElement; slice: SliceImage } | undefined {
    const known = this.stamps.get(name);
    if (known !== undefined && known.key.every((value, n) => value === key[n])) return known;
    const slice = make();
    if (slice === undefined) return undefined;
    const canvas = known?.canvas ?? document.createElement('canvas');
    if (canvas.width !== slice.image.width) canvas.width = slice.image.width;
    if (canvas.height !== slice.image.height) canvas.height = slice.image.height;
    canvas.getContext('2d', { willReadFrequently: true })!.putImageData(slice.image, 0, 0);
    const made = { key, canvas, slice };
    this.stamps.set(name, made);
    return made;
  }
}

const HEAT = heatTable(0.75);

function cleared(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d')!;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  return context;
}
