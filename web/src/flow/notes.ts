/** Comments and flags about a case. */

import { sendJson } from '../api/client';
import type { CaseNote } from '../api/types';
import type { Page } from '../page';

const FLAG_NAMES: Readonly<Record<string, string>> = {
  poor_scan: 'Poor scan',
  wrong_phase: 'Wrong phase',
  incidental_finding: 'Incidental finding',
};

/** A note's kind in words. */
export const nameOfKind = (kind: string): string => FLAG_NAMES[kind] ?? 'Comment';

/** Ask for a comment or a flag. */
export function askNote(page: Page): void {
  const { task, session } = page;
  if (task === undefined || session === undefined) return;
  const kinds = ['comment', ...session.flags];
  page.ask({
    title: 'Note about this CT',
    lines: ['Flags may have a text; a comment needs one.'],
    input: { label: 'Text', value: '' },
    answers: [
      ...kinds.map((kind, n) => ({
        label: `${n + 1} ${nameOfKind(kind)}`,
        key: String(n + 1),
        isMain: kind === 'comment',
        run: (text: string) => void send(page, task.detail.case, kind, text),
      })),
      { label: 'Back', run: () => undefined },
    ],
  });
}

async function send(page: Page, caseId: string, kind: string, text: string): Promise<void> {
  try {
    const note = await sendJson<CaseNote>('POST', `/api/cases/${caseId}/notes`, { kind, text });
    page.say(`Noted: ${nameOfKind(note.kind)}.`);
    page.activity.note('note');
  } catch (problem) {
    page.fail(problem);
  }
}
