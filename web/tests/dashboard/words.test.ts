import { describe, expect, test } from 'vitest';

import type { OrganProgress, QueueProgress } from '../../src/dashboard/types';
import { barSaid, bound, counted, duration, leftOutSaid, number, partsOf, tasksIn, volume } from '../../src/dashboard/words';

const LIVER: OrganProgress = {
  organ: 'liver',
  name: 'Liver',
  colour: [145, 11, 0],
  n_original: 40,
  n_revised: 25,
  n_predicted: 1333,
  n_held: 1,
  n_unknown: 0,
  n_open: 8,
  n_done: 4,
  error_ml: 310.5,
};
const QUEUE: QueueProgress = {
  counts: { queued: 11, claimed: 2, done: 6 },
  minutes_open: 48,
  n_left_out: 12,
  minutes_left_out: 340.2,
  budget_minutes: 60,
};

describe('numbers', () => {
  test('what is not known is a dash, not zero', () => {
    expect([number(null), duration(null), volume(null), bound(null)]).toEqual(['–', '–', '–', '–']);
    expect([number(0), duration(0), volume(0)]).toEqual(['0', '0 min', '0.0 mL']);
  });

  test('a unit follows the size', () => {
    expect([duration(119), duration(120), duration(610)]).toEqual(['119 min', '2.0 h', '10.2 h']);
    expect([volume(3.14), volume(310.5), volume(12_345)]).toEqual(['3.1 mL', '311 mL', '12.3 L']);
    expect(number(1234.5678, 3)).toBe('1,234.568');
  });

  test('a bound is never rounded down', () => {
    expect([bound(0.0481), bound(0.048), bound(0.05)]).toEqual(['4.9 %', '4.8 %', '5.0 %']);
  });

  test('one thing has no plural', () => {
    expect([counted(1, 'task'), counted(0, 'task'), counted(1200, 'task')]).toEqual(['1 task', '0 tasks', '1,200 tasks']);
  });
});

describe('organs', () => {
  test('parts without a case are left out, and the others make up all cases', () => {
    expect(partsOf(LIVER).map((part) => part.kind)).toEqual(['original', 'revised', 'predicted', 'held']);
    expect(partsOf(LIVER).reduce((sum, part) => sum + part.cases, 0)).toBe(1399);
  });

  test('the bar is said in words', () => {
    expect(barSaid(LIVER)).toBe('40 original, 25 revised, 1,333 predicted, 1 held back');
  });
});

describe('the queue', () => {
  test('what the budget leaves out is said with its minutes', () => {
    expect(leftOutSaid(QUEUE)).toBe(
      '12 tasks of about 5.7 h do not fit the budget of 60 min; the next round scores them anew',
    );
  });

  test('nothing is said where nothing is left out, or no budget is known', () => {
    expect(leftOutSaid({ ...QUEUE, n_left_out: 0 })).toBe('');
    expect(leftOutSaid({ ...QUEUE, budget_minutes: null })).toBe('');
  });

  test('tasks of all states are counted', () => {
    expect(tasksIn(QUEUE)).toBe(19);
  });
});
