/** Drafts: unsaved work and its journal in one block of bytes. */

import { ByteReader, ByteWriter } from './bytes';
import { readRuns, writeRuns } from './changes';
import { changedRuns } from './diff';
import { EngineError } from './errors';
import { type Box, type Vec3, intersectBoxes } from './grid';
import type { Flips, OrganMasks } from './masks';

const FORMAT = 'omentum-draft-1';

/** What a draft has. */
export interface Draft {
  /** Hash of the masks that the work began with. */
  readonly base: string;
  readonly size: Vec3;
  /** Voxels that were loaded; load at least these before the draft is restored. */
  readonly loadedBox: Box;
  readonly organs: readonly string[];
  /** Per organ the voxels that differ from the loaded masks. */
  readonly flips: Flips;
  readonly journal: Uint8Array;
}

/** Write all of a draft but the journal, which follows as a block. */
export function writeDraft(masks: OrganMasks, base: string): ByteWriter {
  const writer = new ByteWriter().text(FORMAT).text(base);
  const { min, max } = masks.loadedBox;
  [...masks.grid.size, ...min, ...max].forEach((value) => writer.number(value));
  writer.number(masks.organs.length);
  for (const organ of masks.organs) writeRuns(writer.text(organ), changedRuns(masks, organ));
  return writer;
}

/**
 * Read a draft, also to learn which box it needs.
 *
 * @throws EngineError The bytes are none of a draft, or are cut short.
 */
export function readDraft(bytes: Uint8Array): Draft {
  const reader = new ByteReader(bytes);
  const format = reader.text();
  if (format !== FORMAT) throw new EngineError(`a draft of format "${format}"; this page reads ${FORMAT}`);
  const base = reader.text();
  const triple = (): Vec3 => [reader.number(), reader.number(), reader.number()];
  const size = triple();
  const loadedBox = { min: triple(), max: triple() };
  const rows = Array.from({ length: reader.number() }, () => [reader.text(), readRuns(reader)] as const);
  const flips = new Map(rows.filter(([, runs]) => runs.length > 0));
  return { base, size, loadedBox, organs: rows.map(([organ]) => organ), flips, journal: reader.block() };
}

/**
 * Bring masks that were just loaded to where a draft ended.
 *
 * @throws EngineError The masks are other ones than those of the draft, or were edited.
 */
export function applyDraft(masks: OrganMasks, draft: Draft, base: string): void {
  const refuse = (why: string): never => {
    throw new EngineError(`the draft cannot go on here: ${why}`);
  };
  if (draft.base !== base)
    refuse(`it began with masks ${draft.base}, and ${base} are loaded; load those it names`);
  if (String(draft.size) !== String(masks.grid.size)) refuse(`its CT has ${draft.size.join(' x ')} voxels`);
  if (String(draft.organs) !== String(masks.organs)) refuse(`its organs are ${draft.organs.join(', ')}`);
  const { min, max } = intersectBoxes(draft.loadedBox, masks.loadedBox);
  if (String([...min, ...max]) !== String([...draft.loadedBox.min, ...draft.loadedBox.max])) {
    refuse(`it needs the box ${JSON.stringify(draft.loadedBox)}; load this first`);
  }
  if (masks.organs.some((organ) => changedRuns(masks, organ).length > 0))
    refuse('masks were edited; load them anew');
  masks.flip(draft.flips);
}
