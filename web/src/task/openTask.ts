/** A task that is open: its voxels, the masks that are edited, and what they are compared with. */

import {
  type Box,
  type Changed,
  EditSession,
  type Grid,
  type OrganDiff,
  type Runs,
  type Scan,
  type Vec3,
  NO_RUNS,
  deflate,
  gridFromAffine,
  makeScan,
  voxelCount,
  wholeBox,
} from '../engine';
import type { CaseNote, HotSpot, OrganInfo, TaskDetail } from '../api/types';
import {
  type Attention,
  type CodedMasks,
  type CtPart,
  boxOfBounds,
  isWholeCt,
  loadAttention,
  loadCt,
  loadMasks,
  previewStep,
  streamCt,
} from '../api/voxels';
import { type PlaneAxes, type PlaneName, nearestVoxel, planesOf, voxelOfMm } from '../geometry/planes';
import { EditedMasks, OtherMasks, runsOfMasks } from './maskSource';

/** What a task begins with, as it was loaded; it may be loaded before it is opened. */
export interface LoadedTask {
  readonly detail: TaskDetail;
  readonly ct: CtPart;
  readonly masks: CodedMasks;
  readonly attention: Attention | undefined;
  /** The mask with which edits of the task's own organ begin, where it is another one than the one shown. */
  readonly begun?: BegunWith;
}

/** A source, and its mask of the task's organ. */
export interface BegunWith {
  readonly source: string;
  /** Hash of the mask. */
  readonly base: string;
  readonly masks: CodedMasks;
}

const PREVIEW_VOXELS = 1.5e6;
const SMALL_CT_VOXELS = 4e6;

/** Load the region of a task in which the reader begins. */
export async function loadTask(detail: TaskDetail): Promise<LoadedTask> {
  const box = regionOf(detail);
  const [ct, masks, attention] = await Promise.all([
    loadCt(detail.case, box),
    loadMasks(detail.task, 'shown', box),
    detail.has_attention ? loadAttention(detail.task, box) : undefined,
  ]);
  return { detail, ct, masks, attention };
}

/** The region to begin with; a small CT is loaded whole at once. */
function regionOf({ geometry, region }: TaskDetail): Box {
  const whole = wholeBox(geometry.shape);
  return voxelCount(geometry.shape) <= SMALL_CT_VOXELS ? whole : boxOfBounds(region);
}

/** One task in the hands of a reader. */
export class OpenTask {
  readonly grid: Grid;
  readonly planes: Readonly<Record<PlaneName, PlaneAxes>>;
  readonly session: EditSession;
  readonly masks: EditedMasks;
  readonly bases = new Map<string, string | null>();
  readonly others = new Map<string, OtherMasks>();
  readonly seenSpots = new Set<number>();
  ct: CtPart;
  /** Every few voxels of the whole CT. */
  preview: CtPart | undefined;
  /** The whole CT while its slices arrive. */
  arriving: CtPart | undefined;
  attention: Attention | undefined;
  cursor: Vec3;
  notes: readonly CaseNote[];
  /** Share of the whole CT that has arrived; `undefined` before it is asked for. */
  wholeShare: number | undefined;
  /** Volume of what was loaded of each organ, in mL. */
  private readonly loadedMl = new Map<string, number>();
  private readonly organOf: ReadonlyMap<number, string>;
  private whole: Promise<void> | undefined;
  private readonly begun: BegunWith | undefined;

  constructor(
    readonly detail: TaskDetail,
    loaded: LoadedTask,
    organs: readonly OrganInfo[],
  ) {
    this.grid = gridFromAffine(detail.geometry.shape, detail.geometry.affine);
    this.planes = planesOf(detail.geometry.orientation);
    const names = detail.organs.map(({ organ }) => organ);
    this.organOf = new Map(
      organs.filter(({ organ }) => names.includes(organ)).map((o) => [o.index, o.organ]),
    );
    this.session = new EditSession(this.grid, names, { codec: deflate, name: `task-${detail.task}` });
    this.masks = new EditedMasks(this.session);
    this.ct = loaded.ct;
    this.notes = detail.notes;
    this.attention = loaded.attention;
    this.begun = loaded.begun;
    this.takeMasks(loaded.masks, loaded.begun?.masks);
    this.takeBases(detail);
    this.cursor = this.startVoxel();
  }

  get scan(): Scan {
    return makeScan(this.ct.box, this.ct.hu);
  }

  get isWhole(): boolean {
    return isWholeCt(this.session.masks.loadedBox, this.grid.size);
  }

  get spots(): readonly HotSpot[] {
    return this.detail.hot_spots;
  }

  /** Volume of an organ now, in mL: the server's, changed by what was edited; `undefined` if it is unknown. */
  volumeMl(organ: string): number | undefined {
    const now = this.session.volumeMl(organ);
    if (this.isWhole) return now;
    const whole = this.detail.organs.find((one) => one.organ === organ)?.volume_ml;
    return whole === null || whole === undefined ? undefined : whole + now - (this.loadedMl.get(organ) ?? 0);
  }

  /** Tell the planes of an edit. */
  changed(change: Changed | undefined): void {
    if (change !== undefined) this.masks.changed(change);
  }

  /** Take the bases of the server, and lock what the task may not change. */
  takeBases(detail: TaskDetail): void {
    for (const { organ, base, is_editable } of detail.organs) {
      this.bases.set(organ, base);
      if (!is_editable) this.session.setLocked(organ, true);
    }
    if (this.begun !== undefined) this.bases.set(detail.organ, this.begun.base);
  }

  /** The edits that are not saved. */
  unsaved(): OrganDiff[] {
    return this.session.diff();
  }

  /** Load every few voxels of the whole CT, to show what is around the region. */
  async loadPreview(): Promise<void> {
    const { size } = this.grid;
    if (isWholeCt(this.ct.box, size)) return;
    this.preview = await loadCt(this.detail.case, wholeBox(size), previewStep(size, PREVIEW_VOXELS));
  }

  /** Load the whole CT and all of its masks; asked again, wait for the same. */
  loadWhole(onShare: () => void): Promise<void> {
    this.whole ??= this.readWhole(onShare).catch((problem: unknown) => {
      this.whole = undefined;
      this.wholeShare = undefined;
      throw problem;
    });
    return this.whole;
  }

  /** Masks of another source in what is loaded. */
  async compareWith(source: string): Promise<OtherMasks> {
    const known = this.others.get(source);
    if (known !== undefined && isWholeCt(known.loadedBox, this.grid.size) === this.isWhole) return known;
    const masks = await loadMasks(this.detail.task, source, this.session.masks.loadedBox);
    const runs = runsOfMasks(this.grid.size, masks, this.organOf);
    const made = new OtherMasks(source, this.grid, masks.box, runs, new Set(masks.organs));
    this.others.set(source, made);
    return made;
  }

  /** Voxel in the middle of a hot spot, or of the region if there is none. */
  voxelOfSpot(spot: HotSpot): Vec3 {
    return nearestVoxel(this.grid.size, voxelOfMm(this.detail.geometry.affine, spot.centre_mm));
  }

  private startVoxel(): Vec3 {
    const [first] = this.spots;
    if (first !== undefined) return this.voxelOfSpot(first);
    const { min, max } = boxOfBounds(this.detail.region);
    return nearestVoxel(this.grid.size, [
      (min[0] + max[0]) / 2,
      (min[1] + max[1]) / 2,
      (min[2] + max[2]) / 2,
    ]);
  }

  private takeMasks(masks: CodedMasks, begun: CodedMasks | undefined): void {
    const runs: Map<string, Runs> = runsOfMasks(this.grid.size, masks, this.organOf);
    if (begun !== undefined) {
      const { organ } = this.detail;
      runs.set(organ, runsOfMasks(this.grid.size, begun, this.organOf).get(organ) ?? NO_RUNS);
    }
    this.session.load(masks.box, runs);
    for (const organ of this.session.masks.organs) this.loadedMl.set(organ, this.session.volumeMl(organ));
    this.masks.loaded(runs);
  }

  private async readWhole(onShare: () => void): Promise<void> {
    const whole: Box = wholeBox(this.grid.size);
    this.wholeShare = 0;
    const masks = loadMasks(this.detail.task, 'shown', whole);
    const begun = this.begun && loadMasks(this.detail.task, this.begun.source, whole);
    const begin = (part: CtPart): void => {
      this.arriving = part;
    };
    const ct = await streamCt(this.detail.case, this.grid.size, begin, (share) => {
      this.wholeShare = share;
      onShare();
    });
    const coded = await Promise.all([masks, begun]);
    this.ct = ct;
    this.arriving = undefined;
    this.preview = undefined;
    this.takeMasks(...coded);
    await this.loadWholeAttention(whole);
  }

  private async loadWholeAttention(whole: Box): Promise<void> {
    if (this.attention === undefined) return;
    this.attention = (await loadAttention(this.detail.task, whole)) ?? this.attention;
  }
}
