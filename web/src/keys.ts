/** From keys to commands. */

import { commandsOf } from './adjudication/commands';
import type { Command } from './commands';
import type { Answers } from './flow/answers';
import type { Page } from './page';

const CODES: Readonly<Record<string, string>> = { Comma: 'comma', Period: 'period', Space: 'space' };

/** A key press as the table of commands writes it. */
export function nameOfKey(
  event: Pick<KeyboardEvent, 'key' | 'code' | 'shiftKey' | 'ctrlKey' | 'metaKey'>,
): string {
  const base = CODES[event.code] ?? event.key.toLowerCase();
  const control = event.ctrlKey || event.metaKey ? 'ctrl+' : '';
  return `${control}${event.shiftKey && base !== '?' ? 'shift+' : ''}${base}`;
}

/** A key of the table as a reader knows it. */
export function shownKey(key: string): string {
  const names: Readonly<Record<string, string>> = {
    comma: ',',
    period: '.',
    space: 'Space',
    enter: 'Enter',
    escape: 'Esc',
    arrowup: '↑',
    arrowdown: '↓',
    pageup: 'Page ↑',
    pagedown: 'Page ↓',
    shift: '⇧',
    ctrl: 'Ctrl',
  };
  return key
    .split('+')
    .map((part) => names[part] ?? part.toUpperCase())
    .join(' ');
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !['checkbox', 'range', 'radio'].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** Keys that a focused button or box uses itself. */
function isForControl(target: EventTarget | null, key: string): boolean {
  const isControl = target instanceof HTMLElement && target.closest('button, a, input, summary') !== null;
  return isControl && ['space', 'enter', 'arrowup', 'arrowdown'].includes(key);
}

/** Run a command if it can be used now. */
export function runCommand(page: Page, handIn: Answers, command: Command): void {
  if (command.when !== 'always' && page.task === undefined) return;
  if (page.waitsFor !== undefined && command.id !== 'cancel') {
    if (command.when === 'edit' || command.group === 'Review') return;
  }
  try {
    page.activity.touch();
    command.run(page, handIn);
  } catch (problem) {
    page.fail(problem);
  }
}

/** Listen to the keyboard for as long as the page is open. */
export function listenToKeys(page: Page, handIn: Answers): void {
  const byKey = new Map(
    commandsOf(page).flatMap((command) => command.keys.map((key) => [key, command] as const)),
  );
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.altKey || document.querySelector('dialog:modal') !== null) return;
    const key = nameOfKey(event);
    const command = byKey.get(key);
    const isFree = !isTyping(event.target) || key === 'ctrl+s';
    if (command === undefined || !isFree || isForControl(event.target, key)) return;
    event.preventDefault();
    runCommand(page, handIn, command);
  });
}
