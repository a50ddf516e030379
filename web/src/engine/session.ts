/** One reader's work on the masks of one CT: edits, undo and redo, what to save, and drafts. */

import { encodeChange, decodeChange, mergeFlips } from './changes';
import { type OrganDiff, diffOf } from './diff';
import { type Draft, applyDraft, readDraft, writeDraft } from './draft';
import { type Edit, flipsOf } from './edits';
import { type Box, type Grid, joinBoxes } from './grid';
import { Journal, type JournalOptions } from './journal';
import { type Flips, OrganMasks, type ReadableMasks } from './masks';
import { type Runs, boxOfRuns } from './runs';
import { unpackBox } from './bits';

/** What a step changed: what the page has to draw again. */
export interface Changed {
  readonly tool: string;
  readonly organs: readonly string[];
  readonly box: Box;
}

/** A stroke in progress: its parts show at once, and undo takes them back together. */
export interface Stroke {
  /** Apply a part; `undefined` if it changes nothing. */
  add(...edits: readonly Edit[]): Changed | undefined;
  /** Record the stroke as one step; `undefined` if it changed nothing. */
  end(): Changed | undefined;
  /** Take all parts back. */
  cancel(): Changed | undefined;
}

/** Owns the masks and the journal; everything that changes a mask goes through it. */
export class EditSession {
  private readonly ownMasks: OrganMasks;
  private journal: Journal;
  private current: OpenStroke | undefined;

  /**
   * @param grid The CT's grid.
   * @param organs All organs of the task's case; masks of organs that are never loaded take no memory.
   */
  constructor(
    grid: Grid,
    organs: readonly string[],
    private readonly options: JournalOptions = {},
  ) {
    this.ownMasks = new OrganMasks(grid, organs);
    this.journal = new Journal(options);
  }

  /** The masks, to read. */
  get masks(): ReadableMasks {
    return this.ownMasks;
  }

  get canUndo(): boolean {
    return this.journal.position > 0 || this.current !== undefined;
  }

  get canRedo(): boolean {
    return this.journal.position < this.journal.length;
  }

  /** Why undo takes more memory than it should, if it does. */
  get problem(): unknown {
    return this.journal.problem;
  }

  /** Volume of an organ in what is loaded, in mL; follows every edit. */
  volumeMl(organ: string): number {
    return this.ownMasks.volumeMl(organ);
  }

  /** See `OrganMasks.load`. */
  load(box: Box, masks: ReadonlyMap<string, Runs>): void {
    this.ownMasks.load(box, masks);
  }

  setLocked(organ: string, locked: boolean): void {
    this.ownMasks.setLocked(organ, locked);
  }

  /** Apply edits, one after another, as one step; `undefined` if they change nothing. */
  edit(tool: string, ...edits: readonly Edit[]): Changed | undefined {
    const stroke = this.startStroke(tool);
    stroke.add(...edits);
    return stroke.end();
  }

  /** Start a stroke; one that is still open ends first. */
  startStroke(tool: string): Stroke {
    this.current?.end();
    const stroke = new OpenStroke(tool, this.ownMasks, (flips) => this.finish(tool, flips));
    this.current = stroke;
    return stroke;
  }

  /**
   * Take the last step back, also of organs that have been locked since; an open stroke ends first.
   *
   * @returns What changed; `undefined` if nothing is left.
   * @throws EngineError The storage has lost the step.
   */
  async undo(): Promise<Changed | undefined> {
    this.current?.end();
    return this.apply(await this.journal.undo());
  }

  /** Do the step that was taken back last again. */
  async redo(): Promise<Changed | undefined> {
    this.current?.end();
    return this.apply(await this.journal.redo());
  }

  /** What differs from the loaded masks, to save. */
  diff(): OrganDiff[] {
    return diffOf(this.ownMasks);
  }

  /** Take what was saved as loaded; edits that were made meanwhile still differ, and undo still goes back. */
  markSaved(saved: readonly OrganDiff[]): void {
    const { size } = this.ownMasks.grid;
    for (const { organ, box, bits } of saved) this.ownMasks.setLoaded(organ, box, unpackBox(size, bits, box));
  }

  /** Write all that is not saved, with undo and redo, for a draft that survives a crash. */
  async draft(base: string): Promise<Uint8Array> {
    this.current?.end();
    const parts = writeDraft(this.ownMasks, base);
    return parts.block(await this.journal.save()).bytes();
  }

  /**
   * Go on with a draft; nothing may have been edited yet.
   *
   * @param base What names the masks that are loaded, such as their hashes; the same as was given to `draft`.
   * @throws EngineError The draft belongs to other masks or another grid, or needs a larger box to be loaded.
   */
  async restore(bytes: Uint8Array, base: string): Promise<Draft> {
    const draft = readDraft(bytes);
    const journal = await Journal.load(draft.journal, this.options);
    applyDraft(this.ownMasks, draft, base);
    this.journal = journal;
    return draft;
  }

  private finish(tool: string, flips: Flips): Changed | undefined {
    this.current = undefined;
    if (flips.size === 0) return undefined;
    this.journal.record(encodeChange({ tool, flips }, this.ownMasks.organs));
    return changedBy(this.ownMasks.grid, tool, flips);
  }

  private apply(entry: Uint8Array | undefined): Changed | undefined {
    if (entry === undefined) return undefined;
    const { tool, flips } = decodeChange(entry, this.ownMasks.organs);
    this.ownMasks.flip(flips);
    return changedBy(this.ownMasks.grid, tool, flips);
  }
}

class OpenStroke implements Stroke {
  private steps: Flips[] = [];
  private isOpen = true;

  constructor(
    private readonly tool: string,
    private readonly masks: OrganMasks,
    private readonly finish: (flips: Flips) => Changed | undefined,
  ) {}

  add(...edits: readonly Edit[]): Changed | undefined {
    if (!this.isOpen) return undefined;
    const parts = edits.map((edit) => this.flip(flipsOf(this.masks, edit)));
    return parts.reduce(joinChanged, undefined);
  }

  end(): Changed | undefined {
    if (!this.isOpen) return undefined;
    this.isOpen = false;
    return this.finish(mergeFlips(this.steps));
  }

  cancel(): Changed | undefined {
    if (!this.isOpen) return undefined;
    this.isOpen = false;
    const flips = mergeFlips(this.steps);
    this.masks.flip(flips);
    this.finish(new Map());
    return flips.size === 0 ? undefined : changedBy(this.masks.grid, this.tool, flips);
  }

  private flip(flips: Flips): Changed | undefined {
    if (flips.size === 0) return undefined;
    this.masks.flip(flips);
    this.steps.push(flips);
    return changedBy(this.masks.grid, this.tool, flips);
  }
}

function changedBy({ size }: Grid, tool: string, flips: Flips): Changed {
  const box = [...flips.values()].map((runs) => boxOfRuns(size, runs)).reduce(joinBoxes);
  return { tool, organs: [...flips.keys()], box };
}

function joinChanged(a: Changed | undefined, b: Changed | undefined): Changed | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return { tool: a.tool, organs: [...new Set([...a.organs, ...b.organs])], box: joinBoxes(a.box, b.box) };
}
