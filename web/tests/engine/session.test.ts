import { describe, expect, test } from 'vitest';

import {
  type Edit,
  type JournalOptions,
  type Runs,
  EditSession,
  bitsOfRuns,
  boxOfBits,
  boxRuns,
  brushStroke,
  clipToBox,
  countVoxels,
  deflate,
  editOfDiff,
  floodFill,
  hasVoxel,
  isInside,
  makeScan,
  maskRuns,
  readDraft,
  replaceWithin,
  runAll,
  runsOfCodes,
  shell,
  smoothed,
  subtractRuns,
  swapOrgans,
  unionRuns,
  unpackBox,
  voxelAt,
  wholeBox,
} from '../../src/engine';
import { GRIDS, below, indicesOf, indicesWhere, randomBox, randomFrom, randomHu, randomRuns, runsOf } from './reference';
import { SlowStorage } from './storage';

const GRID = GRIDS['thick slices of 5 mm']!;
const ORGANS = ['liver', 'spleen', 'kidney_left', 'kidney_right'];
const HU = makeScan(wholeBox(GRID.size), randomHu(randomFrom(1), GRID));
const SMALL: JournalOptions = { chunkBytes: 400, memoryBytes: 1500, codec: deflate, storage: new SlowStorage() };

const masksOf = (seed: number): Map<string, Runs> => {
  const random = randomFrom(seed);
  return new Map(ORGANS.map((organ) => [organ, randomRuns(random, GRID)]));
};

function openSession(options: JournalOptions = {}, box = wholeBox(GRID.size)): EditSession {
  const session = new EditSession(GRID, ORGANS, options);
  session.load(box, masksOf(7));
  return session;
}

const bytesOf = (session: EditSession): string => ORGANS.map((organ) => session.masks.bits(organ).join()).join('|');

/** One edit by a tool that is drawn at random. */
function randomEdit(random: () => number, session: EditSession): Edit[] {
  const organ = ORGANS[below(random, 4)]!;
  const bits = session.masks.bits(organ);
  const voxel = voxelAt(GRID.size, below(random, 1001));
  const overlap = (['allow', 'take', 'avoid'] as const)[below(random, 3)]!;
  const brush = brushStroke(GRID, [voxel, voxelAt(GRID.size, below(random, 1001))], { shape: 'ball', radiusMm: 1.5 });
  const tools: (() => Edit[])[] = [
    () => [{ organ, add: brush, overlap }],
    () => [{ organ, remove: brush }],
    () => [{ organ, add: runAll(floodFill(GRID, HU, { seeds: [voxel], band: { low: -200, high: 200 }, mostMl: 0.1 })).runs, overlap }],
    () => [{ organ, add: runAll(shell(GRID, bits, 1.4, wholeBox(GRID.size))), overlap }],
    () => {
      const { wanted, region } = runAll(smoothed(GRID, bits, 0.9, wholeBox(GRID.size)));
      return [replaceWithin(bits, organ, wanted, boxRuns(GRID.size, region))];
    },
    () => (['kidney_left', 'kidney_right'].some((name) => session.masks.isLocked(name)) ? [] : swapOrgans(session.masks, ['kidney_left', 'kidney_right'])),
  ];
  return tools[below(random, tools.length)]!();
}

describe.each([['memory', {}], ['little memory and a storage', SMALL]] as const)('with %s', (_, options) => {
  test('undo and redo over 120 steps restore every bit of each state', async () => {
    const random = randomFrom(111);
    const session = openSession({ ...options });
    const states = [bytesOf(session)];
    while (states.length <= 120) {
      if (random() < 0.2) session.setLocked(ORGANS[below(random, 4)]!, random() < 0.5);
      if (session.edit('tool', ...randomEdit(random, session)) !== undefined) states.push(bytesOf(session));
    }
    for (let round = 0; round < 2; round += 1) {
      for (let n = 119; n >= 0; n -= 1) {
        await session.undo();
        expect(bytesOf(session)).toBe(states[n]);
      }
      expect(await session.undo()).toBeUndefined();
      for (let n = 1; n <= 120; n += 1) {
        await session.redo();
        expect(bytesOf(session)).toBe(states[n]);
      }
      expect(await session.redo()).toBeUndefined();
    }
  });

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

test('locked organs keep every bit, whatever the tools do', () => {
  const random = randomFrom(113);
  const session = openSession();
  const kept = ['liver', 'kidney_left'].map((organ) => session.masks.bits(organ).slice());
  ['liver', 'kidney_left'].forEach((organ) => session.setLocked(organ, true));
  for (let n = 0; n < 100; n += 1) session.edit('tool', ...randomEdit(random, session));
  expect(['liver', 'kidney_left'].map((organ) => session.masks.bits(organ))).toEqual(kept);
});

test('volumes follow every edit, undo and redo, in mL', async () => {
  const random = randomFrom(114);
  const session = openSession();
  const check = (): void =>
    ORGANS.forEach((organ) => {
      const voxels = countVoxels(maskRuns(GRID.size, session.masks.bits(organ)));
      expect(session.volumeMl(organ)).toBeCloseTo((voxels * 0.7 * 0.7 * 5) / 1000, 9);
    });
  for (let n = 0; n < 40; n += 1) {
    session.edit('tool', ...randomEdit(random, session));
    check();
    if (random() < 0.3) await session.undo();
    if (random() < 0.2) await session.redo();
    check();
  }
});

test('a stroke shows its parts at once and is one step of undo', async () => {
  const session = openSession();
  const before = bytesOf(session);
  const stroke = session.startStroke('brush');
  const parts = [[1, 2], [2, 3], [3, 4]].map((indices) => stroke.add({ organ: 'spleen', add: runsOf(indices), remove: runsOf([500]) }));
  expect(parts.some((changed) => changed !== undefined)).toBe(true);
  expect(session.canUndo).toBe(true);
  const after = bytesOf(session);
  expect(stroke.end()).toMatchObject({ tool: 'brush', organs: ['spleen'] });
  expect(stroke.add({ organ: 'spleen', add: runsOf([700]) })).toBeUndefined();
  expect(stroke.end()).toBeUndefined();
  expect(await session.undo()).toMatchObject({ tool: 'brush' });
  expect(bytesOf(session)).toBe(before);
  await session.redo();
  expect(bytesOf(session)).toBe(after);
});

test('a stroke that is cancelled leaves nothing, not even a step', () => {
  const session = openSession();
  const before = bytesOf(session);
  const stroke = session.startStroke('brush');
  stroke.add({ organ: 'liver', add: boxRuns(GRID.size, wholeBox(GRID.size)), overlap: 'take' });
  expect(bytesOf(session)).not.toBe(before);
  expect(stroke.cancel()?.organs.length).toBeGreaterThan(1);
  expect(bytesOf(session)).toBe(before);
  expect(session.canUndo).toBe(false);
});

test('undo ends an open stroke first, and so does the next stroke', async () => {
  const session = openSession();
  const before = bytesOf(session);
  session.startStroke('first').add({ organ: 'liver', remove: boxRuns(GRID.size, wholeBox(GRID.size)) });
  session.startStroke('second').add({ organ: 'spleen', remove: boxRuns(GRID.size, wholeBox(GRID.size)) });
  expect((await session.undo())?.tool).toBe('second');
  expect((await session.undo())?.tool).toBe('first');
  expect(bytesOf(session)).toBe(before);
});

test('an edit after undo forgets what was undone', async () => {
  const session = openSession();
  session.edit('a', { organ: 'liver', remove: boxRuns(GRID.size, wholeBox(GRID.size)) });
  await session.undo();
  expect(session.canRedo).toBe(true);
  session.edit('b', { organ: 'spleen', remove: boxRuns(GRID.size, wholeBox(GRID.size)) });
  expect(session.canRedo).toBe(false);
  expect((await session.undo())?.tool).toBe('b');
  expect(await session.undo()).toBeUndefined();
});

test('what an edit reports is the box of the voxels that changed', () => {
  const session = openSession();
  session.edit('clear', { organ: 'liver', remove: boxRuns(GRID.size, wholeBox(GRID.size)) });
  const changed = session.edit('brush', { organ: 'liver', add: runsOf([3 + 13 * (4 + 11 * 5), 6 + 13 * (2 + 11 * 6)]) });
  expect(changed).toEqual({ tool: 'brush', organs: ['liver'], box: { min: [3, 2, 5], max: [7, 5, 7] } });
  expect(session.edit('brush', { organ: 'liver', add: runsOf([3 + 13 * (4 + 11 * 5)]) })).toBeUndefined();
});

test('the whole CT follows a region while edits and undo stay', async () => {
  const random = randomFrom(115);
  const region = { min: [3, 2, 1], max: [9, 8, 5] } as const;
  const session = openSession({}, region);
  const loaded = masksOf(7);
  for (let n = 0; n < 20; n += 1) session.edit('tool', ...randomEdit(random, session));
  const inside = ORGANS.map((organ) => clipToBox(GRID.size, maskRuns(GRID.size, session.masks.bits(organ)), region));
  session.load(wholeBox(GRID.size), loaded);
  ORGANS.forEach((organ, n) => {
    const outside = subtractRuns(loaded.get(organ)!, boxRuns(GRID.size, region));
    expect(maskRuns(GRID.size, session.masks.bits(organ))).toEqual(unionRuns(inside[n]!, outside));
    expect(session.volumeMl(organ)).toBeCloseTo(countVoxels(unionRuns(inside[n]!, outside)) * GRID.voxelMl, 12);
  });
  session.diff().forEach(({ box }) => expect([...box.min, ...box.max].every((value, n) => (n < 3 ? value >= region.min[n]! : value <= region.max[n - 3]!))).toBe(true));
  while ((await session.undo()) !== undefined);
  ORGANS.forEach((organ) => expect(maskRuns(GRID.size, session.masks.bits(organ))).toEqual(loaded.get(organ)));
  expect(session.diff()).toEqual([]);
});

test('a smaller box is refused, as what is loaded stays', () => {
  const session = openSession();
  expect(() => session.load({ min: [0, 0, 0], max: [5, 5, 5] }, new Map())).toThrow(/does not hold the loaded box/);
});

test('a diff painted over the loaded masks gives the masks as they are', () => {
  const random = randomFrom(116);
  const session = openSession();
  for (let n = 0; n < 15; n += 1) session.edit('tool', ...randomEdit(random, session));
  const changed = new Map(session.diff().map((diff) => [diff.organ, diff]));
  for (const organ of ORGANS) {
    const loaded = masksOf(7).get(organ)!;
    const diff = changed.get(organ);
    const now = diff === undefined
      ? loaded
      : unionRuns(subtractRuns(loaded, boxRuns(GRID.size, diff.box)), unpackBox(GRID.size, diff.bits, diff.box));
    expect(maskRuns(GRID.size, session.masks.bits(organ))).toEqual(now);
    const voxels = diff === undefined ? 0 : indicesOf(now).filter((at) => isInside(diff.box, voxelAt(GRID.size, at))).length;
    expect(diff?.voxelsNow ?? 0).toBe(voxels);
  }
});

test('the box of a diff is the least one', () => {
  const session = openSession();
  const bits = session.masks.bits('liver').slice();
  session.edit('flip', { organ: 'liver', add: runsOf([200, 640]), remove: runsOf([200, 640]) });
  session.edit('clear', { organ: 'liver', remove: runsOf([0, 1000]) });
  const changed = indicesWhere(GRID, (_voxel, index) => hasVoxel(maskRuns(GRID.size, bits), index) !== hasVoxel(maskRuns(GRID.size, session.masks.bits('liver')), index));
  expect(session.diff()[0]!.box).toEqual(boxOfBits(GRID.size, bitsOfRuns(GRID.size, runsOf(changed))));
});

test('after a save only later edits differ, and undo still goes back beyond it', async () => {
  const random = randomFrom(117);
  const session = openSession();
  const first = bytesOf(session);
  for (let n = 0; n < 10; n += 1) session.edit('tool', ...randomEdit(random, session));
  const saved = session.diff();
  session.edit('later', { organ: 'liver', add: boxRuns(GRID.size, { min: [0, 0, 0], max: [2, 2, 2] }), remove: boxRuns(GRID.size, wholeBox(GRID.size)) });
  session.markSaved(saved);
  expect(session.diff().map(({ organ }) => organ)).toEqual(['liver']);
  await session.undo();
  expect(session.diff()).toEqual([]);
  while ((await session.undo()) !== undefined);
  expect(bytesOf(session)).toBe(first);
  expect(session.diff().map(({ organ }) => organ).sort()).toEqual(saved.map(({ organ }) => organ).sort());
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
    expect(subtractRuns(now, boxRuns(GRID.size, box))).toEqual(subtractRuns(masksOf(8).get(organ)!, boxRuns(GRID.size, box)));
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
    await expect(other(GRID, ORGANS, randomBox(randomFrom(5), GRID.size)).restore(draft, 'A')).rejects.toThrow(/load this first/);
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
  expect(indicesOf(runsOfCodes(GRID, box, codes, holds(6)))).toEqual([1, 2, 4, 5].map((place) => inBox[place]));
  expect(indicesOf(runsOfCodes(GRID, box, codes, holds(1)))).toEqual([2, 5].map((place) => inBox[place]));
  expect(() => runsOfCodes(GRID, box, codes.slice(1), holds(6))).toThrow(/7 codes/);
});
