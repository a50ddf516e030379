/** Storages outside memory for tests. */

import type { ChunkStorage } from '../../src/engine';

/** Keeps bytes in a map; each call takes a turn of the event loop, as IndexedDB does. */
export class SlowStorage implements ChunkStorage {
  readonly kept = new Map<string, Uint8Array>();

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await turn();
    this.kept.set(key, bytes.slice());
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    await turn();
    return this.kept.get(key);
  }

  async delete(key: string): Promise<void> {
    await turn();
    this.kept.delete(key);
  }
}

/** A storage that is full. */
export class FullStorage extends SlowStorage {
  override put(): Promise<void> {
    return Promise.reject(new Error('the quota is exceeded'));
  }
}

/** Wait for what the event loop has waiting. */
export const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
