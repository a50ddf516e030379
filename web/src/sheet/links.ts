/** Where a person can go, by roles and by how people come in. */

import { hasRole } from '../api/people';
import type { SessionInfo } from '../api/types';

/** A page of the server. */
export interface PageLink {
  readonly href: string;
  readonly label: string;
}

/** The pages that are of use to whoever has this session. */
export function linksOf({ roles, login }: Pick<SessionInfo, 'roles' | 'login'>): readonly PageLink[] {
  const isKnown = login !== 'link';
  const links: readonly (PageLink & { readonly isShown: boolean })[] = [
    { href: './', label: 'Review', isShown: hasRole(roles, 'reader') },
    { href: 'adjudications.html', label: 'Adjudication', isShown: hasRole(roles, 'adjudicator') },
    { href: 'dashboard.html', label: 'Dashboard', isShown: true },
    { href: 'people.html', label: 'People', isShown: hasRole(roles, 'admin') },
    { href: 'account.html', label: 'Account', isShown: isKnown },
  ];
  return links.filter(({ isShown }) => isShown).map(({ href, label }) => ({ href, label }));
}

/** Whether a page can log this session out; a proxy's login is the proxy's to end. */
export const canLogOut = ({ login }: Pick<SessionInfo, 'login'>): boolean => login === 'password';
