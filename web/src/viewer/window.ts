/** Window and level: which HU are shown as which grey. */

/** HU that are black and white at the ends. */
export interface HuWindow {
  readonly low: number;
  readonly high: number;
}

/** A window by name, with the key that sets it. */
export interface WindowPreset extends HuWindow {
  readonly id: string;
  readonly label: string;
}

export const SOFT_TISSUE: WindowPreset = { id: 'soft', label: 'Soft tissue', low: -160, high: 240 };

export const WINDOW_PRESETS: readonly WindowPreset[] = [
  SOFT_TISSUE,
  { id: 'liver', label: 'Liver', low: 15, high: 165 },
  { id: 'lung', label: 'Lung', low: -1350, high: 150 },
  { id: 'bone', label: 'Bone', low: -450, high: 1050 },
];

const LOWEST_HU = -32768;
const OPAQUE = 0xff000000;
const LEAST_WIDTH = 2;

/** Packed RGBA for each HU from -32768 on; the lowest, which no CT has, is transparent. */
export function greyTable({ low, high }: HuWindow): Uint32Array {
  const table = new Uint32Array(65536);
  const perHu = 255 / Math.max(1, high - low);
  for (let n = 1; n < table.length; n += 1) {
    const grey = Math.min(255, Math.max(0, Math.round((n + LOWEST_HU - low) * perHu)));
    table[n] = (OPAQUE | (grey << 16) | (grey << 8) | grey) >>> 0;
  }
  return table;
}

/** Change a window by a drag: to the right widens it, down raises its level. */
export function draggedWindow({ low, high }: HuWindow, dx: number, dy: number): HuWindow {
  const width = Math.max(LEAST_WIDTH, (high - low) * Math.exp(dx / 200));
  const level = (low + high) / 2 + (dy * (high - low)) / 300;
  return { low: Math.round(level - width / 2), high: Math.round(level + width / 2) };
}
