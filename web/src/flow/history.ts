/** What happened to an organ, and how an earlier mask of it stands again. */

import { getJson, sendJson } from '../api/client';
import type { HistoryEvent, OrganHistory } from '../api/types';
import type { Page } from '../page';
import type { Answers } from './answers';
import { compareWith } from './compare';
import { expectChange } from './events';

/** What a mask is called where it is restored, and where it is compared. */
export interface EarlierMask {
  readonly to: number | 'original' | 'predicted';
  readonly source: string;
}

/** The mask that an event brought; `undefined` for a decision or a confirmation. */
export function maskOfEvent({ what, by, revision }: HistoryEvent): EarlierMask | undefined {
  if (what === 'revision' && revision !== null) return { to: revision, source: `revision:${revision}` };
  if (what === 'original label') return { to: 'original', source: 'original' };
  return what === 'prediction' ? { to: 'predicted', source: `predicted:${by}` } : undefined;
}

const pathOf = (caseId: string, organ: string): string => `/api/cases/${caseId}/organs/${organ}`;

/** Show what happened to the chosen organ. */
export async function showHistory(page: Page): Promise<void> {
  const { task, organ } = page;
  if (task === undefined) return;
  try {
    const history = await getJson<OrganHistory>(`${pathOf(task.detail.case, organ)}/history`);
    page.dialog = { kind: 'history', history };
    page.update();
  } catch (problem) {
    page.fail(problem);
  }
}

/** Close the history and flicker to an earlier mask. */
export async function compareEarlier(page: Page, { source }: EarlierMask): Promise<void> {
  page.closeDialog();
  await compareWith(page, source);
}

/** Ask why, then let an earlier mask stand again. */
export function askRestore(
  page: Page,
  answers: Answers,
  organ: string,
  mask: EarlierMask,
  said: string,
): void {
  page.closeDialog();
  if ((page.task?.unsaved().length ?? 0) > 0) {
    page.say('Save your edits first, or undo them: what is drawn now began with the mask that stands.');
    return;
  }
  page.ask({
    title: `Restore ${said} of ${page.nameOf(organ)}?`,
    lines: ['It stands from now on; every other mask stays in the history.'],
    input: { label: 'Why', value: '' },
    answers: [
      { label: 'Restore', isMain: true, run: (why) => void restore(page, answers, organ, mask, why) },
      { label: 'Back', run: () => undefined },
    ],
  });
}

async function restore(
  page: Page,
  answers: Answers,
  organ: string,
  { to }: EarlierMask,
  why: string,
): Promise<void> {
  const caseId = page.task!.detail.case;
  expectChange(caseId, organ);
  try {
    await sendJson('POST', `${pathOf(caseId, organ)}/restore`, { to, why });
    page.activity.note('restore');
    await answers.reopen();
    page.say(`Restored: the earlier mask of ${page.nameOf(organ)} stands.`);
  } catch (problem) {
    page.fail(problem);
  }
}
