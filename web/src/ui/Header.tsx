/** The bar above: which task is open, and how it is answered. */

import { getJson } from '../api/client';
import type { Queue } from '../api/types';
import { commandsOf } from '../adjudication/commands';
import type { Page } from '../page';
import type { Shared } from './App';
import { CommandButton } from './CommandButton';
import { Menu } from './Menu';

const KINDS: Readonly<Record<string, string>> = {
  attention: 'Attention',
  finding: 'Finding',
  requested: 'Requested',
  audit: 'Audit',
  'held-out': 'Evaluation',
};

const PLACES: Readonly<Record<Page['draftPlace'], string>> = {
  none: 'All saved',
  memory: 'Not saved',
  browser: 'Draft in this browser',
  server: 'Draft kept',
};

async function openQueue(page: Page): Promise<void> {
  try {
    page.dialog = { kind: 'queue', queue: await getJson<Queue>('/api/queue?limit=30') };
    page.update();
  } catch (problem) {
    page.fail(problem);
  }
}

/** Draw the bar. */
export function Header(shared: Shared) {
  const { page } = shared;
  const { task, session } = page;
  const detail = task?.detail;
  return (
    <header class="header">
      <div class="title">
        <h1 data-testid="task-title">{detail === undefined ? 'Omentum review' : detail.name}</h1>
        <p>
          {detail === undefined
            ? session?.project
            : `${detail.case} · task ${detail.task} · ${kindSaid(page)}`}
        </p>
      </div>
      <div class="bar">
        {commandsOf(page)
          .filter(({ place }) => place === 'bar')
          .map((command) => (
            <CommandButton key={command.id} {...shared} command={command} />
          ))}
      </div>
      <div class="about">
        <span class={`draft draft-${page.draftPlace}`} data-testid="draft-place" role="status">
          {page.waitsFor === undefined ? PLACES[page.draftPlace] : `${page.waitsFor}${shareOf(page)} …`}
        </span>
        {page.adjudicate === undefined ? (
          <button type="button" class="plain" data-testid="open-queue" onClick={() => void openQueue(page)}>
            Queue
          </button>
        ) : (
          <a class="plain" href="adjudications.html" data-testid="open-adjudications">
            Waiting tasks
          </a>
        )}
        <a class="plain" href="dashboard.html" data-testid="open-dashboard">
          Dashboard
        </a>
        <Menu {...shared} />
      </div>
    </header>
  );
}

function kindSaid({ adjudicate, task }: Page): string {
  const kind = task?.detail.kind ?? '';
  return adjudicate === undefined ? (KINDS[kind] ?? kind) : 'Adjudication';
}

const shareOf = (page: Page): string => (page.busyShare > 0 ? ` ${Math.round(100 * page.busyShare)} %` : '');
