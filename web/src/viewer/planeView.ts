/** One plane on the screen: the CT, masks and marks as layers that are put together in one canvas. */

import type { Vec3 } from '../engine';
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
import { isSame, markKey, maskKey, partsOf, pictureKey } from './drawKeys';
import { heatTable } from './heat';
import { MaskLayer } from './maskLayer';
import { drawMarks } from './marks';
import { type OrganToDraw, drawMasks } from './drawMasks';
import { drawReadings } from './drawReadings';
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
  readonly paintTool: ((context: CanvasRenderingContext2D, plane: PlaneView) => void) | undefined;
}

/** A circle around the pointer. */
export interface Ring {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

const SHARP_FROM_PIXELS = 6;

/** Draws one plane of the task and maps its pixels to voxels. */
export class PlaneView {
  readonly element: HTMLDivElement;
  /** The size of the brush around the pointer, in CSS pixels; `undefined` if none is shown. */
  ring: Ring | undefined;
  camera: Camera = { right: 0, down: 0, pixelsPerMm: 1 };
  /** The canvas on the screen; it takes the pointers. */
  readonly surface = document.createElement('canvas');
  private readonly picture = document.createElement('canvas');
  private readonly masksImage = document.createElement('canvas');
  private readonly marks = document.createElement('canvas');
  private readonly stamps = new Map<
    string,
    { key: unknown[]; canvas: HTMLCanvasElement; slice: SliceImage }
  >();
  /** What each canvas shows, so that it is drawn anew only for a change. */
  private readonly drawn = new Map<string, readonly unknown[]>();
  private masks: MaskLayer | undefined;
  private task: OpenTask | undefined;
  private screenSize: Screen = { width: 0, height: 0 };
  private isFitted = false;

  constructor(readonly name: PlaneName) {
    this.element = document.createElement('div');
    this.element.className = 'plane-canvases';
    this.surface.className = 'surface';
    this.surface.dataset['testid'] = `plane-${name}`;
    this.surface.tabIndex = 0;
    this.surface.setAttribute('role', 'application');
    this.surface.setAttribute('aria-label', `${name} plane; arrow keys change the slice`);
    this.element.append(this.surface);
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
    this.drawn.clear();
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
    for (const canvas of [this.surface, this.picture, this.masksImage, this.marks]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    this.screenSize = { width, height };
    if (!this.isFitted) this.fit();
    return true;
  }

  /** Voxel coordinates, with fractions, of a place in the window. */
  voxelAtClient(clientX: number, clientY: number): Vec3 {
    const frame = this.surface.getBoundingClientRect();
    return toVoxel(this.axes, this.projection, clientX - frame.left, clientY - frame.top, this.index);
  }

  /** Place in the window of voxel coordinates. */
  clientOfVoxel(voxel: Vec3): readonly [number, number] {
    const frame = this.surface.getBoundingClientRect();
    const [x, y] = toScreen(this.axes, this.projection, voxel);
    return [frame.left + x, frame.top + y];
  }

  /** Draw what has changed since the last time. */
  draw(scene: Scene): void {
    this.measure();
    if (this.screenSize.width === 0 || this.task === undefined) return;
    const changes = [
      this.layer('picture', this.picture, pictureKey(this, scene), (context) =>
        this.drawPicture(context, scene),
      ),
      this.layer('masks', this.masksImage, maskKey(this, scene), (context) =>
        this.drawMaskLayer(context, scene),
      ),
      this.layer('marks', this.marks, markKey(this, scene), (context) => {
        this.inPixels(context);
        drawMarks(context, this, scene);
      }),
    ];
    if (changes.includes(true)) this.compose();
  }

  /** Put the layers together in one opaque canvas: without a GPU, each layer that blends costs a frame's time. */
  private compose(): void {
    const context = this.surface.getContext('2d', { alpha: false, willReadFrequently: true })!;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = '#000000';
    context.fillRect(0, 0, this.surface.width, this.surface.height);
    for (const layer of [this.picture, this.masksImage, this.marks]) context.drawImage(layer, 0, 0);
  }

  /** Draw a layer if its key has changed; true if it has. */
  private layer(
    name: string,
    canvas: HTMLCanvasElement,
    key: readonly unknown[],
    draw: (context: CanvasRenderingContext2D) => void,
  ): boolean {
    const all = [canvas.width, canvas.height, ...key];
    if (isSame(this.drawn.get(name), all)) return false;
    this.drawn.set(name, all);
    draw(cleared(canvas));
    return true;
  }

  private drawPicture(context: CanvasRenderingContext2D, { task, view }: Scene): void {
    const p = this.projection;
    this.inVoxels(context, p);
    const isSharp = Math.abs(p.scaleRight) >= SHARP_FROM_PIXELS;
    for (const [name, part] of partsOf(task)) {
      if (part === undefined) continue;
      const key = [part, this.index, view.table, name === 'arriving' ? task.wholeShare : 0];
      const stamp = this.stamp(name, key, () => greySlice(part, this.axes, this.index, view.table));
      context.imageSmoothingEnabled = name === 'preview' || !isSharp;
      this.place(context, stamp);
    }
    this.drawHeat(context, task, view);
  }

  private drawHeat(context: CanvasRenderingContext2D, { attention }: OpenTask, view: ViewState): void {
    if (!view.hasHeat || attention === undefined) return;
    const heat = this.stamp('heat', [attention, this.index], () =>
      colourSlice(attention.values, attention.box, this.axes, this.index, HEAT),
    );
    context.imageSmoothingEnabled = true;
    this.place(context, heat);
  }

  private drawMaskLayer(context: CanvasRenderingContext2D, scene: Scene): void {
    this.inVoxels(context);
    const { readings } = scene.view;
    if (readings === undefined) drawMasks(context, this, this.masks!, scene);
    else drawReadings(context, this, this.masks!, scene, readings);
    this.inPixels(context);
    scene.paintTool?.(context, this);
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
    if (known !== undefined && isSame(known.key, key)) return known;
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
  // Without a GPU, canvases that the processor draws are several times as fast.
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  return context;
}
