/** The page's layout. */

import type { Answers } from '../flow/answers';
import type { Page } from '../page';
import { Dialog } from './Dialog';
import { Header } from './Header';
import { Notices } from './NoticeList';
import { Planes } from './Planes';
import { SidePanel } from './SidePanel';
import { StatusLine } from './StatusLine';
import { Toolbar } from './Toolbar';

/** What every part of the page is given. */
export interface Shared {
  readonly page: Page;
  readonly handIn: Answers;
  /** Open a task from the queue. */
  readonly openTask: (task: number) => void;
  /** Keep what is not saved as a draft. */
  readonly keepWork: () => Promise<void>;
}

/** A button that was clicked with a pointer gives the keyboard back to the plane: Space is the next hot spot then. */
function backToPlane(page: Page, event: MouseEvent): void {
  const isButton = event.target instanceof Element && event.target.closest('button') !== null;
  const isByPointer = event.detail > 0;
  if (isButton && isByPointer && page.dialog === undefined)
    page.focused.surface.focus({ preventScroll: true });
}

/** All of the page. */
export function App(shared: Shared) {
  const { page } = shared;
  return (
    <div class="app" data-theme={page.theme} onClick={(event) => backToPlane(page, event)}>
      <Header {...shared} />
      <Toolbar {...shared} />
      <main class="stage" aria-label="CT">
        <Planes {...shared} />
        <Notices {...shared} />
      </main>
      <SidePanel {...shared} />
      <StatusLine {...shared} />
      {page.dialog === undefined ? null : <Dialog {...shared} />}
    </div>
  );
}
