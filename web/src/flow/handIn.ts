/** Save, accept, call absent, skip: how a task is answered. */

import { RefusedError, sendBytes, sendJson } from '../api/client';
import { encodeEditFile } from '../api/editFile';
import type { SaveInfo, StaleOrgan } from '../api/types';
import type { OrganDiff } from '../engine';
import type { Page } from '../page';
import type { OpenTask } from '../task/openTask';
import type { Answers } from './answers';
import type { Drafts } from './drafts';
import { confirmFindings } from './confirm';
import { tabName } from './tabs';
import type { TaskFlow } from './taskFlow';

const SKIP_REASONS = ['Scan cannot be read', 'Organ was resected', 'Not sure', 'Needs a second opinion'];

/** Answers tasks, and goes on to the next. */
export class HandIn implements Answers {
  /** Number of the task whose own organ this tab handed in last. */
  private savedTask: number | undefined;

  constructor(
    private readonly page: Page,
    private readonly drafts: Drafts,
    private readonly flow: TaskFlow,
  ) {}

  /** Save what was edited and stay; true if there is nothing unsaved now. */
  async save(onStale: 'refuse' | 'both' = 'refuse'): Promise<boolean> {
    const { task } = this.page;
    if (task === undefined) return false;
    const diff = task.unsaved();
    if (diff.length === 0) {
      this.page.say('There is nothing to save.');
      return true;
    }
    return this.guarded('Saving', () => this.send(task, diff, onStale));
  }

  /** Hand the task in: save what was edited, else accept the mask; then open the next task. */
  async finish(): Promise<void> {
    const { task } = this.page;
    if (task === undefined) return;
    if (task.detail.is_of_ct) return this.askConfirm(task);
    if (task.unsaved().length > 0 && !(await this.save())) return;
    const isAnswered = this.savedTask === task.detail.task || (await this.answer('accept'));
    if (isAnswered) await this.goOn(task);
  }

  /** A task about a whole CT: ask whether its findings are no errors. */
  private askConfirm(task: OpenTask): void {
    this.page.ask({
      title: 'Is this CT right as it is?',
      lines: [...task.detail.findings, 'If it is, these findings are confirmed to be no errors.'],
      input: { label: 'Why', value: '' },
      answers: [
        { label: 'Confirm', isMain: true, run: (why) => void this.confirm(task, why) },
        { label: 'Back', run: () => undefined },
      ],
    });
  }

  private async confirm(task: OpenTask, why: string): Promise<void> {
    const isDone = await this.guarded('Confirming', () => confirmFindings(task.detail, why));
    if (isDone) await this.goOn(task);
  }

  /** Ask, then hand in that the organ is not there. */
  askAbsent(): void {
    const { task } = this.page;
    if (task === undefined) return;
    this.page.ask({
      title: `${task.detail.name} is absent?`,
      lines: ['The organ gets an empty mask, and the task is done.', ...this.unsavedLine(task)],
      answers: [
        { label: 'Absent', key: 'x', isMain: true, run: () => void this.absent(task) },
        { label: 'Back', run: () => undefined },
      ],
    });
  }

  /** Ask for the reason, then skip the task. */
  askSkip(): void {
    const { task } = this.page;
    if (task === undefined) return;
    this.page.ask({
      title: 'Skip this task: why?',
      lines: ['Press the number of a reason, or write one.', ...this.unsavedLine(task)],
      input: { label: 'Reason', value: '' },
      answers: [
        ...SKIP_REASONS.map((why, n) => ({
          label: `${n + 1} ${why}`,
          key: String(n + 1),
          run: () => void this.skip(task, why),
        })),
        { label: 'Skip', isMain: true, run: (why) => void this.skip(task, why || 'no reason given') },
        { label: 'Back', run: () => undefined },
      ],
    });
  }

  /** Leave the task for another; asks if there is unsaved work. */
  askNext(): void {
    const { task } = this.page;
    if (task === undefined) return void this.flow.openNext();
    if (task.unsaved().length === 0) return void this.flow.leave(this.savedTask !== task.detail.task);
    this.page.ask({
      title: 'Leave unsaved work?',
      lines: ['This task has edits that are not saved.'],
      answers: [
        { label: 'Save and go on', key: 's', isMain: true, run: () => void this.finish() },
        {
          label: 'Keep as a draft and go on',
          key: 'd',
          run: () => void this.drafts.keep().then(() => this.flow.leave(false)),
        },
        { label: 'Stay', run: () => undefined },
      ],
    });
  }

  reopen(): Promise<void> {
    return this.flow.reopen();
  }

  private unsavedLine(task: OpenTask): string[] {
    return task.unsaved().length > 0 ? ['Edits that are not saved stay as a draft of this task.'] : [];
  }

  private async absent(task: OpenTask): Promise<void> {
    await this.drafts.keep();
    if (await this.answer('absent')) await this.goOn(task);
  }

  private async skip(task: OpenTask, why: string): Promise<void> {
    await this.drafts.keep();
    const isSkipped = await this.guarded('Skipping', async () => {
      await sendJson('POST', `/api/tasks/${task.detail.task}/skip`, { why });
      this.page.activity.note('skip');
      return true;
    });
    if (isSkipped) await this.goOn(task);
  }

  private async goOn(task: OpenTask): Promise<void> {
    this.flow.markDone(task.detail.task);
    await this.flow.openNext();
  }

  private answer(what: 'accept' | 'absent'): Promise<boolean> {
    const task = this.page.task!;
    const { organ, task: number } = task.detail;
    return this.guarded(what === 'accept' ? 'Accepting' : 'Handing in', async () => {
      const base = task.bases.get(organ) ?? task.detail.base;
      const saved = await sendJson<SaveInfo>('POST', `/api/tasks/${number}/${what}`, { base });
      this.takeSaved(task, saved);
      this.page.activity.note(what);
      return true;
    });
  }

  private async send(
    task: OpenTask,
    diff: readonly OrganDiff[],
    onStale: 'refuse' | 'both',
  ): Promise<boolean> {
    const edits = diff.map(({ organ, box, bits }) => ({
      organ,
      base: task.bases.get(organ) ?? null,
      box,
      bits,
    }));
    const file = { geometry: task.detail.geometry, edits, draft: tabName(), onStale };
    const saved = await sendBytes<SaveInfo>(
      'POST',
      `/api/tasks/${task.detail.task}/save`,
      await encodeEditFile(file),
    );
    task.session.markSaved(diff);
    this.takeSaved(task, saved);
    this.page.activity.note('save');
    this.page.say(`Saved: ${diff.map(({ organ }) => this.page.nameOf(organ)).join(', ')}.`);
    await this.drafts.forget(task.detail.task);
    return true;
  }

  private takeSaved(task: OpenTask, saved: SaveInfo): void {
    for (const [organ, base] of Object.entries(saved.bases)) task.bases.set(organ, base);
    if (task.detail.organ in saved.bases) this.savedTask = task.detail.task;
    this.flow.noteChanged(task.detail.case);
  }

  private async guarded(what: string, work: () => Promise<boolean>): Promise<boolean> {
    this.page.waitsFor = what;
    this.page.update();
    try {
      return await work();
    } catch (problem) {
      if (problem instanceof RefusedError && problem.kind === 'stale-base') this.askStale(problem);
      else this.page.fail(problem);
      return false;
    } finally {
      this.page.waitsFor = undefined;
      this.page.update();
    }
  }

  /** Another mask is there by now: nothing is lost, and the reader decides. */
  private askStale(problem: RefusedError): void {
    const stale = (problem.body['stale'] ?? []) as StaleOrgan[];
    void this.drafts.keep();
    this.page.ask({
      title: 'Another mask is there by now',
      lines: [...stale.map((one) => this.saidOf(one)), 'Your work is kept as a draft.'],
      answers: [
        { label: 'Compare first', key: 'c', isMain: true, run: () => void this.compare(stale) },
        { label: 'Put mine on top', key: 't', run: () => void this.takeOver(stale) },
        { label: 'Keep both, a person decides', key: 'b', run: () => void this.keepBoth() },
        { label: 'Take theirs', key: 'l', run: () => void this.takeTheirs() },
      ],
    });
  }

  private saidOf({ organ, by, time, source }: StaleOrgan): string {
    const when = time === null ? '' : ` at ${new Date(time).toLocaleTimeString()}`;
    return `${this.page.nameOf(organ)}: ${source ?? 'a mask'}${by === null ? '' : ` by ${by}`}${when}.`;
  }

  /** Show theirs beside the reader's own by flicker; saving asks again. */
  private async compare(stale: readonly StaleOrgan[]): Promise<void> {
    const { task, view } = this.page;
    if (task === undefined) return;
    task.others.delete('shown');
    view.other = await task.compareWith('shown');
    view.compareMode = 'flicker';
    view.isFlickered = true;
    this.page.update();
    this.page.notices.say('You see the mask that is there by now. Y shows yours.', 'lasting', [
      { label: 'Put mine on top', run: () => void this.takeOver(stale) },
      { label: 'Keep both', run: () => void this.keepBoth() },
      { label: 'Take theirs', run: () => void this.takeTheirs() },
    ]);
  }

  private async takeOver(stale: readonly StaleOrgan[]): Promise<void> {
    const { task } = this.page;
    if (task === undefined) return;
    for (const { organ, now } of stale) task.bases.set(organ, now);
    if (await this.save()) await this.flow.reopen();
  }

  private async keepBoth(): Promise<void> {
    if (await this.save('both')) await this.flow.reopen();
  }

  private async takeTheirs(): Promise<void> {
    const number = this.page.task?.detail.task;
    if (number !== undefined) await this.drafts.forget(number);
    await this.flow.reopen();
  }
}
