/** Decide between the readings of a task: take one, take what is made of them, or draw another mask. */

import {
  type AdjudicationDetail,
  decideTask,
  getAdjudication,
  getAdjudications,
  saveAdjudicated,
  sourceOfReading,
} from '../api/adjudications';
import { encodeEditFile } from '../api/editFile';
import { loadMasks } from '../api/voxels';
import type { Answers } from '../flow/answers';
import type { Drafts } from '../flow/drafts';
import { showTask } from '../flow/showTask';
import { tabName } from '../flow/tabs';
import type { Page } from '../page';
import { type LoadedTask, loadTask } from '../task/openTask';
import { choicesOf, nextAlone, nextReading, sourceSaid } from './sources';

/** Answers one task after the other that waits for a decision. */
export class Adjudicate implements Answers {
  detail: AdjudicationDetail | undefined;
  /** The source with which the edit began; `undefined` while nothing is edited. */
  begunWith: string | undefined;
  private loaded: LoadedTask | undefined;
  /** Tasks that this tab has decided; the server may still be writing the mask. */
  private readonly decided = new Set<number>();

  constructor(
    private readonly page: Page,
    private readonly drafts: Drafts,
  ) {}

  /** Open a task with its readings. */
  async open(number: number): Promise<void> {
    await this.guarded('Opening the readings', async () => {
      this.detail = await getAdjudication(number);
      this.loaded = await loadTask(this.detail);
      await this.show(this.loaded);
      await this.recover();
    });
  }

  /** Load the readings again in what is loaded now. */
  async reload(): Promise<void> {
    const { task } = this.page;
    const { detail } = this;
    if (task === undefined || detail === undefined) return;
    const sources = [...detail.readings.map(sourceOfReading), 'common'];
    const masks = await Promise.all(sources.map((source) => task.compareWith(source)));
    this.page.view.readings = {
      organ: detail.organ,
      readings: masks.slice(0, -1),
      common: masks.at(-1)!,
      shown: this.page.view.readings?.shown ?? 'all',
      hasEdit: this.begunWith !== undefined,
    };
    this.page.update();
  }

  /** Show a source alone, or all. */
  showAlone(shown: string): void {
    const { readings } = this.page.view;
    if (readings === undefined) return;
    this.page.view.readings = { ...readings, shown };
    this.page.update();
  }

  /** Show the next reading alone. */
  flicker(): void {
    const shown = this.page.view.readings?.shown ?? 'all';
    if (this.detail !== undefined) this.showAlone(nextReading(this.detail, shown));
  }

  /** Show the next in turn: all, each reading alone, the common part alone. */
  stepAlone(): void {
    const shown = this.page.view.readings?.shown ?? 'all';
    if (this.detail !== undefined) this.showAlone(nextAlone(this.detail, shown));
  }

  /** Ask which mask stands; with an edit that is not saved, whether that stands. */
  async finish(): Promise<void> {
    const { detail } = this;
    if (detail === undefined) return;
    const isEdited = (this.page.task?.unsaved().length ?? 0) > 0;
    const choices = choicesOf(detail).map(({ source, said }) => ({
      label: `Take ${said}`,
      run: (why: string) => void this.decide(source, why),
    }));
    const save = { label: 'Take my edit', run: () => void this.save() };
    const answers = isEdited ? [save, ...choices] : choices;
    this.page.ask({
      title: `Which mask of ${detail.name} stands?`,
      lines: [
        'Every reading is kept. Press the number of an answer; a reason can be written before it is clicked.',
      ],
      input: { label: 'Reason', value: '' },
      answers: [
        ...answers.map((one, n) => ({ ...one, label: `${n + 1} ${one.label}`, key: String(n + 1) })),
        { label: 'Back', isMain: true, run: () => undefined },
      ],
    });
  }

  /** Ask with which mask an edit begins. */
  askBegin(): void {
    const { detail } = this;
    if (detail === undefined) return;
    const isEdited = (this.page.task?.unsaved().length ?? 0) > 0;
    this.page.ask({
      title: 'With which mask does your edit begin?',
      lines: isEdited ? ['What you have drawn so far is thrown away.'] : [],
      answers: [
        ...choicesOf(detail).map(({ source, said }, n) => ({
          label: `${n + 1} ${said}`,
          key: String(n + 1),
          isMain: n === 0,
          run: () => void this.begin(source),
        })),
        { label: 'Back', run: () => undefined },
      ],
    });
  }

  /** Hand in what was drawn, which stands once it is written, and go on; true if it was handed in. */
  async save(): Promise<boolean> {
    const { task } = this.page;
    const { detail } = this;
    if (task === undefined || detail === undefined) return false;
    const edits = this.drafts.fileOf(task).edits.filter(({ organ }) => organ === detail.organ);
    if (this.begunWith === undefined || edits.length === 0) {
      this.page.say('Nothing was drawn. Press R to edit a mask, or ⇧A to take one as it is.');
      return false;
    }
    const isSaved = await this.guarded('Saving', async () => {
      const file = { geometry: detail.geometry, edits, draft: tabName() };
      await saveAdjudicated(detail.task, await encodeEditFile(file));
      this.page.activity.note('save');
      await this.drafts.forget(detail.task);
    });
    if (isSaved) await this.openNext('Saved: your mask stands once the server has written it.');
    return isSaved;
  }

  askAbsent(): void {
    this.page.say('Where the organ is absent, take the reading that says so, or the common part.');
  }

  askSkip(): void {
    this.askNext();
  }

  /** Leave the task undecided for the next one; what was drawn stays a draft. */
  askNext(): void {
    void this.drafts.keep().then(() => this.openNext());
  }

  async reopen(): Promise<void> {
    this.begunWith = undefined;
    if (this.detail !== undefined) await this.open(this.detail.task);
  }

  private async show(loaded: LoadedTask): Promise<void> {
    const { page } = this;
    this.page.view.readings = undefined;
    const task = showTask(page, this.drafts, loaded, 'adjudication');
    for (const organ of task.session.masks.organs) {
      const isOwn = organ === task.detail.organ;
      task.session.setLocked(organ, !isOwn || this.begunWith === undefined);
      if (!isOwn) page.view.hiddenOrgans.add(organ);
    }
    page.view.hasHeat = false;
    await this.reload();
  }

  private async begin(source: string): Promise<void> {
    const { loaded, detail } = this;
    if (loaded === undefined || detail === undefined) return;
    await this.guarded('Loading the mask', async () => {
      await this.drafts.forget(detail.task);
      await this.beginWith(loaded, detail, source);
      this.page.chooseTool('brush');
      this.page.say(`You edit ${sourceSaid(detail, source)}; S saves, and your mask stands then.`);
    });
  }

  private async beginWith(loaded: LoadedTask, detail: AdjudicationDetail, source: string): Promise<void> {
    const masks = await loadMasks(detail.task, source, loaded.ct.box);
    const { spot } = this.page;
    this.begunWith = source;
    await this.show({ ...loaded, begun: { source, base: detail.bases[source] ?? source, masks } });
    this.page.spot = spot;
  }

  /** Go on with an edit that was not saved, from the source with which it began. */
  private async recover(): Promise<void> {
    const { loaded, detail } = this;
    if (loaded === undefined || detail === undefined) return;
    const base = await this.drafts.baseOfNewest(detail.task, detail.organ);
    const source = detail.sources.find((one) => (detail.bases[one] ?? one) === base);
    if (source === undefined) return;
    await this.beginWith(loaded, detail, source);
    await this.drafts.recover(this.page.task!);
  }

  private async decide(stands: string, why: string): Promise<void> {
    const { detail } = this;
    if (detail === undefined) return;
    const isDone = await this.guarded('Deciding', async () => {
      await decideTask(detail.task, stands, why);
      this.page.activity.note('decide');
      await this.drafts.forget(detail.task);
    });
    if (isDone) await this.openNext(`Decided: ${sourceSaid(detail, stands)} stands.`);
  }

  private async openNext(said = ''): Promise<void> {
    const before = this.detail?.task;
    if (before !== undefined && said !== '') this.decided.add(before);
    this.begunWith = undefined;
    await this.guarded('Opening the next task', async () => {
      const tasks = (await getAdjudications()).filter(({ task }) => !this.decided.has(task));
      const at = tasks.findIndex(({ task }) => task === before);
      const next = [...tasks.slice(at + 1), ...tasks.slice(0, Math.max(0, at))].find(
        ({ task }) => task !== before,
      );
      if (next === undefined) this.showEnd();
      else await this.open(next.task);
      if (said !== '') this.page.say(said);
    });
  }

  private showEnd(): void {
    this.detail = undefined;
    this.page.task = undefined;
    this.page.view.readings = undefined;
    this.page.activity.close();
    history.replaceState(null, '', `${location.pathname}#adjudication`);
    this.page.say('No other task waits for a decision.');
  }

  private async guarded(what: string, work: () => Promise<void>): Promise<boolean> {
    this.page.waitsFor = what;
    this.page.update();
    try {
      await work();
      return true;
    } catch (problem) {
      this.page.fail(problem);
      return false;
    } finally {
      this.page.waitsFor = undefined;
      this.page.update();
    }
  }
}
