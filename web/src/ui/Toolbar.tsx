/** The toolbar: tools and shape operations, each with its key, and the settings of the chosen tool. */

import { commandsOf } from '../adjudication/commands';
import { GROUPS } from '../commands';
import type { Shared } from './App';
import { CommandButton } from './CommandButton';
import { ToolOptions } from './ToolOptions';

/** Draw the toolbar. */
export function Toolbar(shared: Shared) {
  const groups = GROUPS.map((group) => ({
    group,
    commands: commandsOf(shared.page).filter(
      (command) => command.group === group && command.place === 'tools',
    ),
  }));
  return (
    <nav class="toolbar" aria-label="Tools">
      {groups
        .filter(({ commands }) => commands.length > 0)
        .map(({ group, commands }) => (
          <section key={group} aria-label={group}>
            <h2>{group}</h2>
            {commands.map((command) => (
              <CommandButton key={command.id} {...shared} command={command} />
            ))}
          </section>
        ))}
      <ToolOptions {...shared} />
    </nav>
  );
}
