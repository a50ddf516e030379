import { describe, expect, test } from 'vitest';

import { boxRuns, countVoxels, maskRuns, wholeBox } from '../../src/engine';
import { below, randomFrom, runsOf } from './reference';
import { GRID, ORGANS, SMALL, bytesOf, openSession, randomEdit } from './sessions';

describe.each([
  ['memory', {}],
  ['little memory and a storage', SMALL],
] as const)('with %s', (_, options) => {
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
  const parts = [
    [1, 2],
    [2, 3],
    [3, 4],
  ].map((indices) => stroke.add({ organ: 'spleen', add: runsOf(indices), remove: runsOf([500]) }));
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
  const changed = session.edit('brush', {
    organ: 'liver',
    add: runsOf([3 + 13 * (4 + 11 * 5), 6 + 13 * (2 + 11 * 6)]),
  });
  expect(changed).toEqual({ tool: 'brush', organs: ['liver'], box: { min: [3, 2, 5], max: [7, 5, 7] } });
  expect(session.edit('brush', { organ: 'liver', add: runsOf([3 + 13 * (4 + 11 * 5)]) })).toBeUndefined();
});
