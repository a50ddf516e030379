import { describe, expect, it } from 'vitest';
import { assignmentSaid } from '../../src/people/words';
import { linksOf } from '../../src/sheet/links';
import { isValid, tokenSaid } from '../../src/sheet/tokens';
import type { OrganInfo } from '../../src/api/types';

const NOW = new Date('2026-12-01T12:00:00Z');
const TOKEN = { number: 1, label: 'slicer', since: '2026-11-01T00:00:00Z', until: null, revoked: null };

describe('links', () => {
  it('to people are for admins, and to adjudications for adjudicators', () => {
    const shown = (role: 'reader' | 'adjudicator' | 'admin'): string[] =>
      linksOf({ roles: [role], login: 'password' }).map(({ label }) => label);
    expect(shown('reader')).toEqual(['Review', 'Dashboard', 'Account']);
    expect(shown('adjudicator')).toEqual(['Review', 'Adjudication', 'Dashboard', 'Account']);
    expect(shown('admin')).toEqual(['Review', 'Adjudication', 'Dashboard', 'People', 'Account']);
  });

  it('to an account are not there where the link lets people in', () => {
    const labels = linksOf({ roles: ['admin'], login: 'link' }).map(({ label }) => label);
    expect(labels).not.toContain('Account');
  });
});

describe('tokens', () => {
  it('are valid until they end or are revoked', () => {
    expect(isValid(TOKEN, NOW)).toBe(true);
    expect(isValid({ ...TOKEN, until: '2026-11-30T00:00:00Z' }, NOW)).toBe(false);
    expect(isValid({ ...TOKEN, revoked: '2026-11-02T00:00:00Z' }, NOW)).toBe(false);
  });

  it('say how they are', () => {
    expect(tokenSaid(TOKEN, NOW)).toBe('valid until it is revoked');
    expect(tokenSaid({ ...TOKEN, until: '2026-11-30T00:00:00Z' }, NOW)).toMatch(/^ended /);
    expect(tokenSaid({ ...TOKEN, revoked: '2026-11-02T00:00:00Z' }, NOW)).toMatch(/^revoked /);
  });
});

describe('a rule of assignment', () => {
  const organs = [{ organ: 'liver', name: 'Liver' } as OrganInfo];

  it('says who gets what', () => {
    const rule = { number: 1, reader: 'anna', organ: 'liver', share: null };
    expect(assignmentSaid(rule, organs)).toBe('anna gets the tasks of Liver.');
    expect(assignmentSaid({ ...rule, organ: null, share: 0.125 }, organs)).toBe(
      'anna gets 12.5 % of the tasks of all organs.',
    );
  });
});
