import { describe, expect, it } from 'vitest';
import { ADJUDICATION_COMMANDS } from '../../src/adjudication/commands';
import { choicesOf, nextAlone, nextReading } from '../../src/adjudication/sources';
import { READING_STYLES } from '../../src/viewer/drawReadings';

const reading = (label: string, revision: number) => ({ label, revision, says: 'revised', volume_ml: 3 });
const TWO = { readings: [reading('A', 4), reading('B', 5)], sources: ['revision:4', 'revision:5', 'common'] };

describe('masks that can stand', () => {
  it('are readings by letter, and what is made of them', () => {
    expect(choicesOf(TWO).map(({ said }) => said)).toEqual(['A', 'B', 'the common part']);
  });
});

describe('what is shown', () => {
  it('goes in turn from all to each reading, the common part, and all again', () => {
    const shown = ['all'];
    while (shown.length < 5) shown.push(nextAlone(TWO, shown.at(-1)!));
    expect(shown).toEqual(['all', 'revision:4', 'revision:5', 'common', 'all']);
  });

  it('flickers from one reading to the other', () => {
    expect(nextReading(TWO, 'all')).toBe('revision:4');
    expect(nextReading(TWO, 'revision:4')).toBe('revision:5');
    expect(nextReading(TWO, 'revision:5')).toBe('revision:4');
  });
});

describe('lines of readings', () => {
  it('differ by their dashes, not by colour alone', () => {
    expect(new Set(READING_STYLES.map(({ dash }) => dash.join())).size).toBe(READING_STYLES.length);
  });

  it('are bright enough to be seen on a CT', () => {
    const lightness = READING_STYLES.map(({ colour: [r, g, b] }) => 0.2126 * r + 0.7152 * g + 0.0722 * b);
    for (const one of lightness) expect(one).toBeGreaterThan(100);
  });
});

describe('commands of adjudication', () => {
  it('have one key each, and names of their own', () => {
    const keys = ADJUDICATION_COMMANDS.flatMap(({ keys: own }) => own);
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(ADJUDICATION_COMMANDS.map(({ id }) => id)).size).toBe(ADJUDICATION_COMMANDS.length);
  });

  it('move between differences by the keys of hot spots', () => {
    const keyOf = (id: string): string | undefined =>
      ADJUDICATION_COMMANDS.find((one) => one.id === id)?.keys[0];
    expect([keyOf('next-spot'), keyOf('previous-spot'), keyOf('difference-seen')]).toEqual([
      'space',
      'shift+space',
      'a',
    ]);
  });
});
