import { describe, expect, test } from 'vitest';

import { type JournalOptions, deflate } from '../../src/engine';
import { ByteReader, ByteWriter } from '../../src/engine/bytes';
import { decodeChange, encodeChange, mergeFlips } from '../../src/engine/changes';
import { Journal } from '../../src/engine/journal';
import { GRIDS, below, randomFrom, randomRuns, runsOf } from './reference';
import { FullStorage, SlowStorage } from './storage';

/** An entry that says its number, of the length that random changes have. */
function entry(random: () => number, number: number): Uint8Array {
  const bytes = Uint8Array.from({ length: 40 + below(random, 100) }, () => below(random, 4));
  return new ByteWriter().number(number).block(bytes).bytes();
}

const KEPT: [string, () => JournalOptions][] = [
  ['in memory', () => ({})],
  ['in small chunks', () => ({ chunkBytes: 300 })],
  ['compressed', () => ({ chunkBytes: 300, memoryBytes: 1000, codec: deflate })],
  [
    'in a storage',
    () => ({ chunkBytes: 300, memoryBytes: 1000, codec: deflate, storage: new SlowStorage() }),
  ],
  ['in a full storage', () => ({ chunkBytes: 300, memoryBytes: 1000, storage: new FullStorage() })],
];

describe.each(KEPT)('a journal that is kept %s', (_, options) => {
  test('gives each entry back as often as it is asked, in order, from the last to the first', async () => {
    const random = randomFrom(101);
    const entries = Array.from({ length: 80 }, (_entry, n) => entry(random, n));
    const journal = new Journal(options());
    entries.forEach((bytes) => journal.record(bytes));
    for (let round = 0; round < 2; round += 1) {
      for (let n = 79; n >= 0; n -= 1) expect(await journal.undo()).toEqual(entries[n]);
      expect(await journal.undo()).toBeUndefined();
      for (let n = 0; n < 80; n += 1) expect(await journal.redo()).toEqual(entries[n]);
      expect(await journal.redo()).toBeUndefined();
      await journal.settle();
    }
  });

  test('follows a random walk of recording, undo and redo as a plain list does', async () => {
    const random = randomFrom(102);
    const journal = new Journal(options());
    let [list, done]: [Uint8Array[], number] = [[], 0];
    for (let n = 0; n < 600; n += 1) {
      const move = random();
      if (move < 0.5) {
        list = [...list.slice(0, done), entry(random, n)];
        journal.record(list.at(-1)!);
        done += 1;
      } else if (move < 0.8) {
        expect(await journal.undo()).toEqual(done > 0 ? list[done - 1] : undefined);
        done = Math.max(0, done - 1);
      } else {
        expect(await journal.redo()).toEqual(list[done]);
        done = Math.min(list.length, done + 1);
      }
      expect([journal.position, journal.length]).toEqual([done, list.length]);
      if (random() < 0.05) await journal.settle();
    }
  });

  test('is the same after it was written and read, wherever undo stood', async () => {
    const random = randomFrom(103);
    const entries = Array.from({ length: 40 }, (_entry, n) => entry(random, n));
    for (const undone of [0, 1, 13, 40]) {
      const kept = options();
      const journal = new Journal(kept);
      entries.forEach((bytes) => journal.record(bytes));
      for (let n = 0; n < undone; n += 1) await journal.undo();
      const read = await Journal.load(await journal.save(), kept);
      expect([read.position, read.length]).toEqual([40 - undone, 40]);
      const fresh = entry(random, 99);
      read.record(fresh);
      expect(await read.undo()).toEqual(fresh);
      for (let n = 39 - undone; n >= 0; n -= 1) expect(await read.undo()).toEqual(entries[n]);
    }
  });
});

test('memory stays within its bound where there is a storage, also while far back', async () => {
  const random = randomFrom(104);
  const storage = new SlowStorage();
  const journal = new Journal({
    chunkBytes: 300,
    memoryBytes: 2000,
    codec: deflate,
    storage,
    name: 'task-7',
  });
  for (let n = 0; n < 300; n += 1) {
    journal.record(entry(random, n));
    await journal.settle();
    expect(journal.memoryBytes).toBeLessThanOrEqual(2000);
  }
  expect([...storage.kept.keys()].every((key) => key.startsWith('task-7-'))).toBe(true);
  for (let n = 0; n < 250; n += 1) {
    await journal.undo();
    await journal.settle();
    expect(journal.memoryBytes).toBeLessThanOrEqual(2000);
  }
});

test('what is no longer needed goes from the storage', async () => {
  const random = randomFrom(105);
  const storage = new SlowStorage();
  const journal = new Journal({ chunkBytes: 200, memoryBytes: 500, storage });
  for (let n = 0; n < 60; n += 1) journal.record(entry(random, n));
  await journal.settle();
  expect(storage.kept.size).toBeGreaterThan(5);
  for (let n = 0; n < 60; n += 1) await journal.undo();
  journal.record(entry(random, 99));
  await journal.settle();
  await journal.settle();
  expect(storage.kept.size).toBe(0);
});

test('a full storage loses nothing and is told', async () => {
  const random = randomFrom(106);
  const journal = new Journal({ chunkBytes: 200, memoryBytes: 500, storage: new FullStorage() });
  for (let n = 0; n < 60; n += 1) journal.record(entry(random, n));
  await journal.settle();
  expect(String(journal.problem)).toMatch(/quota/);
});

test('a journal without a storage keeps all and says when it is too large', async () => {
  const random = randomFrom(110);
  const journal = new Journal({ chunkBytes: 200, memoryBytes: 3000, codec: deflate });
  journal.record(entry(random, 0));
  await journal.settle();
  expect(journal.problem).toBeUndefined();
  for (let n = 1; n < 200; n += 1) journal.record(entry(random, n));
  await journal.settle();
  expect(String(journal.problem)).toMatch(/more than 3000/);
});

test('an entry that the storage lost is told, and those after it can still be taken back', async () => {
  const random = randomFrom(107);
  const storage = new SlowStorage();
  const journal = new Journal({ chunkBytes: 200, memoryBytes: 500, storage });
  for (let n = 0; n < 60; n += 1) journal.record(entry(random, n));
  await journal.settle();
  storage.kept.clear();
  expect(await journal.undo()).toBeDefined();
  const undoAll = async (): Promise<void> => {
    while ((await journal.undo()) !== undefined);
  };
  await expect(undoAll()).rejects.toThrow(/no longer in the browser's storage/);
});

test('two undos at once take back two entries', async () => {
  const random = randomFrom(108);
  const entries = Array.from({ length: 30 }, (_entry, n) => entry(random, n));
  const journal = new Journal({
    chunkBytes: 200,
    memoryBytes: 300,
    codec: deflate,
    storage: new SlowStorage(),
  });
  entries.forEach((bytes) => journal.record(bytes));
  await journal.settle();
  const given = await Promise.all(Array.from({ length: 30 }, () => journal.undo()));
  expect(given).toEqual(entries.toReversed());
});

test('changes are written and read with their tool, organs and runs', () => {
  const random = randomFrom(109);
  const organs = ['liver', 'spleen', 'pancreas'];
  for (let n = 0; n < 20; n += 1) {
    const runs = randomRuns(random, GRIDS['thick slices of 5 mm']!);
    const change = {
      tool: 'Füllen ☐',
      flips: new Map([
        ['spleen', runs],
        ['liver', runsOf([4e9, 4e9 + 7])],
      ]),
    };
    expect(decodeChange(encodeChange(change, organs), organs)).toEqual(change);
  }
});

test('bytes that are cut short or of other organs are refused', () => {
  const bytes = encodeChange({ tool: 'brush', flips: new Map([['spleen', runsOf([5, 900])]]) }, [
    'liver',
    'spleen',
  ]);
  expect(() => decodeChange(bytes.slice(0, -1), ['liver', 'spleen'])).toThrow(/middle of a value/);
  expect(() => decodeChange(bytes, ['liver'])).toThrow(/organ number 1 of 1/);
  expect(() => new ByteReader(Uint8Array.of(9, 1)).block()).toThrow(/ends after 2 bytes/);
});

test('a journal of another format is refused', async () => {
  await expect(Journal.load(new ByteWriter().text('journal-9').bytes())).rejects.toThrow(/"journal-9"/);
});

test('steps of a stroke merge to what is left of them', () => {
  const steps = [[1, 2], [2, 3], [3, 4], [9], [9]].map((indices) => new Map([['liver', runsOf(indices)]]));
  expect(mergeFlips(steps)).toEqual(new Map([['liver', runsOf([1, 4])]]));
  expect(mergeFlips([...steps, ...steps]).size).toBe(0);
});
