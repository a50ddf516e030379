/** Begin a page beside the review: its place, its session, and a login where there is none. */

import { getJson } from '../api/client';
import type { SessionInfo } from '../api/types';
import { askLogin } from '../login/LoginDialog';
import { renewSessions } from '../login/renewal';

let current: SessionInfo | undefined;

/** The element in which a page draws. */
export function placeOf(id: string): HTMLElement {
  const place = document.getElementById(id);
  if (place === null) throw new Error(`the page has no element "${id}"`);
  return place;
}

/** Take the session; asks for a login where there is none, now and later. */
export async function takeSession(): Promise<SessionInfo> {
  renewSessions({
    ask: (reader) => askLogin(reader),
    reader: () => current?.reader,
    beginAnew: async () => location.reload(),
  });
  current = await getJson<SessionInfo>('/api/session');
  return current;
}

/** What an error says, as a sentence. */
export function sentenceOf(problem: unknown): string {
  const said = problem instanceof Error ? problem.message : String(problem);
  return said.charAt(0).toUpperCase() + said.slice(1);
}
