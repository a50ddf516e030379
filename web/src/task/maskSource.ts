/** Masks that planes can draw: those that are edited, and those of other networks and readings. */

import {
  type Bits,
  type Box,
  type Changed,
  type EditSession,
  type Grid,
  type Runs,
  type Vec3,
  RunBuilder,
  bitsOfRuns,
  boxOfRuns,
  boxSize,
  emptyBits,
  forEachRow,
  joinBoxes,
} from '../engine';
import type { CodedMasks } from '../api/voxels';

/** Masks to draw; a version rises whenever the organ's mask changes. */
export interface MaskSource {
  readonly id: string;
  readonly size: Vec3;
  readonly loadedBox: Box;
  bits(organ: string): Bits;
  version(organ: string): number;
  /** A box that holds the organ. */
  extent(organ: string): Box;
  /** Whether the source says where the organ is, or that it is absent. */
  knows(organ: string): boolean;
}

const NOWHERE: Box = { min: [0, 0, 0], max: [0, 0, 0] };

/** The runs of every organ in set-coded masks, in one pass. */
export function runsOfMasks(
  size: Vec3,
  masks: CodedMasks,
  organOf: ReadonlyMap<number, string>,
): Map<string, Runs> {
  const builders = new Map<string, RunBuilder>();
  const bySet = masks.sets.map((set) => set.flatMap((index) => builderOf(builders, organOf.get(index))));
  const [width] = boxSize(masks.box);
  let at = 0;
  forEachRow(size, masks.box, (first) => {
    pushRow(masks.codes, at, width, first, bySet);
    at += width;
  });
  return new Map([...builders].map(([organ, builder]) => [organ, builder.runs()]));
}

function builderOf(builders: Map<string, RunBuilder>, organ: string | undefined): RunBuilder[] {
  if (organ === undefined) return [];
  const builder = builders.get(organ) ?? new RunBuilder();
  builders.set(organ, builder);
  return [builder];
}

function pushRow(
  codes: Uint8Array | Uint16Array,
  at: number,
  width: number,
  first: number,
  bySet: readonly (readonly RunBuilder[])[],
): void {
  for (let from = 0; from < width;) {
    const code = codes[at + from]!;
    let to = from + 1;
    while (to < width && codes[at + to] === code) to += 1;
    for (const builder of bySet[code]!) builder.push(first + from, first + to);
    from = to;
  }
}

/** The masks that the reader edits. */
export class EditedMasks implements MaskSource {
  readonly id = 'shown';
  private readonly versions = new Map<string, number>();
  private readonly extents = new Map<string, Box>();

  constructor(private readonly session: EditSession) {}

  get size(): Vec3 {
    return this.session.masks.grid.size;
  }

  get loadedBox(): Box {
    return this.session.masks.loadedBox;
  }

  bits(organ: string): Bits {
    return this.session.masks.bits(organ);
  }

  version(organ: string): number {
    return this.versions.get(organ) ?? 0;
  }

  extent(organ: string): Box {
    return this.extents.get(organ) ?? NOWHERE;
  }

  knows(): boolean {
    return true;
  }

  /** Note the masks that were loaded. */
  loaded(masks: ReadonlyMap<string, Runs>): void {
    for (const [organ, runs] of masks) this.touch(organ, boxOfRuns(this.size, runs));
    for (const organ of this.session.masks.organs) this.touch(organ, NOWHERE);
  }

  /** Note an edit. */
  changed({ organs, box }: Changed): void {
    for (const organ of organs) this.touch(organ, box);
  }

  private touch(organ: string, box: Box): void {
    this.versions.set(organ, this.version(organ) + 1);
    this.extents.set(organ, joinBoxes(this.extent(organ), box));
  }
}

/** Masks of another network, of an earlier reading, or as they were before editing. */
export class OtherMasks implements MaskSource {
  private readonly masks = new Map<string, { bits: Bits; extent: Box }>();
  private readonly nothing: Bits;

  constructor(
    readonly id: string,
    private readonly grid: Grid,
    readonly loadedBox: Box,
    runs: ReadonlyMap<string, Runs>,
    private readonly known: ReadonlySet<string>,
  ) {
    this.nothing = emptyBits(grid.size);
    for (const [organ, its] of runs) {
      this.masks.set(organ, { bits: bitsOfRuns(grid.size, its), extent: boxOfRuns(grid.size, its) });
    }
  }

  get size(): Vec3 {
    return this.grid.size;
  }

  bits(organ: string): Bits {
    return this.masks.get(organ)?.bits ?? this.nothing;
  }

  version(): number {
    return 0;
  }

  extent(organ: string): Box {
    return this.masks.get(organ)?.extent ?? NOWHERE;
  }

  knows(organ: string): boolean {
    return this.known.has(organ);
  }
}
