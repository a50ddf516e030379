/** Draws planes with the browser's frames, the one under the pointer first. */

import type { PlaneView, Scene } from './planeView';

/** A pause of the pointer after which all planes follow a stroke. */
const OTHERS_MS = 60;

/** Decides which planes are drawn when. */
export class Painter {
  private isDue = false;
  private planeDue: PlaneView | undefined;
  private others: ReturnType<typeof setTimeout> | undefined;

  /** @param scene What to draw; `undefined` while no task is open. */
  constructor(
    private readonly planes: readonly PlaneView[],
    private readonly scene: () => Scene | undefined,
  ) {}

  /** Draw all planes at once. */
  draw(): void {
    const scene = this.scene();
    if (scene !== undefined) for (const plane of this.planes) plane.draw(scene);
  }

  /** Draw all planes with the next frame. */
  redraw(): void {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.draw();
    });
  }

  /** Draw one plane with the next frame, and the others once the pointer rests: a stroke shows at once. */
  redrawPlane(plane: PlaneView): void {
    clearTimeout(this.others);
    this.others = setTimeout(() => this.redraw(), OTHERS_MS);
    if (this.isDue || this.planeDue !== undefined) return;
    this.planeDue = plane;
    requestAnimationFrame(() => {
      this.planeDue = undefined;
      const scene = this.scene();
      if (scene !== undefined) plane.draw(scene);
    });
  }
}
