import { describe, expect, test } from 'vitest';

import {
  type Edit,
  type Overlap,
  type Runs,
  EngineError,
  OrganMasks,
  bitsOfRuns,
  boxRuns,
  copyFrom,
  countVoxels,
  flipsOf,
  handOver,
  hasVoxel,
  isInside,
  maskRuns,
  replaceWithin,
  swapOrgans,
  touchingOrgan,
  voxelAt,
  wholeBox,
  xorRuns,
} from '../../src/engine';
import { masksOfRuns } from '../../src/engine/masks';
import {
  GRIDS,
  allVoxels,
  below,
  indicesOf,
  indicesWhere,
  pieces,
  randomBox,
  randomFrom,
  randomRuns,
  runsOf,
} from './reference';

const ORGANS = ['liver', 'spleen', 'kidney_left', 'kidney_right'];
const OVERLAPS: Overlap[] = ['allow', 'take', 'avoid'];

function randomMasks(random: () => number, grid = GRIDS['thick slices of 5 mm']!): OrganMasks {
  return masksOfRuns(grid, Object.fromEntries(ORGANS.map((organ) => [organ, randomRuns(random, grid)])));
}

const runsIn = (masks: OrganMasks, organ: string): Runs => maskRuns(masks.grid.size, masks.bits(organ));

/** What a voxel's organs are after an edit, voxel by voxel. */
function naiveEdit(
  masks: OrganMasks,
  edit: Edit,
  before: ReadonlyMap<string, Runs>,
  index: number,
): Set<string> {
  const { organ, add, remove, overlap = 'allow' } = edit;
  const has = new Set(ORGANS.filter((name) => hasVoxel(before.get(name)!, index)));
  if (masks.isLocked(organ)) return has;
  const others = [...has].filter((name) => name !== organ);
  const keeps = others.some((name) => overlap === 'avoid' || (overlap === 'take' && masks.isLocked(name)));
  if (add !== undefined && hasVoxel(add, index) && !keeps) {
    if (overlap === 'take') others.forEach((name) => has.delete(name));
    return has.add(organ);
  }
  if (remove !== undefined && hasVoxel(remove, index)) has.delete(organ);
  return has;
}

describe.each(OVERLAPS)('where overlaps are to %s', (overlap) => {
  test('an edit changes each voxel as the rule says, and no locked organ', () => {
    const random = randomFrom(91);
    for (let n = 0; n < 12; n += 1) {
      const masks = randomMasks(random);
      ORGANS.forEach((organ) => masks.setLocked(organ, random() < 0.3));
      const [add, remove] = [randomRuns(random, masks.grid), randomRuns(random, masks.grid)];
      const edit = { organ: ORGANS[below(random, 4)]!, add, remove, overlap };
      const flips = flipsOf(masks, edit);
      const before = new Map(ORGANS.map((organ) => [organ, runsIn(masks, organ)]));
      const after = allVoxels(masks.grid).map((_voxel, index) => naiveEdit(masks, edit, before, index));
      for (const organ of ORGANS) {
        const flipped = flips.get(organ) ?? runsOf([]);
        const expected = indicesWhere(masks.grid, (_voxel, index) => after[index]!.has(organ));
        expect(indicesOf(xorRuns(before.get(organ)!, flipped))).toEqual(expected);
        if (masks.isLocked(organ)) expect(flipped).toHaveLength(0);
      }
    }
  });
});

test('nothing changes outside the loaded box', () => {
  const grid = GRIDS['cubes of 1 mm']!;
  const masks = new OrganMasks(grid, ['liver']);
  const box = { min: [2, 2, 2], max: [5, 5, 5] } as const;
  masks.load(box, new Map());
  const flips = flipsOf(masks, { organ: 'liver', add: boxRuns(grid.size, wholeBox(grid.size)) });
  expect(flips.get('liver')).toEqual(boxRuns(grid.size, box));
});

test('a region is replaced, and the rest stays', () => {
  const random = randomFrom(92);
  for (let n = 0; n < 10; n += 1) {
    const masks = randomMasks(random);
    const [wanted, region] = [randomRuns(random, masks.grid), randomRuns(random, masks.grid)];
    const before = runsIn(masks, 'liver');
    masks.flip(flipsOf(masks, replaceWithin(masks.bits('liver'), 'liver', wanted, region)));
    const expected = indicesWhere(masks.grid, (_voxel, index) =>
      hasVoxel(hasVoxel(region, index) ? wanted : before, index),
    );
    expect(indicesOf(runsIn(masks, 'liver'))).toEqual(expected);
  }
});

test('another mask is copied within a box, within a selection, or as a whole', () => {
  const random = randomFrom(93);
  const grid = GRIDS['thick slices of 5 mm']!;
  const [box, selection, other] = [
    randomBox(random, grid.size),
    randomRuns(random, grid),
    randomRuns(random, grid),
  ];
  for (const region of [box, selection, undefined]) {
    const masks = randomMasks(randomFrom(94), grid);
    const before = runsIn(masks, 'spleen');
    masks.flip(flipsOf(masks, copyFrom(masks, 'spleen', bitsOfRuns(grid.size, other), region)));
    const isIn = (index: number): boolean =>
      region === undefined ||
      (region === box ? isInside(box, voxelAt(grid.size, index)) : hasVoxel(selection, index));
    const expected = indicesWhere(grid, (_voxel, index) => hasVoxel(isIn(index) ? other : before, index));
    expect(indicesOf(runsIn(masks, 'spleen'))).toEqual(expected);
  }
});

test('the sides of a pair are exchanged, everywhere or in the piece that was clicked', () => {
  const random = randomFrom(95);
  for (let n = 0; n < 10; n += 1) {
    const masks = randomMasks(random);
    const [left, right] = [runsIn(masks, 'kidney_left'), runsIn(masks, 'kidney_right')];
    const both = indicesWhere(masks.grid, (_voxel, index) => hasVoxel(left, index) || hasVoxel(right, index));
    const start = both[below(random, both.length)]!;
    const piece = n === 0 ? new Set(both) : pieces(masks.grid, both, 26).find((found) => found.has(start))!;
    const clicked = n === 0 ? [] : [voxelAt(masks.grid.size, start)];
    swapOrgans(masks, ['kidney_left', 'kidney_right'], ...clicked)
      .map((edit) => flipsOf(masks, edit))
      .forEach((flips) => masks.flip(flips));
    const expected = (own: Runs, other: Runs): number[] =>
      indicesWhere(masks.grid, (_voxel, index) => hasVoxel(piece.has(index) ? other : own, index));
    expect(indicesOf(runsIn(masks, 'kidney_left'))).toEqual(expected(left, right));
    expect(indicesOf(runsIn(masks, 'kidney_right'))).toEqual(expected(right, left));
  }
});

test('a piece goes to the neighbour that shares most faces with it', () => {
  const grid = GRIDS['cubes of 1 mm']!;
  const block = (from: number, to: number, rows: number): Runs =>
    runsOf(indicesWhere(grid, ([i, j, k]) => i >= from && i < to && j < rows && k < 4));
  const masks = masksOfRuns(grid, {
    liver: block(0, 3, 4),
    kidney_right: block(3, 5, 4),
    spleen: block(5, 7, 3),
    pancreas: runsOf([]),
  });
  const piece = runsIn(masks, 'kidney_right');
  expect(touchingOrgan(masks, 'kidney_right', piece)).toBe('liver');
  handOver(masks, 'kidney_right', 'liver', [3, 1, 1])
    .map((edit) => flipsOf(masks, edit))
    .forEach((flips) => masks.flip(flips));
  expect(countVoxels(runsIn(masks, 'kidney_right'))).toBe(0);
  expect(runsIn(masks, 'liver')).toEqual(block(0, 5, 4));
  expect(touchingOrgan(masks, 'pancreas', runsOf([989]))).toBeUndefined();
  masks.setLocked('liver', true);
  expect(touchingOrgan(masks, 'kidney_right', piece)).toBe('spleen');
});

test('tools that change two organs are refused while one is locked, so that nothing is lost', () => {
  const masks = randomMasks(randomFrom(96));
  masks.setLocked('kidney_right', true);
  expect(() => swapOrgans(masks, ['kidney_left', 'kidney_right'])).toThrow(/kidney_right locked/);
  expect(() => handOver(masks, 'kidney_left', 'kidney_right', [0, 0, 0])).toThrow(EngineError);
});

test('a click outside the organ is refused', () => {
  const grid = GRIDS['cubes of 1 mm']!;
  const masks = masksOfRuns(grid, { liver: runsOf([5]), spleen: runsOf([]) });
  expect(() => handOver(masks, 'liver', 'spleen', [0, 0, 3])).toThrow(/voxel 0, 0, 3 is not in liver/);
});

test('an unknown organ and one that is named twice are refused', () => {
  const masks = randomMasks(randomFrom(97));
  expect(() => flipsOf(masks, { organ: 'lung' })).toThrow(/"lung" is not among liver, spleen/);
  expect(() => new OrganMasks(masks.grid, ['liver', 'liver'])).toThrow(/twice/);
});
