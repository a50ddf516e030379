/** Turn what a tool selects into the voxels that change, under locks and the rule for overlaps. */

import { type Bits, runsWhere } from './bits';
import { EngineError } from './errors';
import type { Flips, ReadableMasks } from './masks';
import { NO_RUNS, type Runs, clipToBox, subtractRuns, unionRuns } from './runs';

/**
 * What happens where an added voxel belongs to another organ.
 *
 * - `allow`: it belongs to both.
 * - `take`: it no longer belongs to the others; where one of them is locked, it is not added.
 * - `avoid`: it is not added.
 */
export type Overlap = 'allow' | 'take' | 'avoid';

/** Voxels that an organ gains and loses; a voxel in both is gained. */
export interface Edit {
  readonly organ: string;
  readonly add?: Runs;
  readonly remove?: Runs;
  /** `allow` if it is not given. */
  readonly overlap?: Overlap;
}

/**
 * Compute the voxels that an edit changes.
 *
 * A locked organ never changes, and no voxel outside the loaded box does.
 */
export function flipsOf(masks: ReadableMasks, edit: Edit): Flips {
  const flips = new Map<string, Runs>();
  if (masks.isLocked(edit.organ)) return flips;
  const clip = (runs: Runs | undefined): Runs => clipToBox(masks.grid.size, runs ?? NO_RUNS, masks.loadedBox);
  const { added, taken } = resolveOverlap(masks, edit, clip(edit.add));
  const own = masks.bits(edit.organ);
  const gained = runsWhere(own, added, false);
  const lost = runsWhere(own, subtractRuns(clip(edit.remove), added), true);
  for (const [organ, runs] of [...taken, [edit.organ, unionRuns(gained, lost)] as const]) {
    if (runs.length > 0) flips.set(organ, runs);
  }
  return flips;
}

function resolveOverlap(
  masks: ReadableMasks,
  { organ, overlap = 'allow' }: Edit,
  asked: Runs,
): { added: Runs; taken: [string, Runs][] } {
  if (overlap === 'allow' || asked.length === 0) return { added: asked, taken: [] };
  const others = masks.organs.filter((name) => name !== organ);
  const isKept = (name: string): boolean => overlap === 'avoid' || masks.isLocked(name);
  const added = others.filter(isKept).reduce((left, name) => runsWhere(masks.bits(name), left, false), asked);
  const losers = others.filter((name) => !isKept(name));
  return { added, taken: losers.map((name) => [name, runsWhere(masks.bits(name), added, true)]) };
}

/** Make an organ's mask equal to a selection within a region, and leave it as it is elsewhere. */
export function replaceWithin(bits: Bits, organ: string, wanted: Runs, region: Runs): Edit {
  const inRegion = subtractRuns(region, subtractRuns(region, wanted));
  return { organ, add: inRegion, remove: runsWhere(bits, subtractRuns(region, wanted), true) };
}

/**
 * Refuse a tool that changes several organs at once if one of them is locked.
 *
 * @throws EngineError One of the organs is locked.
 */
export function requireUnlocked(masks: ReadableMasks, organs: readonly string[]): void {
  const locked = organs.filter((organ) => masks.isLocked(organ));
  if (locked.length > 0) {
    throw new EngineError(
      `${locked.join(', ')} locked: this tool changes ${organs.join(' and ')}; unlock them first`,
    );
  }
}
