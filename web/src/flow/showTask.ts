/** Put a loaded task on the screen. */

import { PLANES } from '../geometry/planes';
import type { Page } from '../page';
import { type LoadedTask, OpenTask } from '../task/openTask';
import type { Drafts } from './drafts';
import { showSpot } from './spots';

/** What the address says is open: a task that is read, or one that is adjudicated. */
export type TaskAddress = 'task' | 'adjudication';

/** Show a task in place of the one that is open. */
export function showTask(
  page: Page,
  drafts: Drafts,
  loaded: LoadedTask,
  address: TaskAddress = 'task',
): OpenTask {
  const task = new OpenTask(loaded.detail, loaded, page.session!.organs);
  page.notices.clear();
  begin(page, task);
  for (const name of PLANES) {
    page.planes[name].measure();
    page.planes[name].open(task);
  }
  history.replaceState(null, '', `#${address}=${task.detail.task}`);
  document.title = `${task.detail.name}, ${task.detail.case} - Omentum review`;
  drafts.reset();
  page.activity.open(task.detail.task);
  const [first] = task.spots;
  if (first !== undefined) showSpot(page, first);
  page.drawPlanes();
  page.update();
  return task;
}

function begin(page: Page, task: OpenTask): void {
  const { organs } = task.session.masks;
  page.task = task;
  page.organ = organs.includes(task.detail.organ) ? task.detail.organ : (organs[0] ?? '');
  page.spot = task.spots[0]?.number;
  page.view.other = undefined;
  page.view.compareMode = 'off';
  page.view.hiddenOrgans.clear();
  page.drawnSlices.slices.clear();
  page.otherCt = undefined;
  page.cancel();
}
