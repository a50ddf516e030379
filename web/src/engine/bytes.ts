/** Write and read the engine's binary formats: whole numbers, texts and blocks of bytes. */

import { EngineError } from './errors';

const CONTINUES = 0x80;
const MASK = 0x7f;

/** Appends values to bytes. */
export class ByteWriter {
  private buffer = new Uint8Array(256);
  private used = 0;

  /** Append a whole number from 0 on, in as many bytes of 7 bits as it needs, the lowest bits first. */
  number(value: number): this {
    let rest = value;
    while (rest > MASK) {
      this.byte(rest % CONTINUES | CONTINUES);
      rest = Math.floor(rest / CONTINUES);
    }
    this.byte(rest);
    return this;
  }

  /** Append bytes after their count. */
  block(bytes: Uint8Array): this {
    this.number(bytes.length);
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.used);
    this.used += bytes.length;
    return this;
  }

  /** Append a text after its length, by UTF-16 units. */
  text(text: string): this {
    this.number(text.length);
    for (let c = 0; c < text.length; c += 1) this.number(text.charCodeAt(c));
    return this;
  }

  /** Give all bytes so far. */
  bytes(): Uint8Array {
    return this.buffer.slice(0, this.used);
  }

  private byte(value: number): void {
    this.reserve(1);
    this.buffer[this.used] = value;
    this.used += 1;
  }

  private reserve(more: number): void {
    if (this.used + more <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.used + more));
    larger.set(this.buffer);
    this.buffer = larger;
  }
}

/** Reads what a `ByteWriter` wrote. */
export class ByteReader {
  private at = 0;

  constructor(private readonly buffer: Uint8Array) {}

  /** Whether all has been read. */
  get isAtEnd(): boolean {
    return this.at >= this.buffer.length;
  }

  /**
   * Read a whole number.
   *
   * @throws EngineError The bytes end before it does.
   */
  number(): number {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = this.buffer[this.at];
      if (byte === undefined) throw this.cutShort();
      this.at += 1;
      value += (byte & MASK) * scale;
      if (byte < CONTINUES) return value;
      scale *= CONTINUES;
    }
  }

  /**
   * Read a block of bytes; a view, not a copy.
   *
   * @throws EngineError The bytes end before it does.
   */
  block(): Uint8Array {
    const length = this.number();
    if (this.at + length > this.buffer.length) throw this.cutShort();
    this.at += length;
    return this.buffer.subarray(this.at - length, this.at);
  }

  /** Read a text. */
  text(): string {
    const units = Array.from({ length: this.number() }, () => this.number());
    return units.map((unit) => String.fromCharCode(unit)).join('');
  }

  private cutShort(): EngineError {
    return new EngineError(
      `the draft ends after ${this.buffer.length} bytes, in the middle of a value; use an older one`,
    );
  }
}
