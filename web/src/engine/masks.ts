/** The masks of a CT's organs as they are now, as they were loaded, and which are locked. */

import { type Bits, bitsOfRuns, emptyBits, flipRuns, runsWhere, setRuns } from './bits';
import { EngineError } from './errors';
import { type Box, type Grid, intersectBoxes, isEmptyBox, wholeBox } from './grid';
import { type Runs, boxRuns, clipToBox, subtractRuns } from './runs';

/** What tools may read of the masks. */
export interface ReadableMasks {
  readonly grid: Grid;
  readonly organs: readonly string[];
  /** Voxels that have been loaded; nothing outside is edited. */
  readonly loadedBox: Box;
  /** An organ's mask over the whole grid; not to be written to. */
  bits(organ: string): Bits;
  isLocked(organ: string): boolean;
}

/** Per organ, the voxels that change between 0 and 1. */
export type Flips = ReadonlyMap<string, Runs>;

/** Masks that may overlap, one a organ, over the whole CT; voxels that are not loaded are empty. */
export class OrganMasks implements ReadableMasks {
  loadedBox: Box;
  private readonly now = new Map<string, Bits>();
  private readonly loaded = new Map<string, Bits>();
  private readonly counts = new Map<string, number>();
  private readonly locked = new Set<string>();
  private nothing: Bits | undefined;

  /**
   * @param grid The CT's grid.
   * @param organs Names of all organs, in the order in which drafts and changes number them.
   * @throws EngineError A name is given twice.
   */
  constructor(
    readonly grid: Grid,
    readonly organs: readonly string[],
  ) {
    if (new Set(organs).size !== organs.length) {
      throw new EngineError(`organs ${organs.join(', ')}: a name is there twice; name each organ once`);
    }
    this.loadedBox = { min: [0, 0, 0], max: [0, 0, 0] };
  }

  /** The mask of an organ as it is now; not to be written to, and to be asked for anew after an edit. */
  bits(organ: string): Bits {
    this.check(organ);
    return this.now.get(organ) ?? (this.nothing ??= emptyBits(this.grid.size));
  }

  /** The mask of an organ as it was loaded; not to be written to. */
  loadedBits(organ: string): Bits {
    return this.loaded.get(organ) ?? this.bits(organ);
  }

  /** Whether any voxel of the organ may differ from what was loaded. */
  mayDiffer(organ: string): boolean {
    return this.loaded.has(organ);
  }

  isLocked(organ: string): boolean {
    this.check(organ);
    return this.locked.has(organ);
  }

  setLocked(organ: string, locked: boolean): void {
    this.check(organ);
    if (locked) this.locked.add(organ);
    else this.locked.delete(organ);
  }

  /** Volume of an organ in what is loaded, in mL. */
  volumeMl(organ: string): number {
    this.check(organ);
    return (this.counts.get(organ) ?? 0) * this.grid.voxelMl;
  }

  /**
   * Add what the server has of a region, or of the whole CT once the region is no longer enough.
   *
   * Voxels that were loaded before keep their edits.
   *
   * @param box Voxels that are loaded; it must hold what is loaded already.
   * @param masks Per organ the voxels of its mask; an organ that is not named has none.
   * @throws EngineError The box does not hold the loaded one, or an organ is unknown.
   */
  load(box: Box, masks: ReadonlyMap<string, Runs>): void {
    const { size } = this.grid;
    const inside = intersectBoxes(box, wholeBox(size));
    this.checkLarger(inside);
    const known = boxRuns(size, this.loadedBox);
    for (const [organ, runs] of masks) this.fill(organ, subtractRuns(clipToBox(size, runs, inside), known));
    this.loadedBox = inside;
  }

  /** Exchange 0 and 1 of voxels; twice the same is no change. */
  flip(flips: Flips): void {
    for (const [organ, runs] of flips) {
      if (runs.length === 0) continue;
      const bits = this.ownBits(organ);
      if (!this.loaded.has(organ)) this.loaded.set(organ, bits.slice());
      this.addCount(organ, flipRuns(bits, runs));
    }
  }

  /** Take voxels of a box as loaded, after they have been saved. */
  setLoaded(organ: string, box: Box, runs: Runs): void {
    const saved = this.loaded.get(organ);
    if (saved === undefined) return;
    const all = boxRuns(this.grid.size, box);
    setRuns(saved, subtractRuns(all, runs), false);
    setRuns(saved, runs, true);
  }

  private fill(organ: string, runs: Runs): void {
    if (runs.length === 0) return this.check(organ);
    this.addCount(organ, flipRuns(this.ownBits(organ), runsWhere(this.ownBits(organ), runs, false)));
    const loaded = this.loaded.get(organ);
    if (loaded !== undefined) setRuns(loaded, runs, true);
  }

  private addCount(organ: string, more: number): void {
    this.counts.set(organ, (this.counts.get(organ) ?? 0) + more);
  }

  /** The mask to write to; organs without voxels share one until then. */
  private ownBits(organ: string): Bits {
    this.check(organ);
    const bits = this.now.get(organ) ?? emptyBits(this.grid.size);
    this.now.set(organ, bits);
    return bits;
  }

  private check(organ: string): void {
    if (!this.organs.includes(organ)) {
      throw new EngineError(`organ "${organ}" is not among ${this.organs.join(', ')}; name one of these`);
    }
  }

  private checkLarger(box: Box): void {
    const common = intersectBoxes(box, this.loadedBox);
    const holds = isEmptyBox(this.loadedBox) || JSON.stringify(common) === JSON.stringify(this.loadedBox);
    if (!holds) {
      const [asked, loaded] = [JSON.stringify(box), JSON.stringify(this.loadedBox)];
      throw new EngineError(
        `box ${asked} does not hold the loaded box ${loaded}; load a box that holds both`,
      );
    }
  }
}

/** Make masks that are loaded as a whole: what a small test or a small CT needs. */
export function masksOfRuns(grid: Grid, masks: Readonly<Record<string, Runs>>): OrganMasks {
  const made = new OrganMasks(grid, Object.keys(masks));
  made.load(wholeBox(grid.size), new Map(Object.entries(masks)));
  return made;
}

/** Make a mask that is on the same grid and belongs to no organ: another network's, or an earlier reading. */
export const otherMask = (grid: Grid, runs: Runs): Bits => bitsOfRuns(grid.size, runs);
