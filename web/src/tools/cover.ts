/** The edits that add voxels to an organ, and what they do to the other organs there. */

import { type Edit, type Overlap, type ReadableMasks, type Runs, runsWhere, subtractRuns } from '../engine';
import type { OrganInfo } from '../api/types';

/** What a tool adds to. */
export interface CoverTarget {
  readonly masks: ReadableMasks;
  readonly organ: string;
  readonly overlap: Overlap;
  readonly infos: ReadonlyMap<string, OrganInfo>;
}

/**
 * Make the edits that add voxels to an organ.
 *
 * `take` and `avoid` hold between organs. Tumours and cysts lie inside organs: they keep their voxels, and
 * an organ keeps those where a tumour is drawn. Voxels of a locked organ are not taken.
 */
export function editsToAdd({ masks, organ, overlap, infos }: CoverTarget, asked: Runs): Edit[] {
  const isOrgan = (name: string): boolean => (infos.get(name)?.kind ?? 'organ') === 'organ';
  if (overlap === 'allow' || !isOrgan(organ)) return [{ organ, add: asked }];
  const others = masks.organs.filter((name) => name !== organ && isOrgan(name));
  const isKept = (name: string): boolean => overlap === 'avoid' || masks.isLocked(name);
  const add = others
    .filter(isKept)
    .reduce((left, name) => subtractRuns(left, runsWhere(masks.bits(name), left, true)), asked);
  const losers = others.filter((name) => !isKept(name));
  return [
    ...losers.map((name) => ({ organ: name, remove: runsWhere(masks.bits(name), add, true) })),
    { organ, add },
  ].filter((edit) => 'add' in edit || edit.remove.length > 0);
}
