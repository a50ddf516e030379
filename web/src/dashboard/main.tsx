/** Entry of the dashboard: asks for the figures every half minute while the page is seen. */

import { render } from 'preact';

import { getJson } from '../api/client';
import type { SessionInfo } from '../api/types';
import '../sheet/sheet.css';
import { placeOf, sentenceOf, takeSession } from '../sheet/start';
import { Dashboard } from './dashboard';
import './dashboard.css';
import type { DashboardData } from './types';

const EVERY_MS = 30_000;

const root = placeOf('dashboard');
let data: DashboardData | null = null;
let session: SessionInfo | undefined;

function show(problem: string): void {
  render(<Dashboard data={data} session={session} problem={problem} />, root);
}

async function refresh(): Promise<void> {
  try {
    session ??= await takeSession();
    data = await getJson<DashboardData>('/api/dashboard');
    show('');
  } catch (problem) {
    show(sentenceOf(problem));
  }
}

/** Ask, wait, ask again: never two requests at a time. */
async function keepFresh(): Promise<never> {
  for (;;) {
    if (document.visibilityState === 'visible') await refresh();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

show('');
void keepFresh();
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') void refresh();
});
