/** The commands of a task that is adjudicated: those of every task, and its own for answers and readings. */

import { COMMANDS, type Command } from '../commands';
import { passSpot } from '../flow/spots';
import type { Page } from '../page';

const READING_ALONE: ReadonlySet<string> = new Set([
  'accept-spot',
  'accept-rest',
  'revise',
  'absent',
  'skip',
  'flicker',
  'swipe',
  'next-source',
  'compare-shown',
  'heat',
]);

const OWN: readonly Command[] = [
  {
    id: 'difference-seen',
    group: 'Review',
    label: 'Seen',
    keys: ['a'],
    when: 'task',
    place: 'bar',
    run: (page, answers) => {
      if (!passSpot(page)) void answers.finish();
    },
  },
  {
    id: 'decide',
    group: 'Review',
    label: 'Decide',
    keys: ['shift+a'],
    when: 'task',
    place: 'bar',
    run: (_, answers) => void answers.finish(),
  },
  {
    id: 'edit-from',
    group: 'Review',
    label: 'Edit',
    keys: ['r'],
    when: 'task',
    place: 'bar',
    run: (page) => page.adjudicate?.askBegin(),
  },
  {
    id: 'flicker-readings',
    group: 'View',
    label: 'Flicker between the readings',
    keys: ['y'],
    when: 'task',
    run: (page) => page.adjudicate?.flicker(),
  },
  {
    id: 'reading-alone',
    group: 'View',
    label: 'One reading alone, the common part, or all',
    keys: ['u'],
    when: 'task',
    run: (page) => page.adjudicate?.stepAlone(),
  },
];

/** Every command while readings are adjudicated. */
export const ADJUDICATION_COMMANDS: readonly Command[] = [
  ...OWN,
  ...COMMANDS.filter(({ id }) => !READING_ALONE.has(id)),
];

/** The commands of the page as it is. */
export const commandsOf = (page: Page): readonly Command[] =>
  page.adjudicate === undefined ? COMMANDS : ADJUDICATION_COMMANDS;
