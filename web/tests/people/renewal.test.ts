import { describe, expect, it, vi } from 'vitest';
import { RefusedError, onNoSession, request } from '../../src/api/client';
import { hasRole } from '../../src/api/people';
import type { SessionInfo } from '../../src/api/types';
import { makeRenewal } from '../../src/login/renewal';

const sessionOf = (reader: string): SessionInfo => ({ reader }) as SessionInfo;
const answer = (status: number, body: object, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers });

describe('a session that has ended', () => {
  it('is asked for once by all requests that wait, and each goes on after it', async () => {
    let isIn = false;
    vi.stubGlobal('fetch', () =>
      Promise.resolve(isIn ? answer(200, {}) : answer(401, { kind: 'no-session', detail: 'log in' })),
    );
    const ask = vi.fn(async () => {
      await Promise.resolve();
      isIn = true;
      return sessionOf('anna');
    });
    onNoSession(makeRenewal({ ask, reader: () => 'anna', beginAnew: () => Promise.reject(new Error()) }));
    const answers = await Promise.all([request('/api/queue'), request('/api/tasks/1')]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('sends nothing that waited in the name of another person', async () => {
    const sent = vi.fn(() => Promise.resolve(answer(401, { kind: 'no-session' })));
    vi.stubGlobal('fetch', sent);
    const beginAnew = vi.fn(() => Promise.resolve());
    onNoSession(makeRenewal({ ask: async () => sessionOf('ben'), reader: () => 'anna', beginAnew }));
    const outcome = await Promise.race([
      request('/api/tasks/1/drafts/t1', { method: 'PUT' }).then(() => 'sent'),
      new Promise((resolve) => setTimeout(() => resolve('waits'), 30)),
    ]);
    expect(outcome).toBe('waits');
    expect(beginAnew).toHaveBeenCalledTimes(1);
    expect(sent).toHaveBeenCalledTimes(1);
  });

  it('is no reason to ask where name or password are wrong', async () => {
    vi.stubGlobal('fetch', () => Promise.resolve(answer(401, { kind: 'wrong-login', detail: 'wrong' })));
    const ask = vi.fn();
    onNoSession(ask);
    await expect(request('/api/login')).rejects.toThrow('wrong');
    expect(ask).not.toHaveBeenCalled();
  });
});

describe('a refusal', () => {
  it('says how long to wait', async () => {
    vi.stubGlobal('fetch', () =>
      Promise.resolve(answer(429, { kind: 'too-many', detail: 'wait' }, { 'Retry-After': '8' })),
    );
    const refused = await request('/api/login').catch((problem: unknown) => problem);
    expect(refused).toBeInstanceOf(RefusedError);
    expect((refused as RefusedError).retryAfter).toBe(8);
  });
});

describe('roles', () => {
  it('of an admin hold all others, and an adjudicator also reads', () => {
    expect(['reader', 'adjudicator', 'admin'].map((role) => hasRole(['admin'], role as 'reader'))).toEqual([
      true,
      true,
      true,
    ]);
    expect(hasRole(['adjudicator'], 'reader')).toBe(true);
    expect(hasRole(['adjudicator'], 'admin')).toBe(false);
    expect(hasRole(['reader'], 'adjudicator')).toBe(false);
  });
});
