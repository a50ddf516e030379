/** Pieces of the journal: open in memory, packed in memory, or in a storage outside it. */

import { ByteReader, ByteWriter } from './bytes';
import { EngineError } from './errors';

/** Compresses bytes, such as `deflate.ts` does by the browser's own streams. */
export interface Codec {
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  decompress(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Keeps bytes outside memory, such as in IndexedDB. */
export interface ChunkStorage {
  put(key: string, bytes: Uint8Array): Promise<void>;
  get(key: string): Promise<Uint8Array | undefined>;
  delete(key: string): Promise<void>;
}

/** Keeps bytes as they are. */
export const PLAIN: Codec = {
  compress: (bytes) => Promise.resolve(bytes),
  decompress: (bytes) => Promise.resolve(bytes),
};

/** Entries of the journal that follow each other. */
export class Chunk {
  /** The entries, oldest first; `undefined` while only packed bytes are there. */
  entries: Uint8Array[] | undefined;
  /** The entries compressed; `undefined` before that, or once they are in the storage alone. */
  packed: Uint8Array | undefined;
  /** Whether the storage has the packed bytes. */
  isStored = false;
  count: number;
  private openBytes: number;
  private version = 0;

  constructor(
    private readonly name: string,
    from: { entries: Uint8Array[] } | { packed: Uint8Array; count: number },
  ) {
    this.entries = 'entries' in from ? from.entries : undefined;
    this.packed = 'packed' in from ? from.packed : undefined;
    this.count = 'entries' in from ? from.entries.length : from.count;
    this.openBytes = sizeOf(this.entries);
  }

  /** Name of these very entries in the storage; another one after each change. */
  get key(): string {
    return `${this.name}-${this.version}`;
  }

  /** Bytes that the entries take, or took when they were open. */
  get entryBytes(): number {
    return this.openBytes;
  }

  /** Bytes that the chunk takes in memory. */
  get memoryBytes(): number {
    return (this.entries === undefined ? 0 : this.openBytes) + (this.packed?.length ?? 0);
  }

  /** Append an entry to an open chunk; what was packed of it is out of date. */
  append(entry: Uint8Array): void {
    this.entries!.push(entry);
    this.openBytes += entry.length;
    this.changed();
  }

  /** Keep the first entries of an open chunk. */
  keepFirst(count: number): void {
    if (count === this.count) return;
    this.entries!.length = count;
    this.openBytes = sizeOf(this.entries);
    this.changed();
  }

  /** Compress the entries; leaves the chunk as it is if it changed meanwhile. */
  async pack(codec: Codec): Promise<void> {
    if (this.packed !== undefined || this.isStored) return;
    const { version } = this;
    const packed = await codec.compress(joinEntries(this.entries!));
    if (this.version === version) this.packed = packed;
  }

  /** Put the packed bytes into the storage and let go of them; not if the chunk changes meanwhile. */
  async store(storage: ChunkStorage): Promise<void> {
    const { key, packed } = this;
    if (packed === undefined) return;
    await storage.put(key, packed);
    if (this.key !== key) return storage.delete(key);
    this.isStored = true;
    this.packed = undefined;
  }

  /** Let go of the open entries; the packed bytes have them all. */
  close(): void {
    if (this.packed !== undefined || this.isStored) this.entries = undefined;
  }

  /**
   * Open the entries again.
   *
   * @throws EngineError The storage no longer has them.
   */
  async open(codec: Codec, storage: ChunkStorage | undefined): Promise<void> {
    if (this.entries !== undefined) return;
    const opened = splitEntries(await codec.decompress(await this.packedBytes(storage)));
    this.entries ??= opened;
    this.openBytes = sizeOf(this.entries);
  }

  /** Give the packed bytes, from the storage if they are there alone. */
  async packedBytes(storage: ChunkStorage | undefined): Promise<Uint8Array> {
    const packed = this.packed ?? (await storage?.get(this.key));
    if (packed === undefined) {
      throw new EngineError(`steps ${this.key} are no longer in the browser's storage; undo ends here`);
    }
    return packed;
  }

  private changed(): void {
    this.version += 1;
    this.count = this.entries!.length;
    this.packed = undefined;
    this.isStored = false;
  }
}

function sizeOf(entries: readonly Uint8Array[] | undefined): number {
  return entries?.reduce((bytes, entry) => bytes + entry.length, 0) ?? 0;
}

/** Entries as one block of bytes, each after its length. */
export function joinEntries(entries: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter();
  entries.forEach((entry) => writer.block(entry));
  return writer.bytes();
}

/** Entries of a block that `joinEntries` wrote. */
export function splitEntries(bytes: Uint8Array): Uint8Array[] {
  const reader = new ByteReader(bytes);
  const entries: Uint8Array[] = [];
  while (!reader.isAtEnd) entries.push(reader.block());
  return entries;
}
