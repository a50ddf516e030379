/** Colours of attention: transparent where no error is expected, then red, orange and yellow. */

const LEAST = 20;

/** Packed RGBA for each value of an attention map, 0 to 255. */
export function heatTable(opacity: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, value) => {
    if (value < LEAST) return 0;
    const share = (value - LEAST) / (255 - LEAST);
    const red = Math.round(150 + 105 * Math.min(1, share * 2));
    const green = Math.round(220 * Math.max(0, share - 0.25) * 1.33);
    const blue = Math.round(120 * Math.max(0, share - 0.8));
    const alpha = Math.round(255 * opacity * (0.25 + 0.75 * share));
    return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}
