/** Brush, eraser and threshold brush: strokes that show while they are drawn. */

import { type BrushShape, type Edit, type Runs, type Stroke, brushStroke, withinBand } from '../engine';
import type { Page } from '../page';
import type { PlanePoint, PointerTool } from './tool';

export type BrushMode = 'brush' | 'eraser' | 'threshold-brush';

/** A tool that draws with a disc or a ball. */
export class BrushTool implements PointerTool {
  private stroke: Stroke | undefined;
  private last: PlanePoint | undefined;

  constructor(
    private readonly page: Page,
    private readonly mode: BrushMode,
  ) {}

  down(point: PlanePoint): void {
    if (!this.page.mayEdit() || !this.page.isLoaded(point.voxel)) return;
    this.stroke = this.page.task!.session.startStroke(this.mode);
    this.last = point;
    this.draw([point]);
    this.page.noteDrawn(point);
  }

  move(points: readonly PlanePoint[]): void {
    if (this.stroke === undefined || this.last === undefined) return;
    this.draw([this.last, ...points]);
    this.last = points.at(-1) ?? this.last;
  }

  up(): void {
    const stroke = this.stroke;
    this.stroke = undefined;
    if (stroke?.end() !== undefined) this.page.edited(this.mode);
  }

  cancel(): boolean {
    const stroke = this.stroke;
    this.stroke = undefined;
    this.page.task?.changed(stroke?.cancel());
    this.page.redraw();
    return stroke !== undefined;
  }

  private draw(points: readonly PlanePoint[]): void {
    const task = this.page.task!;
    const { settings } = this.page;
    const [first] = points;
    const shape: BrushShape = settings.isBall ? 'ball' : first!.plane.axes.across;
    const brush = { shape, radiusMm: settings.radiusMm };
    const runs = brushStroke(
      task.grid,
      points.map(({ voxel }) => voxel),
      brush,
    );
    const change = this.stroke!.add(...this.edits(runs, first!.isInverted));
    task.changed(change);
    if (change !== undefined) this.page.redrawPlane(first!.plane);
  }

  private edits(runs: Runs, isInverted: boolean): Edit[] {
    const { task, settings, organ } = this.page;
    const chosen =
      this.mode === 'threshold-brush' ? withinBand(task!.grid, task!.scan, runs, settings.band) : runs;
    const removes = (this.mode === 'eraser') !== isInverted;
    return removes ? [{ organ, remove: chosen }] : this.page.editsToAdd(chosen);
  }
}
