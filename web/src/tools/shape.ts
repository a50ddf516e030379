/** Operations on a whole organ: fill between slices, grow, shrink, holes, pieces, smooth, copy, swap, hand over. */

import {
  type Edit,
  type Runs,
  type Steps,
  type Vec3,
  EngineError,
  NO_RUNS,
  allButLargest,
  allButPieceAt,
  boxRuns,
  copyFrom,
  emptyGaps,
  fillBetween,
  handOver,
  holesInVolume,
  maskRuns,
  pairsOfSlices,
  pieceAt,
  piecesBelow,
  replaceWithin,
  rind,
  shell,
  sliceOfBox,
  smoothed,
  swapOrgans,
  touchingOrgan,
} from '../engine';
import type { Page } from '../page';

/** Gives a result at once, for the tools that take only a moment. */
function* atOnce<Result>(make: () => Result): Steps<Result> {
  yield 0;
  return make();
}

function ownRuns(page: Page): Runs {
  const { masks } = page.task!.session;
  return maskRuns(masks.grid.size, masks.bits(page.organ), masks.loadedBox);
}

/** Fill between the slices that were drawn since the last fill, or else over empty slices. */
export function fillBetweenSlices(page: Page): void {
  const { grid, session } = page.task!;
  const { masks } = session;
  const bits = masks.bits(page.organ);
  const { axis, slices } = page.drawnSlices;
  const drawn = slices.size > 1 ? pairsOfSlices([...slices]).filter(([a, b]) => b - a > 1) : [];
  const pairs = drawn.length > 0 ? drawn : emptyGaps(grid, bits, axis, masks.loadedBox);
  slices.clear();
  void page.compute(
    'fill-between',
    () => fillBetween(grid, bits, axis, pairs, masks.loadedBox),
    (parts) =>
      parts.flatMap(({ wanted, region }) => {
        const { remove = NO_RUNS } = replaceWithin(bits, page.organ, wanted, boxRuns(grid.size, region));
        return [{ organ: page.organ, remove }, ...page.editsToAdd(wanted)];
      }),
  );
}

/** Grow the organ by the step, or shrink it. */
export function resize(page: Page, direction: 1 | -1): void {
  const { grid, session } = page.task!;
  const { masks } = session;
  const bits = masks.bits(page.organ);
  const { stepMm } = page.settings;
  if (direction > 0) {
    void page.compute(
      'grow',
      () => shell(grid, bits, stepMm, masks.loadedBox),
      (runs) => page.editsToAdd(runs),
    );
    return;
  }
  const steps = (): Steps<Runs> => rind(grid, bits, stepMm, masks.loadedBox);
  void page.compute('shrink', steps, (remove) => [{ organ: page.organ, remove }]);
}

/** Fill what the organ encloses. */
export function fillHoles(page: Page): void {
  const { grid } = page.task!;
  void page.compute(
    'fill-holes',
    () => atOnce(() => holesInVolume(grid, ownRuns(page))),
    (runs) => page.editsToAdd(runs),
  );
}

/** Keep the piece at the pointer, or the largest one. */
export function keepPiece(page: Page): void {
  const { grid } = page.task!;
  const at = page.pointerVoxel;
  const chosen = (): Runs => {
    const own = ownRuns(page);
    const others = at === undefined ? NO_RUNS : allButPieceAt(grid, own, at);
    return others.length > 0 ? others : allButLargest(grid, own);
  };
  void page.compute(
    'keep-piece',
    () => atOnce(chosen),
    (remove) => [{ organ: page.organ, remove }],
  );
}

/** Remove the piece at the pointer, or the small ones if no piece is there. */
export function removePiece(page: Page): void {
  const { grid } = page.task!;
  const at = page.pointerVoxel;
  const chosen = (): Runs => {
    const own = ownRuns(page);
    const piece = at === undefined ? NO_RUNS : pieceAt(grid, own, at);
    return piece.length > 0 ? piece : piecesBelow(grid, own, page.settings.islandMl);
  };
  void page.compute(
    'remove-piece',
    () => atOnce(chosen),
    (remove) => [{ organ: page.organ, remove }],
  );
}

/** Smooth the organ's surface. */
export function smooth(page: Page): void {
  const { grid, session } = page.task!;
  const bits = session.masks.bits(page.organ);
  const steps = (): ReturnType<typeof smoothed> =>
    smoothed(grid, bits, page.settings.sigmaMm, session.masks.loadedBox);
  void page.compute('smooth', steps, ({ wanted, region }) => {
    const { remove = NO_RUNS } = replaceWithin(bits, page.organ, wanted, boxRuns(grid.size, region));
    return [{ organ: page.organ, remove }, ...page.editsToAdd(wanted)];
  });
}

/** Copy the organ from the source that is compared, in the slice, around the hot spot, or everywhere. */
export function copyFromOther(page: Page): void {
  const { session } = page.task!;
  const { other } = page.view;
  if (other === undefined)
    throw new EngineError('choose what to compare with first; it is what is copied from');
  if (!other.knows(page.organ))
    throw new EngineError(`${other.id} has no mask of this organ; choose another`);
  page.apply('copy', [copyFrom(session.masks, page.organ, other.bits(page.organ), copyRegion(page))]);
}

function copyRegion(page: Page): ReturnType<typeof sliceOfBox> {
  const { session, spots } = page.task!;
  const { loadedBox } = session.masks;
  const spot = spots.find(({ number }) => number === page.spot);
  if (page.settings.copyScope === 'slice') {
    const plane = page.focused;
    return sliceOfBox(loadedBox, { axis: plane.axes.across, index: plane.index });
  }
  if (page.settings.copyScope === 'loaded' || spot === undefined) return loadedBox;
  const [i, j, k] = spot.high_voxel;
  return { min: spot.low_voxel, max: [i + 1, j + 1, k + 1] };
}

/** Exchange the organ with its partner on the other side. */
export function swapSides(page: Page): void {
  const partner = page.infos.get(page.organ)?.partner;
  if (partner === null || partner === undefined) {
    throw new EngineError(
      'this organ has no partner on the other side; choose a kidney or another paired organ',
    );
  }
  page.apply('swap', swapOrgans(page.task!.session.masks, [page.organ, partner]));
}

/** Give the piece at the pointer to the organ that touches it most. */
export function handToNeighbour(page: Page): void {
  const { grid, session } = page.task!;
  const at: Vec3 = page.pointerVoxel ?? page.task!.cursor;
  const piece = pieceAt(grid, ownRuns(page), at);
  if (piece.length === 0)
    throw new EngineError('the organ has no voxel at the pointer; point at the piece to hand over');
  const taker = touchingOrgan(session.masks, page.organ, piece);
  if (taker === undefined)
    throw new EngineError('no unlocked organ touches this piece; unlock its neighbour first');
  const edits: Edit[] = handOver(session.masks, page.organ, taker, at);
  page.apply('hand-over', edits);
  page.say(`The piece is now ${page.nameOf(taker)}.`);
}
