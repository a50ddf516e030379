import { describe, expect, test } from 'vitest';

import {
  EditSession,
  bitsOfRuns,
  boxOfBits,
  boxRuns,
  clipToBox,
  countVoxels,
  editOfDiff,
  hasVoxel,
  isInside,
  maskRuns,
  readDraft,
  runsOfCodes,
  subtractRuns,
  unionRuns,
  unpackBox,
  voxelAt,
  wholeBox,
} from '../../src/engine';
import { GRIDS, indicesOf, indicesWhere, randomBox, randomFrom, runsOf } from './reference';
import { GRID, ORGANS, SMALL, bytesOf, masksOf, openSession, randomEdit } from './sessions';

describe.each([
  ['memory', {}],
  ['little memory and a storage', SMALL],
] as const)('with %s', (_, options) => {
  test('a draft goes on in a fresh session, with undo to the first state', async () => {
    const random = randomFrom(112);
    const session = openSession({ ...options });
    const first = bytesOf(session);
    for (let n = 0; n < 60; n += 1) session.edit(`tool ${n}`, ...randomEdit(random, session));
    for (let n = 0; n < 5; n += 1) await session.undo();
    const [last, diff] = [bytesOf(session), session.diff()];
    const draft = await session.draft('hashes');
    const fresh = openSession({ ...options });
    expect((await fresh.restore(draft, 'hashes')).organs).toEqual(ORGANS);
    expect(bytesOf(fresh)).toBe(last);
    expect(fresh.diff()).toEqual(diff);
    ORGANS.forEach((organ) => expect(fresh.volumeMl(organ)).toBeCloseTo(session.volumeMl(organ), 12));
    const redone = await fresh.redo();
    expect(redone).toEqual(await session.redo());
    expect(bytesOf(fresh)).toBe(bytesOf(session));
    while ((await fresh.undo()) !== undefined);
    expect(bytesOf(fresh)).toBe(first);
  });
});

test('the whole CT follows a region while edits and undo stay', async () => {
  const random = randomFrom(115);
  const region = { min: [3, 2, 1], max: [9, 8, 5] } as const;
  const session = openSession({}, region);
  const loaded = masksOf(7);
  for (let n = 0; n < 20; n += 1) session.edit('tool', ...randomEdit(random, session));
  const inside = ORGANS.map((organ) =>
    clipToBox(GRID.size, maskRuns(GRID.size, session.masks.bits(organ)), region),
  );
  session.load(wholeBox(GRID.size), loaded);
  ORGANS.forEach((organ, n) => {
    const outside = subtractRuns(loaded.get(organ)!, boxRuns(GRID.size, region));
    expect(maskRuns(GRID.size, session.masks.bits(organ))).toEqual(unionRuns(inside[n]!, outside));
    expect(session.volumeMl(organ)).toBeCloseTo(
      countVoxels(unionRuns(inside[n]!, outside)) * GRID.voxelMl,
      12,
    );
  });
  session
    .diff()
    .forEach(({ box }) =>
      expect(
        [...box.min, ...box.max].every((value, n) =>
          n < 3 ? value >= region.min[n]! : value <= region.max[n - 3]!,
        ),
      ).toBe(true),
    );
  while ((await session.undo()) !== undefined);
  ORGANS.forEach((organ) =>
    expect(maskRuns(GRID.size, session.masks.bits(organ))).toEqual(loaded.get(organ)),
  );
  expect(session.diff()).toEqual([]);
});

test('a smaller box is refused, as what is loaded stays', () => {
  const session = openSession();
  expect(() => session.load({ min: [0, 0, 0], max: [5, 5, 5] }, new Map())).toThrow(
    /does not hold the loaded box/,
  );
});

test('a diff painted over the loaded masks gives the masks as they are', () => {
  const random = randomFrom(116);
  const session = openSession();
  for (let n = 0; n < 15; n += 1) session.edit('tool', ...randomEdit(random, session));
  const changed = new Map(session.diff().map((diff) => [diff.organ, diff]));
  for (const organ of ORGANS) {
    const loaded = masksOf(7).get(organ)!;
    const diff = changed.get(organ);
    const now =
      diff === undefined
        ? loaded
        : unionRuns(
            subtractRuns(loaded, boxRuns(GRID.size, diff.box)),
            unpackBox(GRID.size, diff.bits, diff.box),
          );
    expect(maskRuns(GRID.size, session.masks.bits(organ))).toEqual(now);
    const voxels =
      diff === undefined
        ? 0
        : indicesOf(now).filter((at) => isInside(diff.box, voxelAt(GRID.size, at))).length;
    expect(diff?.voxelsNow ?? 0).toBe(voxels);
  }
});

test('the box of a diff is the least one', () => {
  const session = openSession();
  const bits = session.masks.bits('liver').slice();
  session.edit('flip', { organ: 'liver', add: runsOf([200, 640]), remove: runsOf([200, 640]) });
  session.edit('clear', { organ: 'liver', remove: runsOf([0, 1000]) });
  const changed = indicesWhere(
    GRID,
    (_voxel, index) =>
      hasVoxel(maskRuns(GRID.size, bits), index) !==
      hasVoxel(maskRuns(GRID.size, session.masks.bits('liver')), index),
  );
  expect(session.diff()[0]!.box).toEqual(boxOfBits(GRID.size, bitsOfRuns(GRID.size, runsOf(changed))));
});

test('after a save only later edits differ, and undo still goes back beyond it', async () => {
  const random = randomFrom(117);
  const session = openSession();
  const first = bytesOf(session);
  for (let n = 0; n < 10; n += 1) session.edit('tool', ...randomEdit(random, session));
  const saved = session.diff();
  session.edit('later', {
    organ: 'liver',
    add: boxRuns(GRID.size, { min: [0, 0, 0], max: [2, 2, 2] }),
    remove: boxRuns(GRID.size, wholeBox(GRID.size)),
  });
  session.markSaved(saved);
  expect(session.diff().map(({ organ }) => organ)).toEqual(['liver']);
  await session.undo();
  expect(session.diff()).toEqual([]);
  while ((await session.undo()) !== undefined);
  expect(bytesOf(session)).toBe(first);
  expect(
    session
      .diff()
      .map(({ organ }) => organ)
      .sort(),
  ).toEqual(saved.map(({ organ }) => organ).sort());
});

test('work on an older base is painted over newer masks as one step', async () => {
  const random = randomFrom(118);
  const session = openSession();
  for (let n = 0; n < 10; n += 1) session.edit('tool', ...randomEdit(random, session));
  const newer = new EditSession(GRID, ORGANS);
  newer.load(wholeBox(GRID.size), masksOf(8));
  const before = bytesOf(newer);
  const diffs = session.diff();
  newer.edit('earlier work', ...diffs.map((diff) => editOfDiff(newer.masks, diff)));
  for (const { organ, box, bits } of diffs) {
    const now = maskRuns(GRID.size, newer.masks.bits(organ));
    expect(clipToBox(GRID.size, now, box)).toEqual(unpackBox(GRID.size, bits, box));
    expect(subtractRuns(now, boxRuns(GRID.size, box))).toEqual(
      subtractRuns(masksOf(8).get(organ)!, boxRuns(GRID.size, box)),
    );
  }
  await newer.undo();
  expect(bytesOf(newer)).toBe(before);
});

describe('a draft is refused', () => {
  const drafted = async (): Promise<Uint8Array> => {
    const session = openSession();
    session.edit('brush', { organ: 'liver', add: runsOf([1, 2, 3]), remove: runsOf([400, 500]) });
    return session.draft('A');
  };

  test('where other masks are loaded, another CT, other organs, or too small a box', async () => {
    const draft = await drafted();
    const other = (grid = GRID, organs = ORGANS, box = wholeBox(grid.size)): EditSession => {
      const session = new EditSession(grid, organs);
      session.load(box, new Map());
      return session;
    };
    await expect(other().restore(draft, 'B')).rejects.toThrow(/began with masks A, and B are loaded/);
    await expect(other(GRIDS['cubes of 1 mm']).restore(draft, 'A')).rejects.toThrow(/13 x 11 x 7/);
    await expect(other(GRID, ['liver']).restore(draft, 'A')).rejects.toThrow(/organs are liver, spleen/);
    await expect(
      other(GRID, ORGANS, randomBox(randomFrom(5), GRID.size)).restore(draft, 'A'),
    ).rejects.toThrow(/load this first/);
    expect(readDraft(draft).loadedBox).toEqual(wholeBox(GRID.size));
  });

  test('where something was edited already, or its bytes are damaged', async () => {
    const draft = await drafted();
    const session = openSession();
    session.edit('clear', { organ: 'liver', remove: boxRuns(GRID.size, wholeBox(GRID.size)) });
    await expect(session.restore(draft, 'A')).rejects.toThrow(/masks were edited/);
    await expect(openSession().restore(draft.slice(0, -3), 'A')).rejects.toThrow(/use an older one/);
    await expect(openSession().restore(Uint8Array.of(1, 65), 'A')).rejects.toThrow(/format "A"/);
  });
});

test('set-coded masks give each organ its voxels', () => {
  const box = { min: [1, 1, 1], max: [3, 3, 3] } as const;
  const sets = [[], [6], [1, 6]];
  const codes = Uint8Array.of(0, 1, 2, 0, 1, 2, 0, 0);
  const holds = (index: number): boolean[] => sets.map((set) => set.includes(index));
  const inBox = indicesOf(boxRuns(GRID.size, box));
  expect(indicesOf(runsOfCodes(GRID, box, codes, holds(6)))).toEqual(
    [1, 2, 4, 5].map((place) => inBox[place]),
  );
  expect(indicesOf(runsOfCodes(GRID, box, codes, holds(1)))).toEqual([2, 5].map((place) => inBox[place]));
  expect(() => runsOfCodes(GRID, box, codes.slice(1), holds(6))).toThrow(/7 codes/);
});
