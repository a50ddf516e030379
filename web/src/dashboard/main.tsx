/** Entry of the dashboard: asks for the figures every half minute while the page is seen. */

import { render } from 'preact';

import { getJson } from '../api/client';
import { Dashboard } from './dashboard';
import './dashboard.css';
import type { DashboardData } from './types';

const EVERY_MS = 30_000;

const place = document.getElementById('dashboard');
if (place === null) throw new Error('dashboard.html has no element "dashboard"');
const root: HTMLElement = place;
let data: DashboardData | null = null;

function show(problem: string): void {
  render(<Dashboard data={data} problem={problem} />, root);
}

async function refresh(): Promise<void> {
  try {
    data = await getJson<DashboardData>('/api/dashboard');
    show('');
  } catch (problem) {
    show(problem instanceof Error ? problem.message : String(problem));
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
