/**
 * Masks of one bit a voxel, packed from the lowest bit on: numpy's `packbits(..., bitorder="little")`.
 *
 * A mask of 512 x 512 x 300 voxels takes 9.8 MB.
 */

import { type Box, type Vec3, boxSize, isEmptyBox, voxelCount } from './grid';
import { NO_RUNS, RunBuilder, type Runs, boxOfRuns, forEachRow } from './runs';

/** Bits of all voxels of a grid. */
export type Bits = Uint8Array;

/** Rows shorter than this are read voxel by voxel. */
const FEW = 8;

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1;
  return count;
});

/** Make a mask without voxels. */
export const emptyBits = (size: Vec3): Bits => new Uint8Array(Math.ceil(voxelCount(size) / 8));

/** Value of one voxel. */
export const bitAt = (bits: Bits, index: number): boolean => ((bits[index >>> 3]! >> (index & 7)) & 1) === 1;

/** Number of voxels in a mask. */
export function countBits(bits: Bits): number {
  let count = 0;
  for (let b = 0; b < bits.length; b += 1) count += ONES[bits[b]!]!;
  return count;
}

/** First index from `from` on, and below `end`, whose bit is `value`; `end` if there is none. */
export function nextBit(bits: Bits, from: number, end: number, value: boolean): number {
  const skipped = value ? 0 : 255;
  for (let at = from; at < end; ) {
    const byte = bits[at >>> 3]! ^ skipped;
    const rest = byte >> (at & 7);
    if (rest !== 0) return Math.min(end, at + 31 - Math.clz32(rest & -rest));
    at = (at | 7) + 1;
  }
  return end;
}

/** Append the runs of voxels between two indices whose bit is `value`. */
function pushRuns(result: RunBuilder, bits: Bits, from: number, end: number, value: boolean): void {
  for (let at = nextBit(bits, from, end, value); at < end; ) {
    const stop = nextBit(bits, at, end, !value);
    result.push(at, stop);
    at = nextBit(bits, stop, end, value);
  }
}

/** Runs of the voxels of a selection whose bit is `value`. */
export function runsWhere(bits: Bits, selection: Runs, value: boolean): Runs {
  const result = new RunBuilder();
  for (let r = 0; r < selection.length; r += 2)
    pushRuns(result, bits, selection[r]!, selection[r + 1]!, value);
  return result.runs();
}

/** Runs of the mask's voxels, of the whole grid or of a box. */
export function maskRuns(size: Vec3, bits: Bits, box?: Box): Runs {
  const result = new RunBuilder();
  if (box === undefined) pushRuns(result, bits, 0, voxelCount(size), true);
  else if (isEmptyBox(box)) return NO_RUNS;
  else forEachRow(size, box, (first) => pushRuns(result, bits, first, first + boxSize(box)[0], true));
  return result.runs();
}

/** Runs of the voxels in which two masks of one grid differ. */
export function differingRuns(a: Bits, b: Bits): Runs {
  const result = new RunBuilder();
  for (let at = 0; at < a.length; at += 1) {
    const byte = a[at]! ^ b[at]!;
    if (byte === 0) continue;
    for (let bit = 0; bit < 8; bit += 1)
      if (((byte >> bit) & 1) === 1) result.push(8 * at + bit, 8 * at + bit + 1);
  }
  return result.runs();
}

/** The least box that has all voxels of a mask, or those in `within`; empty if there are none. */
export const boxOfBits = (size: Vec3, bits: Bits, within?: Box): Box =>
  boxOfRuns(size, maskRuns(size, bits, within));

/** Exchange 0 and 1 of all voxels of runs; gives how many more voxels the mask has than before. */
export function flipRuns(bits: Bits, runs: Runs): number {
  let more = 0;
  for (let r = 0; r < runs.length; r += 2) more += flipRun(bits, runs[r]!, runs[r + 1]!);
  return more;
}

function flipRun(bits: Bits, start: number, end: number): number {
  const [first, last] = [start >>> 3, (end - 1) >>> 3];
  const [head, tail] = [(255 << (start & 7)) & 255, 255 >> (7 - ((end - 1) & 7))];
  if (first === last) return flipByte(bits, first, head & tail);
  let more = flipByte(bits, first, head) + flipByte(bits, last, tail);
  for (let b = first + 1; b < last; b += 1) more += flipByte(bits, b, 255);
  return more;
}

function flipByte(bits: Bits, at: number, flipped: number): number {
  const before = bits[at]!;
  bits[at] = before ^ flipped;
  return ONES[flipped]! - 2 * ONES[before & flipped]!;
}

/** Give all voxels of runs one value. */
export function setRuns(bits: Bits, runs: Runs, value: boolean): void {
  flipRuns(bits, runsWhere(bits, runs, !value));
}

/** Make a mask of runs. */
export function bitsOfRuns(size: Vec3, runs: Runs): Bits {
  const bits = emptyBits(size);
  flipRuns(bits, runs);
  return bits;
}

/** The bits of a box alone, packed without gaps between rows. */
export function packBox(size: Vec3, bits: Bits, box: Box): Bits {
  const packed = emptyBits(boxSize(box));
  const [width] = boxSize(box);
  let at = 0;
  forEachRow(size, box, (first) => {
    copyRow(bits, first, packed, at, width);
    at += width;
  });
  return packed;
}

function copyRow(from: Bits, first: number, to: Bits, at: number, width: number): void {
  const end = first + width;
  for (let start = nextBit(from, first, end, true); start < end; ) {
    const stop = nextBit(from, start, end, false);
    flipRun(to, at + start - first, at + stop - first);
    start = nextBit(from, stop, end, true);
  }
}

/** Runs, in the grid, of the bits of a box that were packed by `packBox`. */
export function unpackBox(size: Vec3, packed: Bits, box: Box): Runs {
  const result = new RunBuilder();
  const [width] = boxSize(box);
  let at = 0;
  forEachRow(size, box, (first) => {
    for (let start = nextBit(packed, at, at + width, true); start < at + width; ) {
      const stop = nextBit(packed, start, at + width, false);
      result.push(first + start - at, first + stop - at);
      start = nextBit(packed, stop, at + width, true);
    }
    at += width;
  });
  return result.runs();
}

/** The voxels of a box as bytes 0 and 1, the first axis fastest. */
export function bytesOfBox(size: Vec3, bits: Bits, box: Box): Uint8Array {
  const [width] = boxSize(box);
  const bytes = new Uint8Array(voxelCount(boxSize(box)));
  const read = width < FEW ? readBits : readRuns;
  let at = 0;
  forEachRow(size, box, (first) => {
    read(bits, first, width, bytes, at);
    at += width;
  });
  return bytes;
}

function readBits(bits: Bits, first: number, width: number, bytes: Uint8Array, at: number): void {
  for (let n = 0; n < width; n += 1) bytes[at + n] = (bits[(first + n) >>> 3]! >> ((first + n) & 7)) & 1;
}

function readRuns(bits: Bits, first: number, width: number, bytes: Uint8Array, at: number): void {
  const end = first + width;
  for (let start = nextBit(bits, first, end, true); start < end; ) {
    const stop = nextBit(bits, start, end, false);
    bytes.fill(1, at + start - first, at + stop - first);
    start = nextBit(bits, stop, end, true);
  }
}

/** Runs, in the grid, of a box's voxels for which `isIn` holds; it is given the voxel's place in the box. */
export function runsInBox(size: Vec3, box: Box, isIn: (place: number) => boolean): Runs {
  const result = new RunBuilder();
  const [width] = boxSize(box);
  let place = 0;
  forEachRow(size, box, (first) => {
    let start = -1;
    for (let i = 0; i < width; i += 1, place += 1) {
      const now = isIn(place);
      if (now && start < 0) start = i;
      if (now || start < 0) continue;
      result.push(first + start, first + i);
      start = -1;
    }
    if (start >= 0) result.push(first + start, first + width);
  });
  return result.runs();
}
