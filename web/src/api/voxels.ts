/** Voxels of the review server: CTs, set-coded masks and attention, whole or of a box. */

import { type Box, type Vec3, boxSize, voxelCount, wholeBox } from '../engine';
import { RefusedError, request } from './client';

/** HU of a box of a CT; of every `step`-th voxel if it is a preview. */
export interface CtPart {
  readonly box: Box;
  readonly step: Vec3;
  /** Voxels along each axis, after the step. */
  readonly size: Vec3;
  readonly hu: Int16Array;
}

/** Masks of a box: a code a voxel, and for each code the indices of the organs that hold it. */
export interface CodedMasks {
  readonly box: Box;
  readonly codes: Uint8Array | Uint16Array;
  readonly sets: readonly (readonly number[])[];
  /** The organs that the source knows. */
  readonly organs: readonly string[];
}

/** Probability of an error times 255. */
export interface Attention {
  readonly box: Box;
  readonly values: Uint8Array;
}

const numbers = (text: string): number[] => text.split(',').map(Number);
const tripleOf = (text: string): Vec3 => numbers(text) as unknown as Vec3;

/** A box as the server writes it: `i0,i1,j0,j1,k0,k1`. */
export const boxText = ({ min, max }: Box): string =>
  ([0, 1, 2] as const).flatMap((axis) => [min[axis], max[axis]]).join(',');

/** The box of six bounds as the server writes them. */
export function boxOfBounds(bounds: readonly number[]): Box {
  const [i0 = 0, i1 = 0, j0 = 0, j1 = 0, k0 = 0, k1 = 0] = bounds;
  return { min: [i0, j0, k0], max: [i1, j1, k1] };
}

const header = (answer: Response, name: string): string => answer.headers.get(`X-Omentum-${name}`) ?? '';

/** Load a box of a CT, or every `step`-th voxel of all of it. */
export async function loadCt(caseId: string, box: Box, step: Vec3 = [1, 1, 1]): Promise<CtPart> {
  const answer = await request(`/api/cases/${caseId}/ct?box=${boxText(box)}&step=${step.join(',')}`);
  const hu = new Int16Array(await answer.arrayBuffer());
  return { box, step, size: tripleOf(header(answer, 'Shape')), hu };
}

/** HU that no CT has: a voxel of a whole CT that has not arrived. */
export const NOT_LOADED = -32768;

/** Share of a whole CT after which its arrival is told again. */
const TOLD_SHARE = 0.04;

/**
 * Load a whole CT; its slices are filled in while they arrive, by rising last axis.
 *
 * @param begin Given the part as soon as there is room for it.
 * @param onShare Told now and then which share has arrived, 0 to 1.
 */
export async function streamCt(
  caseId: string,
  size: Vec3,
  begin: (part: CtPart) => void,
  onShare: (share: number) => void,
): Promise<CtPart> {
  const part: CtPart = {
    box: wholeBox(size),
    step: [1, 1, 1],
    size,
    hu: new Int16Array(voxelCount(size)).fill(NOT_LOADED),
  };
  begin(part);
  const answer = await request(`/api/cases/${caseId}/ct`);
  await fillFrom(answer, new Uint8Array(part.hu.buffer), onShare);
  return part;
}

async function fillFrom(
  answer: Response,
  bytes: Uint8Array,
  onShare: (share: number) => void,
): Promise<void> {
  const reader = answer.body!.getReader();
  let told = 0;
  for (let at = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return onShare(1);
    bytes.set(value, at);
    at += value.length;
    if (at - told < TOLD_SHARE * bytes.length) continue;
    told = at;
    onShare(at / bytes.length);
  }
}

/** Load the masks of a source in a box. */
export async function loadMasks(task: number, source: string, box: Box): Promise<CodedMasks> {
  const path = `/api/tasks/${task}/masks/${encodeURIComponent(source)}?box=${boxText(box)}`;
  const answer = await request(path);
  const bytes = await answer.arrayBuffer();
  const codes = header(answer, 'Dtype') === 'uint16' ? new Uint16Array(bytes) : new Uint8Array(bytes);
  const sets = JSON.parse(header(answer, 'Sets')) as number[][];
  return {
    box,
    codes,
    sets,
    organs: header(answer, 'Organs')
      .split(',')
      .filter((name) => name !== ''),
  };
}

/** Load the attention of a task in a box; `undefined` where there is none to show. */
export async function loadAttention(task: number, box: Box): Promise<Attention | undefined> {
  try {
    const answer = await request(`/api/tasks/${task}/attention?box=${boxText(box)}`);
    return { box, values: new Uint8Array(await answer.arrayBuffer()) };
  } catch (problem) {
    if (problem instanceof RefusedError && (problem.status === 403 || problem.status === 404))
      return undefined;
    throw problem;
  }
}

/** The largest step that keeps a preview of a CT below a number of voxels. */
export function previewStep(size: Vec3, mostVoxels: number): Vec3 {
  let step = 1;
  while (voxelCount(previewSize(size, [step, step, step])) > mostVoxels) step += 1;
  return [step, step, step];
}

/** Voxels of a preview along each axis. */
export const previewSize = (size: Vec3, step: Vec3): Vec3 => [
  Math.ceil(size[0] / step[0]),
  Math.ceil(size[1] / step[1]),
  Math.ceil(size[2] / step[2]),
];

/** Whether a box holds all voxels of a CT. */
export const isWholeCt = (box: Box, size: Vec3): boolean => voxelCount(boxSize(box)) === voxelCount(size);
