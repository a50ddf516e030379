/** Autosave unsaved work, and bring it back after a crash of the browser or the server. */

import { getJson, request, sendBytes, sendDelete } from '../api/client';
import { type EditFile, type FileEdit, decodeEditFile, encodeEditFile } from '../api/editFile';
import type { DraftInfo } from '../api/types';
import { type Edit, editOfDiff, intersectBoxes } from '../engine';
import type { OpenTask } from '../task/openTask';
import type { Page } from '../page';
import { type StoredDraft, deleteDraft, draftsOf, putDraft } from './draftStore';
import { livingTabs, tabName } from './tabs';

const QUIET_MS = 1500;
const RETRY_MS = 5000;

/** Keeps the work of the open task as a draft. */
export class Drafts {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> = Promise.resolve();
  /** Names of drafts whose work is in the masks now; they go once it is saved. */
  private taken: string[] = [];

  constructor(private readonly page: Page) {}

  /** Another task is open. */
  reset(): void {
    clearTimeout(this.timer);
    this.taken = [];
    this.page.draftPlace = 'none';
  }

  /** Keep the work once the reader pauses. */
  schedule(waitMs = QUIET_MS): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.keep(), waitMs);
  }

  /** Keep the work now, in the browser and at the server. */
  keep(): Promise<void> {
    clearTimeout(this.timer);
    this.running = this.running.then(() => this.write()).catch((problem: unknown) => this.page.fail(problem));
    return this.running;
  }

  /** The edit file of what is not saved. */
  fileOf(task: OpenTask): EditFile {
    const edits: FileEdit[] = task
      .unsaved()
      .map(({ organ, box, bits }) => ({ organ, base: task.bases.get(organ) ?? null, box, bits }));
    return { geometry: task.detail.geometry, edits, extra: { cursor: task.cursor } };
  }

  /** Forget the drafts of a task, after its work was saved or thrown away; one that is being written goes too. */
  forget(task: number): Promise<void> {
    clearTimeout(this.timer);
    this.page.draftPlace = 'none';
    this.running = this.running
      .then(() => this.remove(task))
      .catch((problem: unknown) => this.page.fail(problem));
    return this.running;
  }

  private async remove(task: number): Promise<void> {
    const names = [...new Set([tabName(), ...this.taken])];
    this.taken = [];
    for (const name of names) {
      await deleteDraft(this.keyOf(task, name));
      await sendDelete(`/api/tasks/${task}/drafts/${name}`).catch(() => undefined);
    }
  }

  /** Bring back the newest draft of a task that no living tab works on; says what it did. */
  async recover(task: OpenTask): Promise<void> {
    const found = await this.newest(task.detail.task);
    if (found === undefined || this.page.task !== task) return;
    const file = await decodeEditFile(found.bytes);
    if (file.edits.length === 0) return;
    const isStale = file.edits.some(({ organ, base }) => base !== (task.bases.get(organ) ?? null));
    const when = new Date(found.time).toLocaleTimeString();
    if (!isStale) {
      await this.take(task, file, found.name);
      this.page.notices.say(`Your unsaved work from ${when} is back; undo takes it away.`, 'lasting', [
        { label: 'Throw it away', run: () => void this.discard(task) },
      ]);
      return;
    }
    this.page.notices.say(`A draft from ${when} began with an earlier mask.`, 'lasting', [
      { label: 'Put it on the mask shown', run: () => void this.take(task, file, found.name) },
      { label: 'Delete the draft', run: () => void this.drop(task, found.name) },
    ]);
  }

  /** Hash of the mask of an organ with which the newest draft of a task began; `undefined` if there is none. */
  async baseOfNewest(number: number, organ: string): Promise<string | undefined> {
    const found = await this.newest(number);
    const file = found && (await decodeEditFile(found.bytes));
    return file?.edits.find((edit) => edit.organ === organ)?.base ?? undefined;
  }

  /** Keep the work in this browser alone, under the name of who drew it: another person has logged in. */
  async keepHere(): Promise<void> {
    const { task } = this.page;
    if (task === undefined || this.page.draftPlace === 'none') return;
    const file = this.fileOf(task);
    if (file.edits.length > 0) await putDraft(this.stored(task.detail.task, await encodeEditFile(file)));
    this.page.draftPlace = 'none';
  }

  /** Put the work of an edit file on the masks as one step. */
  async take(task: OpenTask, file: EditFile, name?: string): Promise<void> {
    try {
      if (file.edits.some(({ box }) => !holds(task, box))) await task.loadWhole(() => this.page.redraw());
      const { masks } = task.session;
      const known = file.edits.filter(({ organ }) => masks.organs.includes(organ));
      const edits: Edit[] = known.map((edit) => editOfDiff(masks, edit));
      task.changed(task.session.edit('draft', ...edits));
      if (name !== undefined) this.taken.push(name);
      this.page.edited('draft');
    } catch (problem) {
      this.page.fail(problem);
    }
  }

  private async discard(task: OpenTask): Promise<void> {
    while (task.session.canUndo) task.changed(await task.session.undo());
    await this.forget(task.detail.task);
    this.page.update();
  }

  private async drop(task: OpenTask, name: string): Promise<void> {
    this.taken = [name];
    await this.forget(task.detail.task);
  }

  private async write(): Promise<void> {
    const { task } = this.page;
    if (task === undefined || this.page.draftPlace === 'none') return;
    if (this.page.isPointerDown) return this.schedule();
    const count = this.page.editCount;
    const file = this.fileOf(task);
    const number = task.detail.task;
    if (file.edits.length === 0) {
      this.page.draftPlace = 'none';
      return this.remove(number);
    }
    const bytes = await encodeEditFile(file);
    const draft = this.stored(number, bytes);
    await putDraft(draft).then(
      () => this.placed('browser', count),
      () => undefined,
    );
    await this.send(draft, count);
    this.page.update();
  }

  private async send(draft: StoredDraft, count: number): Promise<void> {
    try {
      await sendBytes('PUT', `/api/tasks/${draft.task}/drafts/${draft.name}`, draft.bytes);
      await putDraft({ ...draft, isOnServer: true }).catch(() => undefined);
      this.placed('server', count);
    } catch (problem) {
      const said = problem instanceof Error ? problem.message : String(problem);
      this.page.notices.say(`The draft is kept in this browser alone: ${said}.`, 'problem');
      this.schedule(RETRY_MS);
    }
  }

  /** Edits that were made while the draft was written are in memory alone. */
  private placed(place: 'browser' | 'server', count: number): void {
    if (this.page.editCount === count && this.page.draftPlace !== 'none') this.page.draftPlace = place;
  }

  private stored(task: number, bytes: Uint8Array): StoredDraft {
    const name = tabName();
    return {
      key: this.keyOf(task, name),
      task,
      name,
      time: new Date().toISOString(),
      bytes,
      isOnServer: false,
    };
  }

  private keyOf(task: number, name: string): string {
    const { project = '', reader = '' } = this.page.session ?? {};
    return `${project}/${reader}/${task}/${name}`;
  }

  private async newest(
    number: number,
  ): Promise<{ name: string; time: string; bytes: Uint8Array } | undefined> {
    const living = await livingTabs();
    const local = await draftsOf(this.keyOf(number, '')).catch(() => []);
    const remote = await getJson<DraftInfo[]>(`/api/tasks/${number}/drafts`).catch(() => []);
    const isFree = (name: string): boolean => name === tabName() || !living.has(name);
    const here = local.filter(({ name, isOnServer }) => isFree(name) && !isOnServer);
    const there = remote.filter(({ draft }) => isFree(draft));
    const mine = here.sort((a, b) => b.time.localeCompare(a.time))[0];
    const theirs = there.sort((a, b) => Date.parse(b.time) - Date.parse(a.time))[0];
    if (mine !== undefined && Date.parse(mine.time) >= Date.parse(theirs?.time ?? '1970-01-01')) return mine;
    if (theirs === undefined) return undefined;
    const answer = await request(`/api/tasks/${number}/drafts/${theirs.draft}`);
    return { name: theirs.draft, time: theirs.time, bytes: new Uint8Array(await answer.arrayBuffer()) };
  }
}

function holds(task: OpenTask, box: FileEdit['box']): boolean {
  const { loadedBox } = task.session.masks;
  return JSON.stringify(intersectBoxes(box, loadedBox)) === JSON.stringify(box);
}
