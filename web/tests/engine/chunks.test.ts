import { expect, test } from 'vitest';

import { deflate } from '../../src/engine';
import { Chunk, PLAIN, joinEntries, splitEntries } from '../../src/engine/chunks';
import { SlowStorage } from './storage';

const ENTRIES = [Uint8Array.of(1, 2, 3), Uint8Array.of(), Uint8Array.of(4)];
const openChunk = (): Chunk => new Chunk('task-1', { entries: [...ENTRIES] });

test('entries are joined and split, empty ones too', () => {
  expect(splitEntries(joinEntries(ENTRIES))).toEqual(ENTRIES);
});

test('a chunk is packed, stored and opened again', async () => {
  const [chunk, storage] = [openChunk(), new SlowStorage()];
  await chunk.pack(deflate);
  chunk.close();
  await chunk.store(storage);
  expect([chunk.entries, chunk.packed, chunk.memoryBytes]).toEqual([undefined, undefined, 0]);
  await chunk.open(deflate, storage);
  expect(chunk.entries).toEqual(ENTRIES);
});

test('a chunk that is not packed stays open', () => {
  const chunk = openChunk();
  chunk.close();
  expect(chunk.entries).toEqual(ENTRIES);
});

test('what is packed while an entry is appended is not kept', async () => {
  const chunk = openChunk();
  const packing = chunk.pack(deflate);
  chunk.append(Uint8Array.of(9));
  await packing;
  chunk.close();
  expect(chunk.entries).toHaveLength(4);
  await chunk.pack(deflate);
  chunk.close();
  await chunk.open(deflate, undefined);
  expect(chunk.entries?.at(-1)).toEqual(Uint8Array.of(9));
});

test('what is stored while entries are cut goes from the storage', async () => {
  const [chunk, storage] = [openChunk(), new SlowStorage()];
  await chunk.pack(PLAIN);
  const storing = chunk.store(storage);
  chunk.keepFirst(1);
  await storing;
  expect([chunk.isStored, storage.kept.size, chunk.entries?.length]).toEqual([false, 0, 1]);
});

test('the same entries keep their name in the storage, and changed ones get another', () => {
  const chunk = openChunk();
  const { key } = chunk;
  chunk.keepFirst(3);
  expect(chunk.key).toBe(key);
  chunk.append(Uint8Array.of(9));
  expect(chunk.key).not.toBe(key);
});
