/** Long computations of tools, one at a time, while the page stays alive. */

import { type Steps, runInSlices } from '../engine';

/** What a computation tells while it runs. */
export interface ComputationView {
  /** What runs, in words, or `undefined` once it has ended; and the share that is done. */
  readonly onChange: (what: string | undefined, share: number) => void;
}

/** Runs one computation at a time. */
export class Computation {
  private isCancelled = false;
  private running = false;

  constructor(private readonly view: ComputationView) {}

  get isRunning(): boolean {
    return this.running;
  }

  /**
   * Run a computation in slices.
   *
   * @throws EngineError It was cancelled, or cannot be done.
   */
  async run<Result>(what: string, steps: Steps<Result>): Promise<Result> {
    this.running = true;
    this.isCancelled = false;
    this.view.onChange(what, 0);
    try {
      return await runInSlices(steps, {
        pause: nextTurn,
        onProgress: (share) => this.view.onChange(what, share),
        isCancelled: () => this.isCancelled,
      });
    } finally {
      this.running = false;
      this.view.onChange(undefined, 0);
    }
  }

  /** End what runs; true if something does. */
  cancel(): boolean {
    this.isCancelled = this.running;
    return this.running;
  }
}

/** Let the browser handle input and draw. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
