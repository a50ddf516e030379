/** Choose another source of masks and how it is compared. */

import type { Page } from '../page';
import type { CompareMode } from '../viewer/viewState';

/** Sources that the task can be compared with, with a name to show. */
export function compareSources(page: Page): { readonly source: string; readonly label: string }[] {
  const sources = page.task?.detail.masks ?? [];
  return sources.map((source) => ({ source, label: labelOf(source) }));
}

function labelOf(source: string): string {
  if (source === 'shown') return 'As it was opened';
  if (source === 'original') return 'Original';
  if (source.startsWith('predicted:')) return `Predicted by ${source.slice('predicted:'.length)}`;
  return `Reading ${source.replace('revision:', '')}`;
}

/** Take a source to compare with. */
export async function compareWith(page: Page, source: string): Promise<void> {
  const { task, view } = page;
  if (task === undefined) return;
  try {
    view.other = await task.compareWith(source);
    if (view.compareMode === 'off') view.compareMode = 'flicker';
    view.isFlickered = true;
    page.say(`Comparing with: ${labelOf(source)}.`);
  } catch (problem) {
    page.fail(problem);
  }
  page.update();
}

/** Take the next source in the list. */
export async function nextSource(page: Page): Promise<void> {
  const sources = compareSources(page).filter(({ source }) => source !== 'shown');
  const now = sources.findIndex(({ source }) => source === page.view.other?.id);
  const next = sources[(now + 1) % Math.max(1, sources.length)];
  if (next === undefined) page.say('There is no other mask to compare with.');
  else await compareWith(page, next.source);
}

/** Flicker to the other source, or back. */
export async function flicker(page: Page): Promise<void> {
  const { view } = page;
  if (view.other === undefined) return nextSource(page);
  if (view.compareMode !== 'flicker') [view.compareMode, view.isFlickered] = ['flicker', true];
  else view.isFlickered = !view.isFlickered;
  page.update();
}

/** Swipe between the masks, or end that. */
export async function swipe(page: Page): Promise<void> {
  const { view } = page;
  if (view.other === undefined) await nextSource(page);
  if (view.other !== undefined) setMode(page, view.compareMode === 'swipe' ? 'off' : 'swipe');
}

/** Set how the masks are compared. */
export function setMode(page: Page, mode: CompareMode): void {
  page.view.compareMode = mode;
  page.view.isFlickered = false;
  page.update();
}
