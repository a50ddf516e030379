import { describe, expect, it } from 'vitest';
import { heatTable } from '../../src/viewer/heat';
import { niftiOfBox } from '../../src/viewer/nifti';
import { outlineSegments } from '../../src/viewer/outlines';
import { draggedWindow, greyTable } from '../../src/viewer/window';

const grey = (table: Uint32Array, hu: number): number => table[hu + 32768]! & 255;

describe('the window', () => {
  it('shows its ends as black and white, and all beyond them', () => {
    const table = greyTable({ low: -160, high: 240 });
    expect([-2000, -160, 140, 240, 3000].map((hu) => grey(table, hu))).toEqual([0, 0, 191, 255, 255]);
  });

  it('leaves voxels that have not arrived transparent', () => {
    expect(greyTable({ low: -160, high: 240 })[0]).toBe(0);
  });

  it('grows wider by a drag to the right and brighter levels come by a drag down', () => {
    const wider = draggedWindow({ low: 0, high: 100 }, 50, 0);
    expect(wider.high - wider.low).toBeGreaterThan(100);
    const later = draggedWindow({ low: 0, high: 100 }, 0, 30);
    expect(later).toEqual({ low: 10, high: 110 });
  });

  it('never closes', () => {
    const narrow = draggedWindow({ low: 40, high: 42 }, -5000, 0);
    expect(narrow.high).toBeGreaterThan(narrow.low);
  });
});

describe('attention', () => {
  it('is transparent where no error is expected, and denser where one is', () => {
    const table = heatTable(0.75);
    expect(table[0]).toBe(0);
    const alpha = [60, 120, 255].map((value) => table[value]! >>> 24);
    expect(alpha).toEqual([...alpha].sort((a, b) => a - b));
    expect(alpha[2]).toBe(191);
  });
});

describe('an outline', () => {
  const length = (segments: Float32Array): number => {
    let sum = 0;
    for (let n = 0; n < segments.length; n += 4) {
      sum += Math.hypot(segments[n + 2]! - segments[n]!, segments[n + 3]! - segments[n + 1]!);
    }
    return sum;
  };

  it('goes around one voxel by its four sides', () => {
    const bytes = Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0);
    const segments = outlineSegments(bytes, 3, 3);
    expect(segments.length / 4).toBe(4);
    expect(length(segments)).toBe(4);
  });

  it('goes around a full image at its border, in four straight pieces', () => {
    const segments = outlineSegments(new Uint8Array(12).fill(1), 4, 3);
    expect(segments.length / 4).toBe(4);
    expect(length(segments)).toBe(14);
  });

  it('is as long as the voxel sides between inside and outside', () => {
    const [width, height] = [9, 7];
    const bytes = Uint8Array.from({ length: width * height }, (_, n) => ((n * n * 31 + n) >> 3) & 1);
    const at = (x: number, y: number): number =>
      x < 0 || y < 0 || x >= width || y >= height ? 0 : bytes[x + y * width]!;
    let sides = 0;
    for (let y = 0; y <= height; y += 1) {
      for (let x = 0; x <= width; x += 1) {
        sides += Number(at(x, y) !== at(x - 1, y)) + Number(at(x, y) !== at(x, y - 1));
      }
    }
    expect(length(outlineSegments(bytes, width, height))).toBe(sides);
  });
});

describe('a NIfTI file for the renderer', () => {
  it('has the box where it lies in the CT', () => {
    const affine = [
      [0.5, 0, 0, 10],
      [0, 0.5, 0, 20],
      [0, 0, 2, 30],
      [0, 0, 0, 1],
    ];
    const file = niftiOfBox(
      { affine, first: [4, 6, 3], size: [2, 2, 1], step: 2 },
      Uint8Array.of(1, 2, 3, 4),
    );
    const view = new DataView(file);
    expect(view.getInt32(0, true)).toBe(348);
    expect([40, 42, 44, 46].map((at) => view.getInt16(at, true))).toEqual([3, 2, 2, 1]);
    expect([80, 84, 88].map((at) => view.getFloat32(at, true))).toEqual([1, 1, 4]);
    const row = (at: number): number[] => [0, 4, 8, 12].map((more) => view.getFloat32(at + more, true));
    expect([row(280), row(296), row(312)]).toEqual([
      [1, 0, 0, 12],
      [0, 1, 0, 23],
      [0, 0, 4, 36],
    ]);
    expect([...new Uint8Array(file, 352)]).toEqual([1, 2, 3, 4]);
  });
});
