/** What the server tells: saves that are done, tasks and masks that others changed. */

import { getJson } from '../api/client';
import type { CaseNote, SaveInfo, TaskEvent } from '../api/types';
import type { Page } from '../page';
import type { Drafts } from './drafts';

const REOPEN_MS = 2000;

/** Listen to the server for as long as the page is open; after a login, listen again. */
export function listen(page: Page, drafts: Drafts): void {
  const open = (): void => {
    const source = openStream(page);
    let isLost = false;
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) return void reopen(open);
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
  };
  open();
}

/** Open the stream again once there is a session: a browser does not when it was refused. */
async function reopen(open: () => void): Promise<void> {
  await getJson('/api/session').catch(() => undefined);
  setTimeout(open, REOPEN_MS);
}

function openStream(page: Page): EventSource {
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

/** Organs, as `case/organ`, of which another mask stands as this page asked for it. */
const expected = new Set<string>();

/** Say that this page asks for another mask of an organ: its event is no news. */
export function expectChange(caseId: string, organ: string): void {
  expected.add(`${caseId}/${organ}`);
}

function ofOrgan(page: Page, event: { case: string; organ: string }): void {
  const { task } = page;
  if (expected.delete(`${event.case}/${event.organ}`)) return;
  if (task === undefined || task.detail.case !== event.case || !task.bases.has(event.organ)) return;
  page.notices.say(
    `Another mask of ${page.nameOf(event.organ)} stands by now; saving will show it.`,
    'lasting',
  );
}
