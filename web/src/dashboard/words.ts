/** Numbers and sentences of the dashboard. */

import type { OrganProgress, QueueProgress } from './types';

const MISSING = '–';

/** Write a number with so many digits; a dash where it is not known. */
export function number(value: number | null, digits = 0): string {
  if (value === null) return MISSING;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Write a time: minutes below two hours, else hours. */
export function duration(minutes: number | null): string {
  if (minutes === null) return MISSING;
  return minutes < 120 ? `${number(minutes)} min` : `${number(minutes / 60, 1)} h`;
}

/** Write a volume: millilitres below ten litres, else litres. */
export function volume(ml: number | null): string {
  if (ml === null) return MISSING;
  return ml < 10_000 ? `${number(ml, ml < 10 ? 1 : 0)} mL` : `${number(ml / 1000, 1)} L`;
}

/** Write a share as a percentage, rounded up, as it is a bound. */
export function bound(share: number | null): string {
  return share === null ? MISSING : `${number(Math.ceil(share * 1000 - 1e-9) / 10, 1)} %`;
}

/** Write how many there are of a thing. */
export function counted(count: number, noun: string): string {
  return `${number(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** One part of an organ's bar. */
export interface Part {
  readonly kind: 'original' | 'revised' | 'predicted' | 'held' | 'unknown';
  readonly said: string;
  readonly cases: number;
}

/** Divide the cases of an organ by what stands in them; parts without a case are left out. */
export function partsOf(organ: OrganProgress): readonly Part[] {
  const parts: readonly Part[] = [
    { kind: 'original', said: 'original', cases: organ.n_original },
    { kind: 'revised', said: 'revised', cases: organ.n_revised },
    { kind: 'predicted', said: 'predicted', cases: organ.n_predicted },
    { kind: 'held', said: 'held back', cases: organ.n_held },
    { kind: 'unknown', said: 'unknown', cases: organ.n_unknown },
  ];
  return parts.filter((part) => part.cases > 0);
}

/** Say in words what an organ's bar shows. */
export function barSaid(organ: OrganProgress): string {
  return partsOf(organ)
    .map((part) => `${number(part.cases)} ${part.said}`)
    .join(', ');
}

/** Say what the budget does not pay for; empty where nothing is left out. */
export function leftOutSaid(queue: QueueProgress): string {
  if (queue.n_left_out === 0 || queue.budget_minutes === null) return '';
  const fit = queue.n_left_out === 1 ? 'does not fit' : 'do not fit';
  const tasks = `${counted(queue.n_left_out, 'task')} of about ${duration(queue.minutes_left_out)}`;
  return `${tasks} ${fit} the budget of ${duration(queue.budget_minutes)}; the next round scores them anew`;
}

/** Count the tasks of a round in all states. */
export function tasksIn(queue: QueueProgress): number {
  return Object.values(queue.counts).reduce((sum, count) => sum + count, 0);
}
