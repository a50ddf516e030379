/** What a tool is that works with a pointer on a plane. */

import type { Vec3 } from '../engine';
import type { PlaneView } from '../viewer/planeView';

/** A place on a plane under the pointer. */
export interface PlanePoint {
  readonly plane: PlaneView;
  /** Voxel coordinates with fractions; whole across the slice. */
  readonly voxel: Vec3;
  /** Whether the opposite is wanted: Ctrl is held, or the pen's eraser is used. */
  readonly isInverted: boolean;
}

/** A tool that works with a pointer; the page calls it from one pointer at a time. */
export interface PointerTool {
  down(point: PlanePoint): void;
  move(points: readonly PlanePoint[]): void;
  up(): void;
  /** Take back what was begun; true if there was something. */
  cancel(): boolean;
  /** End what takes several clicks; true if there was something to end. */
  finish?(): boolean;
  /** Draw on a plane what is not in the masks yet, in CSS pixels. */
  paint?(context: CanvasRenderingContext2D, plane: PlaneView): void;
}
