import { describe, expect, it } from 'vitest';
import { decodeEditFile, encodeEditFile } from '../../src/api/editFile';

const GEOMETRY = {
  shape: [10, 9, 8],
  affine: [
    [-0.8, 0, 0, 4],
    [0, 0.8, 0, -4],
    [0, 0, 1.5, -10],
    [0, 0, 0, 1],
  ],
} as const;
const EDITS = [
  {
    organ: 'liver',
    base: 'a'.repeat(64),
    box: { min: [1, 2, 3], max: [4, 5, 5] },
    bits: Uint8Array.of(1, 130, 3),
  },
  { organ: 'spleen', base: null, box: { min: [0, 0, 0], max: [3, 3, 1] }, bits: Uint8Array.of(255, 1) },
] as const;

async function unzipped(bytes: Uint8Array): Promise<number[]> {
  const stream = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new DecompressionStream('gzip'));
  return [...new Uint8Array(await new Response(stream).arrayBuffer())];
}

describe('an edit file', () => {
  it('has the bytes that the server reads', async () => {
    const bytes = await encodeEditFile({ geometry: GEOMETRY, edits: EDITS, draft: 'tab-1', onStale: 'both' });
    expect(new TextDecoder().decode(bytes.subarray(0, 4))).toBe('OME1');
    const length = new DataView(bytes.buffer).getUint32(4, true);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
      string,
      unknown
    >;
    expect(header).toEqual({
      geometry: GEOMETRY,
      edits: [
        { organ: 'liver', base: 'a'.repeat(64), box: [1, 4, 2, 5, 3, 5], dtype: 'bits' },
        { organ: 'spleen', base: null, box: [0, 3, 0, 3, 0, 1], dtype: 'bits' },
      ],
      draft: 'tab-1',
      on_stale: 'both',
    });
    expect(await unzipped(bytes.subarray(8 + length))).toEqual([1, 130, 3, 255, 1]);
  });

  it('is read as it was written', async () => {
    const written = await encodeEditFile({ geometry: GEOMETRY, edits: EDITS, extra: { cursor: [1, 2, 3] } });
    const { edits, extra } = await decodeEditFile(written);
    expect(edits).toEqual(EDITS);
    expect(extra).toEqual({ cursor: [1, 2, 3] });
  });

  it('without edits is a draft too', async () => {
    const written = await encodeEditFile({ geometry: GEOMETRY, edits: [] });
    expect((await decodeEditFile(written)).edits).toEqual([]);
  });

  it('whose masks are cut short is refused', async () => {
    const short = [{ ...EDITS[0], bits: Uint8Array.of(1) }];
    const written = await encodeEditFile({ geometry: GEOMETRY, edits: short });
    await expect(decodeEditFile(written)).rejects.toThrow(/liver does not fill its box/);
  });

  it('that begins otherwise is refused', async () => {
    await expect(decodeEditFile(new Uint8Array(20))).rejects.toThrow(/no edit file/);
  });
});
