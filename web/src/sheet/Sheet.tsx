/** The frame of the pages beside the review: who is here, where to go, and what went wrong. */

import type { ComponentChildren } from 'preact';
import { logOut } from '../api/people';
import type { SessionInfo } from '../api/types';
import { canLogOut, linksOf } from './links';

interface SheetProps {
  readonly title: string;
  readonly about: string;
  readonly session: SessionInfo | undefined;
  /** What went wrong, in a sentence; empty where nothing did. */
  readonly problem: string;
  /** What was done, in a sentence. */
  readonly said?: string;
  readonly children: ComponentChildren;
}

/** Draw a page's heading, links and content. */
export function Sheet({ title, about, session, problem, said = '', children }: SheetProps) {
  return (
    <>
      <header class="top">
        <div>
          <h1>{title}</h1>
          <p>{about}</p>
        </div>
        {session === undefined ? null : <PageNavigation session={session} />}
      </header>
      <p role="alert" class="problem">
        {problem}
      </p>
      <p role="status" class="done">
        {said}
      </p>
      {children}
    </>
  );
}

/** Draw the links to other pages, and who is here. */
export function PageNavigation({ session }: { readonly session: SessionInfo }) {
  return (
    <nav class="links" aria-label="Pages">
      {linksOf(session).map(({ href, label }) => (
        <a
          key={href}
          href={href}
          {...(location.pathname.endsWith(`/${href}`) ? { 'aria-current': 'page' as const } : {})}
        >
          {label}
        </a>
      ))}
      <span data-testid="who">{session.reader}</span>
      {canLogOut(session) ? (
        <button type="button" data-testid="log-out" onClick={() => void leave()}>
          Log out
        </button>
      ) : null}
    </nav>
  );
}

/** End the session at the server, and show how to come in. */
async function leave(): Promise<void> {
  await logOut().catch(() => undefined);
  location.assign('./');
}

/** Draw a part of a page under a heading of its own. */
export function Section({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}) {
  return (
    <section>
      <h2>{title}</h2>
      <div class="scrolls" tabIndex={0} role="region" aria-label={title}>
        {children}
      </div>
    </section>
  );
}
