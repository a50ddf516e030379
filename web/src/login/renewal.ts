/** Get a session again while a page is open: all requests wait for one login. */

import { onNoSession } from '../api/client';
import type { SessionInfo } from '../api/types';

/** What a page does about a login. */
export interface RenewalOptions {
  /** Show how to come in; gives the session once there is one. */
  readonly ask: (reader: string | undefined) => Promise<SessionInfo>;
  /** Who reads in this page; `undefined` before the first session. */
  readonly reader: () => string | undefined;
  /** Another person has come in: begin anew, as what is open is not theirs. */
  readonly beginAnew: () => Promise<void>;
}

/**
 * Make what renews a session; asked several times at once, it asks the person once.
 *
 * It never ends where another person has come in: what waits for it must not be sent in that person's name.
 */
export function makeRenewal({ ask, reader, beginAnew }: RenewalOptions): () => Promise<void> {
  let running: Promise<void> | undefined;
  const renew = async (): Promise<void> => {
    const before = reader();
    const session = await ask(before);
    if (before === undefined || session.reader === before) return;
    await beginAnew();
    await new Promise<never>(() => undefined);
  };
  return () => {
    running ??= renew().finally(() => (running = undefined));
    return running;
  };
}

/** Let all requests of the page wait for a login where there is no session. */
export function renewSessions(options: RenewalOptions): void {
  onNoSession(makeRenewal(options));
}
