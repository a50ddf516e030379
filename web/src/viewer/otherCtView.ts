/** Axial slices of another CT of the patient, at the place of the crosshair. */

import { type CtPart, loadCt } from '../api/voxels';
import type { OtherCt } from '../api/types';
import { type Box, type Vec3, sliceOfBox, wholeBox } from '../engine';
import { fitCamera, project, toScreen } from '../geometry/camera';
import {
  type PlaneAxes,
  mmOfVoxel,
  nearestVoxel,
  planeAxes,
  voxelOfMm,
  withCoordinate,
} from '../geometry/planes';
import type { Page } from '../page';
import { greySlice } from './slices';

const MOST_SLICES = 40;

/**
 * Draws one slice of another CT, by the same position in mm.
 *
 * Two scans of a patient do not lie the same on the table, so the wheel shifts this view alone.
 */
export class OtherCtView {
  private readonly plane: PlaneAxes;
  private readonly slices = new Map<number, Promise<CtPart>>();
  private shift = 0;
  private wanted = -1;

  constructor(
    private readonly page: Page,
    private readonly canvas: HTMLCanvasElement,
    private readonly other: OtherCt,
  ) {
    this.plane = planeAxes(other.geometry.orientation, 'axial');
    canvas.onwheel = (event) => {
      event.preventDefault();
      this.shift -= Math.sign(event.deltaY);
      void this.show().catch((problem: unknown) => page.fail(problem));
    };
  }

  /** Draw the slice at the crosshair, once it is there. */
  async show(): Promise<void> {
    const { task } = this.page;
    if (task === undefined) return;
    const mm = mmOfVoxel(task.detail.geometry.affine, task.cursor);
    const place = voxelOfMm(this.other.geometry.affine, mm);
    const { across } = this.plane;
    const shifted = withCoordinate(place, across, place[across] + this.shift);
    const voxel = nearestVoxel(this.other.geometry.shape, shifted);
    this.wanted = voxel[across];
    const part = await this.slice(this.wanted);
    if (this.wanted === voxel[across]) this.draw(part, voxel);
  }

  private slice(index: number): Promise<CtPart> {
    const known = this.slices.get(index);
    if (known !== undefined) return known;
    if (this.slices.size >= MOST_SLICES) this.slices.delete(this.slices.keys().next().value!);
    const whole: Box = wholeBox(this.other.geometry.shape);
    const loading = loadCt(this.other.case, sliceOfBox(whole, { axis: this.plane.across, index }));
    loading.catch(() => this.slices.delete(index));
    this.slices.set(index, loading);
    return loading;
  }

  private draw(part: CtPart, voxel: Vec3): void {
    const { canvas, plane, other } = this;
    const ratio = window.devicePixelRatio;
    const screen = { width: canvas.clientWidth, height: canvas.clientHeight };
    canvas.width = Math.round(screen.width * ratio);
    canvas.height = Math.round(screen.height * ratio);
    const slice = greySlice(part, plane, voxel[plane.across], this.page.view.table);
    if (slice === undefined) return;
    const { spacing_mm: spacing, shape } = other.geometry;
    const p = project(plane, spacing, fitCamera(plane, shape, spacing, screen), screen);
    const stamp = document.createElement('canvas');
    stamp.width = slice.image.width;
    stamp.height = slice.image.height;
    stamp.getContext('2d')!.putImageData(slice.image, 0, 0);
    const context = canvas.getContext('2d')!;
    context.setTransform(
      p.scaleRight * ratio,
      0,
      0,
      p.scaleDown * ratio,
      p.originX * ratio,
      p.originY * ratio,
    );
    const [from, to] = [slice.from, slice.to];
    context.drawImage(stamp, from[0], from[1], to[0] - from[0], to[1] - from[1]);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawCross(context, toScreen(plane, p, voxel));
  }
}

function drawCross(context: CanvasRenderingContext2D, [x, y]: readonly [number, number]): void {
  context.strokeStyle = 'rgba(120, 200, 255, 0.8)';
  context.beginPath();
  context.moveTo(x - 12, y);
  context.lineTo(x + 12, y);
  context.moveTo(x, y - 12);
  context.lineTo(x, y + 12);
  context.stroke();
}
