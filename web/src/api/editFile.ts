/** The binary body of saves and drafts: a JSON header, then the gzipped masks of all edits. */

import { type Bits, type Box, EngineError, boxSize, voxelCount } from '../engine';
import type { Geometry } from './types';
import { boxOfBounds } from './voxels';

/** An organ's whole mask in a box. */
export interface FileEdit {
  readonly organ: string;
  /** Hash of the mask that the edit began with; `null` if there was none. */
  readonly base: string | null;
  readonly box: Box;
  readonly bits: Bits;
}

/** What a save or a draft holds. */
export interface EditFile {
  readonly geometry: Pick<Geometry, 'shape' | 'affine'>;
  readonly edits: readonly FileEdit[];
  /** The draft to remove once a save is kept. */
  readonly draft?: string;
  readonly comment?: string;
  readonly onStale?: 'refuse' | 'both';
  /** The page's own: the crosshair. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

interface Header {
  readonly geometry: EditFile['geometry'];
  readonly edits: readonly { organ: string; base: string | null; box: number[]; dtype: string }[];
  readonly extra?: Record<string, unknown>;
}

const MAGIC = new TextEncoder().encode('OME1');

async function through(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const body = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(body).arrayBuffer());
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const bounds = ({ min, max }: Box): number[] => [min[0], max[0], min[1], max[1], min[2], max[2]];

function headerOf(file: EditFile): Record<string, unknown> {
  return {
    geometry: { shape: file.geometry.shape, affine: file.geometry.affine },
    edits: file.edits.map(({ organ, base, box }) => ({ organ, base, box: bounds(box), dtype: 'bits' })),
    ...(file.draft === undefined ? {} : { draft: file.draft }),
    ...(file.comment === undefined ? {} : { comment: file.comment }),
    ...(file.onStale === undefined ? {} : { on_stale: file.onStale }),
    ...(file.extra === undefined ? {} : { extra: file.extra }),
  };
}

/** Write an edit file. */
export async function encodeEditFile(file: EditFile): Promise<Uint8Array> {
  const json = new TextEncoder().encode(JSON.stringify(headerOf(file)));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.length, true);
  const masks = await through(joined(file.edits.map(({ bits }) => bits)), new CompressionStream('gzip'));
  return joined([MAGIC, length, json, masks]);
}

/**
 * Read an edit file.
 *
 * @throws EngineError The bytes are none, or have masks that do not fill their boxes.
 */
export async function decodeEditFile(bytes: Uint8Array): Promise<EditFile> {
  if (bytes.length < 8 || MAGIC.some((byte, n) => bytes[n] !== byte)) {
    throw new EngineError('the draft is no edit file; delete it');
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Header;
  const masks = await through(bytes.subarray(8 + length), new DecompressionStream('gzip'));
  return { geometry: header.geometry, edits: editsOf(header, masks), extra: header.extra ?? {} };
}

function editsOf(header: Header, masks: Uint8Array): FileEdit[] {
  let at = 0;
  return header.edits.map(({ organ, base, box: sides, dtype }) => {
    const box = boxOfBounds(sides);
    const n = Math.ceil(voxelCount(boxSize(box)) / 8);
    if (dtype !== 'bits' || at + n > masks.length) {
      throw new EngineError(`the draft of ${organ} does not fill its box; delete the draft`);
    }
    at += n;
    return { organ, base, box, bits: masks.slice(at - n, at) };
  });
}
