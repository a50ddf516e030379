/** The page's layout. */

import type { HandIn } from '../flow/handIn';
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
  readonly handIn: HandIn;
  /** Open a task from the queue. */
  readonly openTask: (task: number) => void;
}

/** All of the page. */
export function App(shared: Shared) {
  const { page } = shared;
  return (
    <div class="app" data-theme={page.theme}>
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
