/**
 * The journal of changes: undo and redo without end in bounded memory.
 *
 * Entries are kept in chunks. When they take more than the bound, the chunks furthest from the place of
 * undo are compressed, and then moved to a storage outside memory. No entry is ever dropped: without a
 * storage the journal exceeds its bound and says so.
 */

import { ByteReader, ByteWriter } from './bytes';
import { type ChunkStorage, type Codec, Chunk, PLAIN, joinEntries } from './chunks';
import { EngineError } from './errors';

/** How a journal keeps its entries. */
export interface JournalOptions {
  /** Compresses chunks; they stay as they are if it is not given. */
  readonly codec?: Codec;
  /** Takes chunks for which there is no room. */
  readonly storage?: ChunkStorage;
  /** Name of this journal in the storage, which no other tab or session has. */
  readonly name?: string;
  /** Bytes of memory that the journal may take. */
  readonly memoryBytes?: number;
  /** Bytes of entries in a chunk. */
  readonly chunkBytes?: number;
}

const MEMORY_BYTES = 32 * 2 ** 20;
const CHUNK_BYTES = 256 * 2 ** 10;
const FORMAT = 'omentum-journal-1';

/** Entries that were recorded, and how many of them are done: those before `position`. */
export class Journal {
  /** Why chunks could not be compressed or stored, so that the journal exceeds its bound. */
  problem: unknown;
  private chunks: Chunk[] = [];
  private done = 0;
  private total = 0;
  private named = 0;
  private settling: Promise<void> | undefined;
  private isAsked = false;
  private moves: Promise<unknown> = Promise.resolve();
  private readonly outdated: string[] = [];

  constructor(private readonly options: JournalOptions = {}) {}

  /** Number of entries that are done: the next undo takes back number `position - 1`. */
  get position(): number {
    return this.done;
  }

  /** Number of all entries, those that were undone included. */
  get length(): number {
    return this.total;
  }

  /** Bytes of memory that the entries take. */
  get memoryBytes(): number {
    return this.chunks.reduce((bytes, chunk) => bytes + chunk.memoryBytes, 0);
  }

  /** Append an entry that was just done; entries that were undone before are forgotten. */
  record(entry: Uint8Array): void {
    this.forgetUndone();
    const last = this.chunks.at(-1);
    const limit = this.options.chunkBytes ?? CHUNK_BYTES;
    if (last?.entries !== undefined && last.entryBytes + entry.length <= limit)
      this.change(last, () => last.append(entry));
    else this.chunks.push(new Chunk(this.nextName(), { entries: [entry] }));
    this.done += 1;
    this.total += 1;
    void this.settle();
  }

  /**
   * Give the entry to take back; `undefined` if none is left.
   *
   * Calls of undo and redo that wait for the storage are answered in their order.
   *
   * @throws EngineError The storage has lost it.
   */
  undo(): Promise<Uint8Array | undefined> {
    return this.afterEarlierMoves(-1);
  }

  /**
   * Give the entry to do again; `undefined` if none is left.
   *
   * @throws EngineError The storage has lost it.
   */
  redo(): Promise<Uint8Array | undefined> {
    return this.afterEarlierMoves(1);
  }

  /** Bring memory back within its bound; runs by itself after each entry, and is awaited in tests. */
  settle(): Promise<void> {
    this.isAsked = true;
    this.settling ??= this.makeRoomWhileAsked();
    return this.settling;
  }

  /** Write all entries and the place of undo, for a draft. */
  async save(): Promise<Uint8Array> {
    const writer = new ByteWriter().text(FORMAT).number(this.done).number(this.chunks.length);
    const copies = this.chunks.map((chunk) => ({
      chunk,
      count: chunk.count,
      entries: chunk.entries?.slice(),
    }));
    for (const { chunk, count, entries } of copies) {
      const isOpen = entries !== undefined;
      const packed = isOpen
        ? this.codec.compress(joinEntries(entries))
        : chunk.packedBytes(this.options.storage);
      writer.number(count).block(await packed);
    }
    return writer.bytes();
  }

  /**
   * Read a journal that `save` wrote, with the same codec.
   *
   * @throws EngineError The bytes are none of a journal, or are cut short.
   */
  static async load(bytes: Uint8Array, options: JournalOptions = {}): Promise<Journal> {
    const reader = new ByteReader(bytes);
    const format = reader.text();
    if (format !== FORMAT)
      throw new EngineError(`a journal of format "${format}"; this page reads ${FORMAT}`);
    const journal = new Journal(options);
    journal.done = reader.number();
    for (let left = reader.number(); left > 0; left -= 1) {
      const count = reader.number();
      journal.chunks.push(new Chunk(journal.nextName(), { packed: reader.block().slice(), count }));
      journal.total += count;
    }
    await journal.openAtPosition();
    void journal.settle();
    return journal;
  }

  private afterEarlierMoves(by: 1 | -1): Promise<Uint8Array | undefined> {
    const move = this.moves.then(() => this.move(by));
    this.moves = move.catch(() => undefined);
    return move;
  }

  private async move(by: 1 | -1): Promise<Uint8Array | undefined> {
    const wanted = (): number => (by === 1 ? this.done : this.done - 1);
    while (wanted() >= 0 && wanted() < this.total) {
      const [chunk, place] = this.find(wanted());
      if (chunk.entries !== undefined) {
        this.done += by;
        void this.settle();
        return chunk.entries[place];
      }
      await chunk.open(this.codec, this.options.storage);
    }
    return undefined;
  }

  private get codec(): Codec {
    return this.options.codec ?? PLAIN;
  }

  private nextName(): string {
    this.named += 1;
    return `${this.options.name ?? 'journal'}-${this.named}`;
  }

  /** Open the chunk that is partly undone, so that recording can cut it without waiting. */
  private async openAtPosition(): Promise<void> {
    if (this.done === 0 || this.done === this.total) return;
    const [chunk] = this.find(this.done);
    await chunk.open(this.codec, this.options.storage);
  }

  /** The chunk that has an entry, and the entry's place in it. */
  private find(entry: number): [Chunk, number] {
    let first = 0;
    for (const chunk of this.chunks) {
      if (entry < first + chunk.count) return [chunk, entry - first];
      first += chunk.count;
    }
    throw new EngineError(`entry ${entry} of a journal with ${this.total}; ask for one that it has`);
  }

  private forgetUndone(): void {
    let first = this.total;
    while (first > this.done) {
      const chunk = this.chunks.at(-1)!;
      first -= chunk.count;
      if (first >= this.done) {
        this.change(chunk, () => this.chunks.pop());
      } else this.change(chunk, () => chunk.keepFirst(this.done - first));
    }
    this.total = this.done;
  }

  /** Change a chunk; what the storage has of it is out of date. */
  private change(chunk: Chunk, change: () => void): void {
    if (chunk.isStored) this.outdated.push(chunk.key);
    change();
  }

  /** Make room one after another, also for what is recorded meanwhile. */
  private async makeRoomWhileAsked(): Promise<void> {
    while (this.isAsked) {
      this.isAsked = false;
      try {
        await this.makeRoom();
        this.problem = undefined;
      } catch (problem) {
        this.problem = problem;
      }
    }
    this.settling = undefined;
  }

  private async makeRoom(): Promise<void> {
    const { storage } = this.options;
    for (let key = this.outdated.pop(); key !== undefined; key = this.outdated.pop())
      await storage?.delete(key);
    while (this.memoryBytes > (this.options.memoryBytes ?? MEMORY_BYTES)) {
      const far = this.furthestFirst();
      const open = far.find((chunk) => chunk.entries !== undefined);
      const packed = far.find((chunk) => chunk.packed !== undefined);
      if (open !== undefined) await this.closeChunk(open);
      else if (packed !== undefined && storage !== undefined) await packed.store(storage);
      else throw this.tooLarge();
    }
  }

  private tooLarge(): EngineError {
    const [now, bound] = [this.memoryBytes, this.options.memoryBytes ?? MEMORY_BYTES];
    return new EngineError(
      `undo takes ${now} bytes of memory, more than ${bound}; save, and load the task anew to free it`,
    );
  }

  private async closeChunk(chunk: Chunk): Promise<void> {
    await chunk.pack(this.codec);
    if (!this.nearest().includes(chunk)) chunk.close();
  }

  /** The chunks with the entries before and after the place of undo: they stay open. */
  private nearest(): Chunk[] {
    const entries = [this.done - 1, this.done].filter((entry) => entry >= 0 && entry < this.total);
    return entries.map((entry) => this.find(entry)[0]);
  }

  private furthestFirst(): Chunk[] {
    const near = this.nearest();
    const middle = near.length === 0 ? 0 : this.chunks.indexOf(near[0]!);
    const distance = (chunk: Chunk): number => Math.abs(this.chunks.indexOf(chunk) - middle);
    return this.chunks.filter((chunk) => !near.includes(chunk)).sort((a, b) => distance(b) - distance(a));
  }
}
