/**
 * A read-only view of the page for tests and benchmarks, at `window.omentumPage`.
 *
 * It shows what is on the screen anyway, and changes nothing.
 */

import type { Geometry } from './api/types';
import { type Vec3, packBox } from './engine';
import type { PlaneName } from './geometry/planes';
import type { Page } from './page';

/** What tests can read. */
export interface PageHook {
  /** Number of the open task; `null` if none is open. */
  readonly task: number | null;
  readonly caseId: string | null;
  readonly organ: string;
  readonly geometry: Geometry | null;
  /** Voxel of the crosshair. */
  readonly cursorVoxel: Vec3 | null;
  /** Voxel under the pointer. */
  readonly pointerVoxel: Vec3 | null;
  /** Loaded voxels: `i0, i1, j0, j1, k0, k1`. */
  readonly loadedBox: readonly number[] | null;
  readonly isWhole: boolean;
  readonly tool: string;
  /** What the page is busy with, in words; `null` if the reader can go on. */
  readonly busy: string | null;
  /** Whether edits are not saved. */
  readonly isUnsaved: boolean;
  /** Where the unsaved work is: `none`, `memory`, `browser` or `server`. */
  readonly draftPlace: string;
  readonly bases: Readonly<Record<string, string | null>>;
  /** SHA-256, as hex, of an organ's mask in the loaded box: one bit a voxel, first axis fastest, lowest bit first. */
  maskHash(organ?: string): Promise<string | null>;
  /** Those bits. */
  maskBits(organ?: string): Uint8Array | null;
  /** CSS pixels in the window of a voxel's centre on a plane. */
  clientOfVoxel(plane: PlaneName, voxel: Vec3): readonly [number, number] | null;
  /** Index of the slice that a plane shows. */
  sliceOf(plane: PlaneName): number | null;
}

declare global {
  interface Window {
    omentumPage?: PageHook;
  }
}

/** Make the hook. */
export function hookOf(page: Page): PageHook {
  const maskBits = (organ = page.organ): Uint8Array | null => {
    const masks = page.task?.session.masks;
    return masks === undefined ? null : packBox(masks.grid.size, masks.bits(organ), masks.loadedBox);
  };
  return {
    get task() {
      return page.task?.detail.task ?? null;
    },
    get caseId() {
      return page.task?.detail.case ?? null;
    },
    get organ() {
      return page.organ;
    },
    get geometry() {
      return page.task?.detail.geometry ?? null;
    },
    get cursorVoxel() {
      return page.task?.cursor ?? null;
    },
    get pointerVoxel() {
      return page.pointerVoxel ?? null;
    },
    get loadedBox() {
      const box = page.task?.session.masks.loadedBox;
      return box === undefined ? null : [0, 1, 2].flatMap((axis) => [box.min[axis]!, box.max[axis]!]);
    },
    get isWhole() {
      return page.task?.isWhole ?? false;
    },
    get tool() {
      return page.toolId;
    },
    get busy() {
      return page.waitsFor ?? null;
    },
    get isUnsaved() {
      return (page.task?.unsaved().length ?? 0) > 0;
    },
    get draftPlace() {
      return page.draftPlace;
    },
    get bases() {
      return Object.fromEntries(page.task?.bases ?? []);
    },
    maskBits,
    async maskHash(organ) {
      const bits = maskBits(organ);
      return bits === null ? null : hexOf(await crypto.subtle.digest('SHA-256', new Uint8Array(bits)));
    },
    clientOfVoxel: (plane, voxel) =>
      page.task === undefined ? null : page.planes[plane].clientOfVoxel(voxel),
    sliceOf: (plane) => (page.task === undefined ? null : page.planes[plane].index),
  };
}

const hexOf = (bytes: ArrayBuffer): string =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
