/** Who reads. */

import { sendJson } from '../api/client';
import type { SessionInfo } from '../api/types';
import type { Page } from '../page';

/** Ask for the reader's pseudonym; the page is loaded again for another reader. */
export function askReader(page: Page): void {
  page.ask({
    title: 'Who reads?',
    lines: [
      'A pseudonym: letters, digits, point, hyphen, underscore. Unsaved work stays a draft of who drew it.',
    ],
    input: { label: 'Reader', value: page.session?.reader ?? '' },
    answers: [
      { label: 'Read as this', isMain: true, run: (reader) => void change(page, reader.trim()) },
      { label: 'Back', run: () => undefined },
    ],
  });
}

async function change(page: Page, reader: string): Promise<void> {
  if (reader === page.session?.reader) return;
  try {
    await sendJson<SessionInfo>('PUT', '/api/session', { reader });
    history.replaceState(null, '', location.pathname);
    location.reload();
  } catch (problem) {
    page.fail(problem);
  }
}
