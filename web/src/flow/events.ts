/** What the server tells: saves that are done, tasks and masks that others changed. */

import type { CaseNote, SaveInfo, TaskEvent } from '../api/types';
import type { Page } from '../page';
import type { Drafts } from './drafts';

/** Listen to the server for as long as the page is open. */
export function listen(page: Page, drafts: Drafts): EventSource {
  const source = new EventSource('/api/events');
  const on = <Data>(name: string, handle: (data: Data) => void): void =>
    source.addEventListener(name, (event) =>
      handle(JSON.parse((event as MessageEvent<string>).data) as Data),
    );
  on<SaveInfo>('save', (save) => saidOfSave(page, save));
  on<TaskEvent>('task', (event) => ofTask(page, event));
  on<{ case: string; organ: string }>('organ', (event) => ofOrgan(page, event));
  on<CaseNote>('note', (note) => {
    const { task } = page;
    if (task?.detail.case !== note.case) return;
    task.notes = [...task.notes.filter((one) => one.note !== note.note), note];
    page.update();
  });
  on<unknown>('reload', () => page.say('Much has happened meanwhile; load the page again to see all of it.'));
  let isLost = false;
  source.onerror = () => {
    if (!isLost)
      page.notices.say(
        'The connection to the review server is lost; work is kept in this browser.',
        'problem',
      );
    isLost = true;
  };
  source.onopen = () => {
    if (isLost) page.say('The review server is there again.');
    if (isLost && page.draftPlace !== 'none') void drafts.keep();
    isLost = false;
  };
  return source;
}

function saidOfSave(page: Page, save: SaveInfo): void {
  if (save.state === 'failed') {
    page.notices.say(
      `Task ${save.task} could not be written: ${save.said} Its work is kept as a draft.`,
      'lasting',
    );
    return;
  }
  if (save.state !== 'done') return;
  for (const one of save.revisions) {
    const change =
      one.added_ml === null
        ? one.says
        : `${one.says}, +${one.added_ml.toFixed(1)} −${(one.removed_ml ?? 0).toFixed(1)} mL`;
    const found = one.findings.length > 0 ? `; ${one.findings.join('; ')}` : '';
    const why = one.stands ? '' : `; it does not stand: ${one.why_not}`;
    page.say(`Task ${save.task}, ${page.nameOf(one.organ)}: ${change}${found}${why}.`);
  }
}

function ofTask(page: Page, event: TaskEvent): void {
  const reader = page.session?.reader;
  if (event.task !== page.task?.detail.task || event.holder === null || event.holder === reader) return;
  page.notices.say(
    `${event.holder} has this task now. Go on: late work is taken, and nothing is lost.`,
    'lasting',
  );
}

function ofOrgan(page: Page, event: { case: string; organ: string }): void {
  const { task } = page;
  if (task === undefined || task.detail.case !== event.case || !task.bases.has(event.organ)) return;
  page.notices.say(
    `Another mask of ${page.nameOf(event.organ)} stands by now; saving will show it.`,
    'lasting',
  );
}
