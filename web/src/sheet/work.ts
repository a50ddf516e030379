/** What a page did last, in a sentence: done, or what went wrong. */

import { useState } from 'preact/hooks';
import { sentenceOf } from './start';

/** Runs what a person asks for, and keeps what came of it. */
export interface Work {
  readonly said: string;
  readonly problem: string;
  /** Whether something runs. */
  readonly isBusy: boolean;
  /** Run a task, then say that it is done; gives true if it was. */
  readonly run: (done: string, task: () => Promise<unknown>) => Promise<boolean>;
}

/** Keep the outcome of a page's last task. */
export function useWork(): Work {
  const [outcome, setOutcome] = useState({ said: '', problem: '', isBusy: false });
  const run = async (done: string, task: () => Promise<unknown>): Promise<boolean> => {
    setOutcome({ said: '', problem: '', isBusy: true });
    try {
      await task();
      setOutcome({ said: done, problem: '', isBusy: false });
      return true;
    } catch (problem) {
      setOutcome({ said: '', problem: sentenceOf(problem), isBusy: false });
      return false;
    }
  };
  return { ...outcome, run };
}
