/** Flood fill and growing from seeds: tools that find an organ's border by intensity. */

import {
  type Runs,
  EngineError,
  NO_RUNS,
  bitsOfRuns,
  boxOfRuns,
  boxRuns,
  brushStroke,
  bytesOfBox,
  clipToBox,
  floodFill,
  growFromSeeds,
  intersectBoxes,
  padBox,
  replaceWithin,
  sliceOfBox,
  unionRuns,
  boxSize,
  isEmptyBox,
} from '../engine';
import { nearestVoxel } from '../geometry/planes';
import type { Page } from '../page';
import type { PlaneView } from '../viewer/planeView';
import { outlineSegments } from '../viewer/outlines';
import type { PlanePoint, PointerTool } from './tool';

/** Fills from a click within the band of HU, up to a volume. */
export class FloodTool implements PointerTool {
  constructor(private readonly page: Page) {}

  down({ voxel }: PlanePoint): void {
    if (!this.page.mayEdit() || !this.page.isLoaded(voxel)) return;
    const { page } = this;
    const { grid, scan, session } = page.task!;
    const seed = nearestVoxel(grid.size, voxel);
    const locked = session.masks.organs.filter(
      (organ) => organ !== page.organ && session.masks.isLocked(organ),
    );
    const barriers = locked.map((organ) => session.masks.bits(organ));
    const flood = { seeds: [seed], band: page.settings.band, barriers, mostMl: page.settings.floodMl };
    void page.compute(
      'flood-fill',
      () => floodFill(grid, scan, flood),
      ({ runs, isCut }) => {
        if (isCut)
          page.say(`The fill stopped at ${page.settings.floodMl} mL; narrow the band, or raise the limit.`);
        return page.editsToAdd(runs);
      },
    );
  }

  move(): void {}

  up(): void {}

  cancel(): boolean {
    return false;
  }
}

const AROUND_SEEDS_MM = 15;
const INSIDE_COLOUR = '#7dff8a';
const OUTSIDE_COLOUR = '#ff8a7d';

/** Grows from strokes inside the organ, against strokes outside it (Ctrl), once Enter is pressed. */
export class SeedsTool implements PointerTool {
  private inside: Runs = NO_RUNS;
  private outside: Runs = NO_RUNS;
  private last: PlanePoint | undefined;

  constructor(private readonly page: Page) {}

  down(point: PlanePoint): void {
    if (!this.page.mayEdit() || !this.page.isLoaded(point.voxel)) return;
    this.last = point;
    this.draw([point]);
  }

  move(points: readonly PlanePoint[]): void {
    if (this.last === undefined) return;
    this.draw([this.last, ...points]);
    this.last = points.at(-1);
  }

  up(): void {
    this.last = undefined;
    this.page.say('Draw seeds outside with Ctrl, then press Enter to grow.');
  }

  cancel(): boolean {
    const hasBegun = this.inside.length + this.outside.length > 0;
    [this.inside, this.outside, this.last] = [NO_RUNS, NO_RUNS, undefined];
    this.page.redraw();
    return hasBegun;
  }

  finish(): boolean {
    const { inside, outside } = this;
    if (inside.length === 0) return false;
    this.cancel();
    this.grow(inside, outside);
    return true;
  }

  paint(context: CanvasRenderingContext2D, plane: PlaneView): void {
    this.paintSeeds(context, plane, this.inside, INSIDE_COLOUR);
    this.paintSeeds(context, plane, this.outside, OUTSIDE_COLOUR);
  }

  private draw(points: readonly PlanePoint[]): void {
    const { plane, isInverted } = points[0]!;
    const { grid } = this.page.task!;
    const radiusMm = Math.min(2, this.page.settings.radiusMm);
    const runs = brushStroke(
      grid,
      points.map(({ voxel }) => voxel),
      { shape: plane.axes.across, radiusMm },
    );
    if (isInverted) this.outside = unionRuns(this.outside, runs);
    else this.inside = unionRuns(this.inside, runs);
    this.page.redrawPlane(plane);
  }

  private grow(inside: Runs, outside: Runs): void {
    const { page } = this;
    const { grid, scan, session } = page.task!;
    if (outside.length === 0) throw new EngineError('draw seeds outside the organ too, with Ctrl held');
    const around = boxOfRuns(grid.size, unionRuns(inside, outside));
    const reach = grid.spacingMm.map((mm) => Math.ceil(AROUND_SEEDS_MM / mm));
    const padded = padBox(grid.size, around, [reach[0]!, reach[1]!, reach[2]!]);
    const box = intersectBoxes(padded, session.masks.loadedBox);
    const growth = { seeds: [inside, outside], box };
    void page.compute(
      'grow-seeds',
      () => growFromSeeds(grid, scan, growth),
      ([won = NO_RUNS]) => {
        const bits = session.masks.bits(page.organ);
        const { remove = NO_RUNS } = replaceWithin(bits, page.organ, won, boxRuns(grid.size, box));
        return [{ organ: page.organ, remove }, ...page.editsToAdd(won)];
      },
    );
  }

  private paintSeeds(context: CanvasRenderingContext2D, plane: PlaneView, runs: Runs, colour: string): void {
    const { grid } = this.page.task!;
    const slice = { axis: plane.axes.across, index: plane.index };
    const box = sliceOfBox(boxOfRuns(grid.size, runs), slice);
    if (runs.length === 0 || isEmptyBox(box)) return;
    const bytes = bytesOfBox(grid.size, bitsOfRuns(grid.size, clipToBox(grid.size, runs, box)), box);
    const size = boxSize(box);
    const [lower, higher] =
      plane.axes.right < plane.axes.down ? (['right', 'down'] as const) : (['down', 'right'] as const);
    const [low, high] = [plane.axes[lower], plane.axes[higher]];
    const p = plane.projection;
    const scale = { right: p.scaleRight, down: p.scaleDown };
    const origin = { right: p.originX, down: p.originY };
    const segments = outlineSegments(bytes, size[low], size[high]);
    context.strokeStyle = colour;
    context.lineWidth = 1.5;
    context.beginPath();
    for (let n = 0; n < segments.length; n += 2) {
      const a = origin[lower] + (segments[n]! + box.min[low] - 0.5) * scale[lower];
      const b = origin[higher] + (segments[n + 1]! + box.min[high] - 0.5) * scale[higher];
      const [x, y] = lower === 'right' ? [a, b] : [b, a];
      if (n % 4 === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    context.stroke();
  }
}
