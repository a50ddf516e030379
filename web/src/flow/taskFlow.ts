/** Opens one task after another: claims, loads the next one ahead, renews leases. */

import { OfflineError, RefusedError, getJson, sendJson } from '../api/client';
import type { NextTask, TaskDetail } from '../api/types';
import type { Page } from '../page';
import { loadMasks } from '../api/voxels';
import { type LoadedTask, type OpenTask, loadTask } from '../task/openTask';
import type { Drafts } from './drafts';
import { showTask } from './showTask';

const RENEW_MS = 5 * 60_000;
const PREVIEW_DELAY_MS = 150;

/** The tasks of one reader in one tab. */
export class TaskFlow {
  /** Tasks that this tab has handed in, skipped or left. */
  private readonly done = new Set<number>();
  private ahead: Promise<LoadedTask | undefined> | undefined;
  private aheadNumber: number | undefined;
  /** Cases whose masks were saved since the next task was loaded ahead. */
  private readonly changedCases = new Set<string>();

  constructor(
    private readonly page: Page,
    private readonly drafts: Drafts,
  ) {
    setInterval(() => void this.renew(), RENEW_MS);
  }

  /** Open the next task, the one that was loaded ahead if there is one. */
  async openNext(): Promise<void> {
    const ready = this.takeAhead();
    await this.waiting('Opening the next task', async () => {
      const loaded = (await ready) ?? (await this.claimNext());
      if (loaded === undefined) return this.showEnd();
      this.show(await this.current(loaded));
    });
  }

  /** Open a certain task, such as one that was open before the page was loaded again. */
  async openTask(number: number): Promise<void> {
    if (number === this.aheadNumber) this.takeAhead();
    await this.waiting('Opening the task', async () => {
      const detail = await this.claimOrLook(number);
      this.show(await loadTask(detail));
    });
  }

  /** Load a task anew, after another mask of it stands. */
  async reopen(): Promise<void> {
    const number = this.page.task?.detail.task;
    if (number !== undefined) await this.openTask(number);
  }

  /** Leave the open task and go on. */
  async leave(givesBack: boolean): Promise<void> {
    const number = this.page.task?.detail.task;
    if (number !== undefined) {
      this.done.add(number);
      if (givesBack) await sendJson('POST', `/api/tasks/${number}/give-back`).catch(() => undefined);
    }
    await this.openNext();
  }

  /** Masks of a case were changed: what was loaded ahead of it is old. */
  noteChanged(caseId: string): void {
    this.changedCases.add(caseId);
  }

  private takeAhead(): Promise<LoadedTask | undefined> | undefined {
    const { ahead } = this;
    this.ahead = undefined;
    this.aheadNumber = undefined;
    return ahead;
  }

  /** Give back what was loaded ahead; called when the page closes. */
  giveAheadBack(): void {
    if (this.aheadNumber === undefined) return;
    const headers = { 'Content-Type': 'application/json' };
    void fetch(`/api/tasks/${this.aheadNumber}/give-back`, { method: 'POST', keepalive: true, headers });
  }

  private async waiting(what: string, work: () => Promise<void>): Promise<void> {
    this.page.waitsFor = what;
    this.page.update();
    try {
      await work();
    } catch (problem) {
      this.page.fail(problem);
      if (problem instanceof OfflineError)
        this.page.notices.say('Try again once the server runs.', 'lasting', [
          { label: 'Try again', run: () => void this.openNext() },
        ]);
    } finally {
      this.page.waitsFor = undefined;
      this.page.update();
    }
  }

  private show(loaded: LoadedTask): void {
    void this.afterwards(showTask(this.page, this.drafts, loaded));
  }

  /** What can wait until the task is on the screen. */
  private async afterwards(task: OpenTask): Promise<void> {
    await this.drafts.recover(task).catch((problem: unknown) => this.page.fail(problem));
    await new Promise((resolve) => setTimeout(resolve, PREVIEW_DELAY_MS));
    if (this.page.task !== task) return;
    await task.loadPreview().catch(() => undefined);
    this.page.redraw();
    if (this.ahead !== undefined) return;
    this.changedCases.clear();
    this.ahead = this.claimNext(task.detail.task).catch(() => undefined);
  }

  private showEnd(): void {
    this.page.task = undefined;
    this.page.activity.close();
    history.replaceState(null, '', location.pathname);
    this.page.say('No task is free. All that is left is in the hands of others, or done.');
  }

  /** The masks of a task that was loaded ahead are loaded again if its case was worked on since. */
  private async current(loaded: LoadedTask): Promise<LoadedTask> {
    if (!this.changedCases.has(loaded.detail.case)) return loaded;
    const detail = await this.claimOrLook(loaded.detail.task);
    return { ...loaded, detail, masks: await loadMasks(detail.task, 'shown', loaded.ct.box) };
  }

  private async claimNext(current?: number): Promise<LoadedTask | undefined> {
    const without = [...this.done, ...(current === undefined ? [] : [current])].slice(-1000);
    const { task } = await sendJson<NextTask>('POST', '/api/tasks/next', { without });
    this.aheadNumber = current === undefined ? undefined : task?.task;
    return task === null ? undefined : loadTask(task);
  }

  /** Claim a task; one that is done or in other hands is shown all the same. */
  private async claimOrLook(number: number): Promise<TaskDetail> {
    try {
      return await sendJson<TaskDetail>('POST', `/api/tasks/${number}/claim`);
    } catch (problem) {
      if (!(problem instanceof RefusedError) || problem.status !== 409) throw problem;
      this.page.notices.say(problem.message, 'problem');
      return getJson<TaskDetail>(`/api/tasks/${number}`);
    }
  }

  private async renew(): Promise<void> {
    const number = this.page.task?.detail.task;
    const ahead = this.ahead === undefined ? undefined : this.aheadNumber;
    if (ahead !== undefined) await sendJson('POST', `/api/tasks/${ahead}/renew`).catch(() => undefined);
    if (number === undefined) return;
    await sendJson('POST', `/api/tasks/${number}/renew`).catch((problem: unknown) =>
      this.leaseEnded(problem),
    );
  }

  private leaseEnded(problem: unknown): void {
    if (!(problem instanceof RefusedError) || problem.kind !== 'claimed') return;
    this.page.notices.say(
      `The lease on this task has ended: ${problem.message}. Go on drawing: late work is taken.`,
      'lasting',
    );
    void this.drafts.keep();
  }

  /** Do not open a task again in this tab. */
  markDone(number: number): void {
    this.done.add(number);
  }
}
