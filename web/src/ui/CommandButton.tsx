/** A button of a command, with its key. */

import type { Command } from '../commands';
import { runCommand, shownKey } from '../keys';
import type { Shared } from './App';

/** Draw a command as a button; a tool is pressed while it is chosen. */
export function CommandButton({ page, handIn, command }: Shared & { readonly command: Command }) {
  const key = shownKey(command.keys[0]!);
  const isOff = command.when !== 'always' && page.task === undefined;
  const isChosen = command.tool !== undefined && command.tool === page.toolId;
  return (
    <button
      type="button"
      class={isChosen ? 'command chosen' : 'command'}
      data-testid={`command-${command.id}`}
      title={`${command.label} (${key})`}
      disabled={isOff}
      {...(command.tool === undefined ? {} : { 'aria-pressed': isChosen })}
      onClick={() => runCommand(page, handIn, command)}
    >
      <span>{command.label}</span>
      <kbd aria-hidden="true">{key}</kbd>
    </button>
  );
}
