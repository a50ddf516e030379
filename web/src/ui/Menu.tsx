/** Who is here, and where to go: a menu at the end of the bar. */

import { useRef } from 'preact/hooks';
import { logOut } from '../api/people';
import { askReader } from '../flow/reader';
import { canLogOut, linksOf } from '../sheet/links';
import type { Shared } from './App';

/** Draw the menu; Escape and a click outside close it. */
export function Menu(shared: Shared) {
  const { page } = shared;
  const details = useRef<HTMLDetailsElement>(null);
  const { session } = page;
  if (session === undefined) return null;
  const close = (): void => {
    if (details.current !== null) details.current.open = false;
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || details.current?.open !== true) return;
    event.preventDefault();
    event.stopPropagation();
    close();
    details.current.querySelector('summary')?.focus();
  };
  const onFocusOut = (event: FocusEvent): void => {
    if (!(event.relatedTarget instanceof Node) || !details.current!.contains(event.relatedTarget)) close();
  };
  return (
    <details ref={details} class="menu" onKeyDown={onKey} onFocusOut={onFocusOut}>
      <summary class="plain" data-testid="reader">
        {session.reader}
      </summary>
      <div class="entries">
        {linksOf(session).map(({ href, label }) => (
          <a key={href} href={href}>
            {label}
          </a>
        ))}
        {session.login === 'link' ? (
          <button type="button" onClick={() => askReader(page)}>
            Change the reader
          </button>
        ) : null}
        {canLogOut(session) ? (
          <button type="button" data-testid="log-out" onClick={() => void leave(shared)}>
            Log out
          </button>
        ) : null}
      </div>
    </details>
  );
}

/** Keep what is not saved as a draft, end the session, and show how to come in. */
async function leave({ page, keepWork }: Shared): Promise<void> {
  await keepWork();
  if (page.draftPlace !== 'none' && page.draftPlace !== 'server') {
    page.say('The draft is not at the server yet; save or wait, then log out.');
    return;
  }
  page.draftPlace = 'none';
  try {
    await logOut();
  } catch (problem) {
    page.fail(problem);
    return;
  }
  location.assign('./');
}
