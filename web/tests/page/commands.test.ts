import { describe, expect, it } from 'vitest';
import { nameOfKey, shownKey } from '../../src/keys';
import { COMMANDS, commandOf } from '../../src/commands';

const press = (key: string, more: Partial<KeyboardEvent> = {}): string =>
  nameOfKey({ key, code: '', shiftKey: false, ctrlKey: false, metaKey: false, ...more });

describe('keys', () => {
  it('have one command each', () => {
    const keys = COMMANDS.flatMap(({ keys }) => keys);
    expect(keys.filter((key, n) => keys.indexOf(key) !== n)).toEqual([]);
  });

  it('are there for every command', () => {
    expect(COMMANDS.filter(({ keys }) => keys.length === 0)).toEqual([]);
  });

  it('of a whole task lie under the left hand', () => {
    const needed = ['next-spot', 'accept-spot', 'accept-rest', 'revise', 'save', 'absent', 'skip'];
    const near = [...'qwertasdfgzxcvb', 'space'];
    for (const id of needed) expect(near).toContain(commandOf(id).keys[0]!.replace('shift+', ''));
  });

  it('are named as the table writes them', () => {
    expect(press('a')).toBe('a');
    expect(press('A', { shiftKey: true })).toBe('shift+a');
    expect(press('z', { metaKey: true })).toBe('ctrl+z');
    expect(press(';', { code: 'Comma', shiftKey: true })).toBe('shift+comma');
    expect(press(' ', { code: 'Space' })).toBe('space');
    expect(press('?', { shiftKey: true })).toBe('?');
  });

  it('are shown as they are written on keyboards', () => {
    expect(shownKey('shift+period')).toBe('⇧ .');
    expect(shownKey('ctrl+s')).toBe('Ctrl S');
  });
});

describe('commands', () => {
  it('have names of their own', () => {
    expect(new Set(COMMANDS.map(({ id }) => id)).size).toBe(COMMANDS.length);
  });

  it('have names that the server takes as signs of activity', () => {
    for (const { id } of COMMANDS) expect(id).toMatch(/^[a-z0-9-]{1,40}$/);
  });
});
