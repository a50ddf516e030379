/** Entry of the review page. */

import { h, render } from 'preact';
import './style/theme.css';
import './style/header.css';
import './style/toolbar.css';
import './style/planes.css';
import './style/panels.css';
import './style/dialogs.css';
import { RefusedError, getJson } from './api/client';
import type { SessionInfo } from './api/types';
import { Drafts } from './flow/drafts';
import { listen } from './flow/events';
import { HandIn } from './flow/handIn';
import { holdTabName } from './flow/tabs';
import { TaskFlow } from './flow/taskFlow';
import { PLANES } from './geometry/planes';
import { hookOf } from './hook';
import { listenToKeys } from './keys';
import { Page } from './page';
import { App } from './ui/App';
import { Gestures } from './viewer/gestures';

/** Put the page together and open the first task. */
async function start(): Promise<void> {
  const page = new Page();
  const drafts = new Drafts(page);
  const flow = new TaskFlow(page, drafts);
  const handIn = new HandIn(page, drafts, flow);
  const root = document.getElementById('page')!;
  const openTask = (task: number): void => void flow.openTask(task);
  page.drawPanels = () => render(h(App, { page, handIn, openTask }), root);
  page.onEdit = () => drafts.schedule();
  for (const name of PLANES) new Gestures(page, page.planes[name]);
  window.omentumPage = hookOf(page);
  listenToKeys(page, handIn);
  page.drawPanels();
  guardLeaving(page, drafts, flow);
  if (await takeSession(page)) {
    await holdTabName();
    listen(page, drafts);
    const number = Number(/^#task=(\d+)$/.exec(location.hash)?.[1] ?? NaN);
    await (Number.isInteger(number) ? flow.openTask(number) : flow.openNext());
  }
}

/** Learn who reads; says what to do if there is no session. */
async function takeSession(page: Page): Promise<boolean> {
  try {
    page.session = await getJson<SessionInfo>('/api/session');
    for (const info of page.session.organs) page.infos.set(info.organ, info);
    return true;
  } catch (problem) {
    if (problem instanceof RefusedError && problem.status === 401) {
      page.notices.say(
        'This browser has no session: press Enter in the terminal of the review server and open the new link.',
        'lasting',
      );
    } else page.fail(problem);
    return false;
  }
}

/** Ask before unsaved work is left, keep it as a draft, and give back what was claimed ahead. */
function guardLeaving(page: Page, drafts: Drafts, flow: TaskFlow): void {
  window.addEventListener('beforeunload', (event) => {
    if (page.draftPlace === 'none') return;
    void drafts.keep();
    event.preventDefault();
  });
  window.addEventListener('pagehide', () => flow.giveAheadBack());
  document.addEventListener('visibilitychange', () => {
    if (document.hidden && page.draftPlace === 'memory') void drafts.keep();
  });
  window.addEventListener('online', () => void drafts.keep());
}

void start();
