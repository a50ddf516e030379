/** Entry of the review page. */

import { h, render } from 'preact';
import './style/theme.css';
import './style/header.css';
import './style/toolbar.css';
import './style/planes.css';
import './style/panels.css';
import './style/dialogs.css';
import { Adjudicate } from './adjudication/adjudicate';
import { getJson } from './api/client';
import type { SessionInfo } from './api/types';
import type { Answers } from './flow/answers';
import { Drafts } from './flow/drafts';
import { listen } from './flow/events';
import { HandIn } from './flow/handIn';
import { holdTabName } from './flow/tabs';
import { TaskFlow } from './flow/taskFlow';
import { PLANES } from './geometry/planes';
import { hookOf } from './hook';
import { listenToKeys } from './keys';
import { askLogin } from './login/LoginDialog';
import { renewSessions } from './login/renewal';
import { Page } from './page';
import { App } from './ui/App';
import { Gestures } from './viewer/gestures';

/** Put the page together and open the first task. */
async function start(): Promise<void> {
  const page = new Page();
  const drafts = new Drafts(page);
  const isDeciding = /^#adjudication/.test(location.hash);
  const { answers, flow, open } = isDeciding ? decidingParts(page, drafts) : readingParts(page, drafts);
  const root = document.getElementById('page')!;
  const openTask = (task: number): void => void flow?.openTask(task);
  const keepWork = (): Promise<void> => drafts.keep();
  page.drawPanels = () => render(h(App, { page, handIn: answers, openTask, keepWork }), root);
  page.onEdit = () => drafts.schedule();
  for (const name of PLANES) new Gestures(page, page.planes[name]);
  window.omentumPage = hookOf(page);
  listenToKeys(page, answers);
  page.drawPanels();
  guardLeaving(page, drafts, flow);
  if (await takeSession(page, drafts)) {
    await holdTabName();
    listen(page, drafts);
    await open();
  }
}

interface Parts {
  readonly answers: Answers;
  readonly flow: TaskFlow | undefined;
  /** Open what the address says, or the next task. */
  readonly open: () => Promise<void>;
}

/** Number of the task that the address names; `undefined` if it names none. */
function addressed(): number | undefined {
  const number = Number(/^#(?:task|adjudication)=(\d+)$/.exec(location.hash)?.[1] ?? NaN);
  return Number.isInteger(number) ? number : undefined;
}

function readingParts(page: Page, drafts: Drafts): Parts {
  const flow = new TaskFlow(page, drafts);
  const open = (): Promise<void> => {
    const number = addressed();
    return number === undefined ? flow.openNext() : flow.openTask(number);
  };
  return { answers: new HandIn(page, drafts, flow), flow, open };
}

function decidingParts(page: Page, drafts: Drafts): Parts {
  const adjudicate = new Adjudicate(page, drafts);
  page.adjudicate = adjudicate;
  const open = async (): Promise<void> => {
    const number = addressed();
    if (number === undefined) location.assign('adjudications.html');
    else await adjudicate.open(number);
  };
  return { answers: adjudicate, flow: undefined, open };
}

/** Learn who reads, now and after every login; what is open stays open for the same person. */
async function takeSession(page: Page, drafts: Drafts): Promise<boolean> {
  renewSessions({
    ask: (reader) => askLogin(reader, page.theme),
    reader: () => page.session?.reader,
    beginAnew: async () => {
      await drafts.keepHere();
      history.replaceState(null, '', location.pathname);
      location.reload();
    },
  });
  try {
    page.session = await getJson<SessionInfo>('/api/session');
    for (const info of page.session.organs) page.infos.set(info.organ, info);
    return true;
  } catch (problem) {
    page.fail(problem);
    return false;
  }
}

/** Ask before unsaved work is left, keep it as a draft, and give back what was claimed ahead. */
function guardLeaving(page: Page, drafts: Drafts, flow: TaskFlow | undefined): void {
  window.addEventListener('beforeunload', (event) => {
    if (page.draftPlace === 'none') return;
    void drafts.keep();
    event.preventDefault();
  });
  window.addEventListener('pagehide', () => flow?.giveAheadBack());
  document.addEventListener('visibilitychange', () => {
    if (document.hidden && page.draftPlace === 'memory') void drafts.keep();
  });
  window.addEventListener('online', () => void drafts.keep());
}

void start();
