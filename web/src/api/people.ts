/** People, passwords, tokens and assignments at the server; docs/review-server.md describes the routes. */

import { getJson, jsonRequest, requestOnce, sendDelete, sendJson, sendQuietly } from './client';
import type { LoginMode, Role, SessionInfo } from './types';

/** A personal token of a program; the token itself is told once, when it is made. */
export interface TokenInfo {
  readonly number: number;
  readonly label: string;
  readonly since: string;
  readonly until: string | null;
  readonly revoked: string | null;
}

export interface NewToken extends TokenInfo {
  readonly token: string;
}

export interface PersonInfo {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly is_disabled: boolean;
  readonly has_password: boolean;
  readonly since: string;
  readonly tokens: readonly TokenInfo[];
}

/** What an admin changes of a person; what is left out stays. */
export interface PersonChange {
  readonly roles?: readonly Role[];
  readonly is_disabled?: boolean;
  readonly password?: string;
}

/** A rule by which tasks are dealt to a reader. */
export interface AssignmentInfo {
  readonly number: number;
  readonly reader: string;
  readonly organ: string | null;
  readonly share: number | null;
}

/** Whether a person may do what a role may: an admin may all, and an adjudicator also reads. */
export function hasRole(roles: readonly Role[], role: Role): boolean {
  if (roles.includes('admin') || roles.includes(role)) return true;
  return role === 'reader' && roles.includes('adjudicator');
}

/** Learn how people come in; needs no session. */
export async function loginMode(): Promise<LoginMode> {
  const answer = await requestOnce('/api/login');
  return ((await answer.json()) as { mode: LoginMode }).mode;
}

/**
 * Log in.
 *
 * @throws RefusedError Name or password are wrong, or there were too many tries.
 */
export async function logIn(name: string, password: string): Promise<void> {
  await requestOnce('/api/login', jsonRequest('POST', { name, password }));
}

/** The session of now; unlike `getJson` it does not wait for a login. */
export async function sessionNow(): Promise<SessionInfo> {
  return (await (await requestOnce('/api/session')).json()) as SessionInfo;
}

export async function logOut(): Promise<void> {
  await requestOnce('/api/logout', jsonRequest('POST'));
}

export const changePassword = (old: string, next: string): Promise<void> =>
  sendQuietly('PUT', '/api/password', { old, new: next });

export const getTokens = async (): Promise<readonly TokenInfo[]> =>
  (await getJson<{ tokens: TokenInfo[] }>('/api/tokens')).tokens;

export const makeToken = (label: string, days: number | null): Promise<NewToken> =>
  sendJson('POST', '/api/tokens', { label, days });

export const revokeToken = (number: number): Promise<void> => sendDelete(`/api/tokens/${number}`);

export const getPeople = async (): Promise<readonly PersonInfo[]> =>
  (await getJson<{ people: PersonInfo[] }>('/api/people')).people;

export const addPerson = (
  name: string,
  roles: readonly Role[],
  password: string | null,
): Promise<PersonInfo> => sendJson('POST', '/api/people', { name, roles, password });

export const changePerson = (name: string, change: PersonChange): Promise<PersonInfo> =>
  sendJson('PUT', `/api/people/${encodeURIComponent(name)}`, change);

export const getAssignments = async (): Promise<readonly AssignmentInfo[]> =>
  (await getJson<{ assignments: AssignmentInfo[] }>('/api/assignments')).assignments;

export const addAssignment = (wanted: Omit<AssignmentInfo, 'number'>): Promise<AssignmentInfo> =>
  sendJson('POST', '/api/assignments', wanted);

export const removeAssignment = (number: number): Promise<void> => sendDelete(`/api/assignments/${number}`);
