/** Long computations as generators, so that the page stays alive while they run. */

import { EngineError } from './errors';

/** A computation that pauses now and then, tells the share that is done (0 to 1), and ends with a result. */
export type Steps<Result> = Generator<number, Result, void>;

/** How a computation is run in slices. */
export interface SliceOptions {
  /** Longest time in ms without a pause. */
  readonly sliceMs?: number;
  /** Called at each pause with the share that is done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
  /** Asked at each pause; true ends the computation. */
  readonly isCancelled?: () => boolean;
  /** Lets the page handle input and draw; `setTimeout` of 0 ms or better. */
  readonly pause: () => Promise<void>;
}

const SLICE_MS = 8;

/** Run a computation at once. */
export function runAll<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * Run a computation in slices of a few milliseconds.
 *
 * @throws EngineError It was cancelled.
 */
export async function runInSlices<Result>(steps: Steps<Result>, options: SliceOptions): Promise<Result> {
  let sliceEnds = Date.now() + (options.sliceMs ?? SLICE_MS);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (Date.now() < sliceEnds) continue;
    options.onProgress?.(step.value);
    await options.pause();
    if (options.isCancelled?.() === true)
      throw new EngineError('the tool was cancelled; nothing has changed');
    sliceEnds = Date.now() + (options.sliceMs ?? SLICE_MS);
  }
}
